import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GateError } from '../errors.ts';
import { exposeTensors } from '../onnx/edit.ts';
import { readModel } from '../onnx/read.ts';
import { writeModel } from '../onnx/write.ts';
import { hostProvider } from '../records/provider.ts';
import type { EvaluationWindows, Stage } from '../records/serving.ts';
import { decoderInterface } from './decoder-interface.ts';
import { decoderFeeds, emptyCache, type Feeds, floatsOfTensor, pixelFeeds } from './feeds.ts';
import { loadRuntime, type Runtime } from './library.ts';
import { openSession, runSession, type Session } from './session.ts';

export interface CalibrationOptions {
  /** The graphs whose activations are wanted; nothing is written into the folder. */
  readonly input: { readonly folder: string; readonly stages: readonly Stage[] };
  /** Calibration windows; never the evaluation's. */
  readonly windows: EvaluationWindows;
  /** Where onnxruntime-node is looked for. */
  readonly roots: readonly string[];
  /** What builds of the same input and windows saw before in this process; without it every call runs the windows. */
  readonly memory?: ObservationMemory | null;
}

type Observed = Readonly<Record<string, { readonly dims: readonly number[]; readonly data: Float32Array }>>;

/** Observed windows, by the stage and the tensors that were asked for. Whoever is shown them must leave them as they are. */
export interface ObservationMemory {
  recall(stage: string, tensors: readonly string[]): readonly Observed[] | null;
  /** Takes the windows of a sweep as they come. `keep` once all have come: they are kept if there was room for all of them. */
  sweep(stage: string, tensors: readonly string[]): { add(values: Observed): void; keep(): void };
  /** Bytes that are held now, those of unfinished sweeps among them. */
  readonly bytes: number;
}

const bytesOf = (values: Observed): number => Object.values(values).reduce((sum, { data }) => sum + data.byteLength, 0);

/** An empty memory that never holds more than so many bytes. */
export const openObservationMemory = (mostBytes: number): ObservationMemory => {
  const kept = new Map<string, readonly Observed[]>();
  let bytes = 0;
  const keyOf = (stage: string, tensors: readonly string[]): string => JSON.stringify([stage, tensors]);
  return {
    recall: (stage, tensors) => kept.get(keyOf(stage, tensors)) ?? null,
    sweep: (stage, tensors) => {
      let windows: Observed[] | null = [];
      let mine = 0;
      return {
        add: (values) => {
          const more = bytesOf(values);
          if (windows === null) return;
          if (bytes + more > mostBytes) {
            bytes -= mine;
            windows = null;
            return;
          }
          windows.push(values);
          mine += more;
          bytes += more;
        },
        keep: () => {
          if (windows !== null) kept.set(keyOf(stage, tensors), windows);
        },
      };
    },
    get bytes() {
      return bytes;
    },
  };
};

/** Always the CPU and one thread: a build must give the same bytes on every machine of an architecture. */
const settings = { provider: hostProvider, threads: 1, spinning: false } as const;

/** Intermediate tensors of a model on calibration windows; satisfies the contract's `Calibration`. Release it. */
export interface OpenCalibration {
  /**
   * Runs every window (one at a time, no cache) through a copy of the stage that also hands out the named tensors. Each call runs
   * the windows again, unless the same was asked for before and is remembered: ask for all tensors of a stage at once where memory allows.
   * Throws `onnx-dangling-input` for a name that nothing produces, `onnx-unsupported` for tensors that are not floats.
   */
  observe(stage: string, tensors: readonly string[], visit: (values: Observed) => unknown): Promise<void>;
  /** The same windows through another model. It is released with this one. */
  through(input: CalibrationOptions['input']): OpenCalibration;
  release(): Promise<void>;
}

/** Feeds of one window for a stage: pixels for the vision stage; tokens, and what the reference's vision stage sees, for the decoder. */
const windowFeeds = async (
  runtime: Runtime,
  session: Session,
  stage: string,
  vision: Session | null,
  windows: EvaluationWindows,
  window: number,
): Promise<Feeds> => {
  const { images, length } = windows;
  if (stage === 'vision') {
    if (images === null)
      throw new GateError('model-invalid', 'Text and images for calibration were read. The vision tower needs images, and there are none.');
    return pixelFeeds(runtime.ort, session, [window], images, false);
  }
  const face = decoderInterface(session);
  const tokens = Uint32Array.from(windows.tokens.subarray(window * length, (window + 1) * length));
  const rows = { batch: 1, length, tokens, windows: images === null ? null : [window] };
  const { feeds } = decoderFeeds(runtime.ort, face, { rows, cache: emptyCache(runtime.ort, face.cache, 1), start: 0, keep: 1 }, images);
  const features =
    vision === null || images === null
      ? {}
      : await runSession(vision, pixelFeeds(runtime.ort, vision, [window], images, false), face.features);
  return { ...feeds, ...features };
};

/** Opens the calibration of a model view. The runtime is loaded on the first observation. */
export const openCalibration = ({ input, windows, roots, memory = null }: CalibrationOptions): OpenCalibration => {
  let loading: Promise<Runtime> | null = null;
  let vision: Promise<Session> | null = null;
  const others: OpenCalibration[] = [];
  const visionSession = async (runtime: Runtime, stage: string): Promise<Session | null> => {
    const found = input.stages.find(({ id }) => id === 'vision');
    if (stage !== 'decoder' || found === undefined) return null;
    vision ??= openSession(runtime, join(input.folder, found.graph), settings);
    return vision;
  };
  return {
    observe: async (stage, tensors, visit) => {
      const before = memory?.recall(stage, tensors) ?? null;
      if (before !== null) {
        for (const values of before) await visit(values);
        return;
      }
      const found = input.stages.find(({ id }) => id === stage);
      if (found === undefined)
        throw new GateError(
          'onnx-unsupported',
          `The part ${JSON.stringify(stage)} of the model was to be run. It has only ${input.stages.map(({ id }) => id).join(', ')}.`,
        );
      const exposed = exposeTensors(readModel(join(input.folder, found.graph)), tensors);
      loading ??= loadRuntime(roots);
      const runtime = await loading;
      const scratch = mkdtempSync(join(tmpdir(), 'calibration-'));
      try {
        writeModel({ proto: exposed.proto, sourceFolder: input.folder }, scratch, found.graph, new Map());
        const session = await openSession(runtime, join(scratch, found.graph), settings);
        const seen = memory?.sweep(stage, tensors);
        try {
          const seeing = await visionSession(runtime, stage);
          for (let window = 0; window < windows.count; window++) {
            const outputs = await runSession(session, await windowFeeds(runtime, session, stage, seeing, windows, window), tensors);
            const values = Object.fromEntries(
              Object.entries(outputs).map(([name, tensor]) => [name, { dims: tensor.dims, data: floatsOfTensor(tensor) }]),
            );
            await visit(values);
            seen?.add(values);
          }
          seen?.keep();
        } finally {
          await session.release();
        }
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    },
    through: (other) => {
      const opened = openCalibration({ input: other, windows, roots });
      others.push(opened);
      return opened;
    },
    release: async () => {
      for (const other of others.splice(0)) await other.release();
      const session = await vision;
      vision = null;
      await session?.release();
    },
  };
};
