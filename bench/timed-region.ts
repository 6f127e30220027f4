import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { GateError } from '../src/errors.ts';
import { readWindows } from '../src/models/evaluation.ts';
import { openModelSource } from '../src/models/model-source.ts';
import { buildReference } from '../src/models/reference.ts';
import type { CallPoint } from '../src/records/metric.ts';
import type { ArmId } from '../src/records/words.ts';
import { type OpenOptions, openModel } from '../src/runtime/decoder.ts';
import { loadRuntime, type OrtModule, type Runtime, runtimeRoots } from '../src/runtime/library.ts';
import { median } from '../src/statistics/describe.ts';
import { deriveSeed, seededRandom } from '../src/statistics/random.ts';
import { clocks } from '../src/worker/clocks.ts';
import { interleave } from '../src/worker/rounds.ts';
import type { Comparison, Row } from './comparison.ts';
import { describeRatio, ratioOf } from './side-by-side.ts';

const points: readonly (CallPoint & { readonly calls: number; readonly label: string })[] = [
  {
    id: 'prefill-256',
    kind: 'call',
    phase: 'prefill',
    length: 256,
    batch: 1,
    rounds: 60,
    warmUp: 0,
    arms: ['head'],
    calls: 3,
    label: 'prefill 256',
  },
  {
    id: 'decode-b1',
    kind: 'call',
    phase: 'decode',
    length: 256,
    batch: 1,
    rounds: 60,
    warmUp: 0,
    arms: ['head'],
    calls: 20,
    label: 'decode b1',
  },
];
const blocks = 200;
/** Blocks that are run first and left out. */
const warmUp = 2;

type Feeds = InferenceSession.OnnxValueMapType;
type BareRun = (feeds: Feeds, fetches: Feeds) => Promise<Feeds>;

/** The runtime, remembering the sessions that it makes: so that the bare loop runs on the very session that the gate times. */
const remembering = (runtime: Runtime, sessions: InferenceSession[]): Runtime => {
  const create = async (path: string, options: InferenceSession.SessionOptions): Promise<InferenceSession> => {
    const session = await runtime.ort.InferenceSession.create(path, options);
    sessions.push(session);
    return session;
  };
  return { ...runtime, ort: { ...runtime.ort, InferenceSession: { create } } as unknown as OrtModule };
};

/** Makes one call and returns what it ran the session with. */
const overheard = async (
  session: InferenceSession,
  call: () => Promise<unknown>,
): Promise<{ readonly feeds: Feeds; readonly fetches: Feeds }> => {
  let heard: { readonly feeds: Feeds; readonly fetches: Feeds } | null = null;
  const run = session.run.bind(session) as BareRun;
  const listening: BareRun = (feeds, fetches) => {
    heard = { feeds, fetches };
    return run(feeds, fetches);
  };
  Object.defineProperty(session, 'run', { value: listening, configurable: true });
  try {
    await call();
  } finally {
    Reflect.deleteProperty(session, 'run');
  }
  if (heard === null) throw new GateError('internal', 'the timed call did not run the session');
  return heard;
};

/** A bare call with a stopwatch of its own. */
const stopwatch = (session: InferenceSession, feeds: Feeds, fetches: Feeds, times: number[]) => async (): Promise<void> => {
  const started = performance.now();
  await session.run(feeds, fetches);
  times.push(performance.now() - started);
};

/** Medians of so many blocks of neighbouring calls; the first blocks warm up and are left out. */
const blockMedians = (times: readonly number[], calls: number): readonly number[] =>
  Array.from({ length: blocks }, (_, block) => median(times.slice((warmUp + block) * calls, (warmUp + block + 1) * calls)));

const compare = async (point: (typeof points)[number], folder: string, options: OpenOptions, seed: number): Promise<Row> => {
  const sessions: InferenceSession[] = [];
  const stages = [{ id: 'decoder', graph: 'model.onnx' }];
  const model = await openModel(folder, stages, {}, { ...options, runtime: remembering(options.runtime, sessions) });
  try {
    const [session] = sessions;
    if (session === undefined) throw new GateError('internal', 'no session was made');
    const call = await model.prepareCall(point, seed);
    const { feeds, fetches } = await overheard(session, call);
    const bare: number[] = [];
    const again: number[] = [];
    const rounds = (warmUp + blocks) * point.calls;
    const columns = await interleave({
      calls: new Map<ArmId, () => Promise<unknown>>([
        ['head', call],
        ['base', stopwatch(session, feeds, fetches, bare)],
        ['reference', stopwatch(session, feeds, fetches, again)],
      ]),
      rounds,
      minimumRounds: rounds,
      warmUp: 0,
      seconds: Number.POSITIVE_INFINITY,
      random: seededRandom(deriveSeed(seed, 'timed-region', point.id)),
      clock: clocks,
      beat: () => void clocks.wall(),
    });
    const [gate, plain, twin] = [columns['head']?.['wall-ms'] ?? [], bare, again].map((times) => blockMedians(times, point.calls));
    if (gate === undefined || plain === undefined || twin === undefined) throw new GateError('internal', 'a side has no times');
    const ratio = ratioOf(gate, plain);
    return {
      what: `timed region ÷ bare session.run, ${point.label}`,
      value: ratio.median,
      unit: '×',
      target: { bound: 'most', value: 1.01 },
      note: `${describeRatio(ratio)}; bare ÷ bare ${describeRatio(ratioOf(twin, plain))}; bare call ${median(bare).toPrecision(3)} ms; ${blocks} blocks of ${point.calls} calls, call by call in turn`,
    };
  } finally {
    await model.release();
  }
};

/**
 * What our clock takes in beside the run: the time that `interleave` reports of a prepared call, divided by what a stopwatch around a bare `session.run`
 * reads, with the same session, the same inputs and the same output buffers. The bare call against itself shows what the machine adds.
 */
export const timedRegion: Comparison = {
  name: 'timed-region',
  onRequest: false,
  run: async ({ root, folder, seed }, show) => {
    const source = openModelSource(join(root, 'models', 'mini-qwen3-dense'));
    buildReference(source, folder);
    const options: OpenOptions = {
      runtime: await loadRuntime(runtimeRoots(null, root)),
      settings: { provider: 'cpu', threads: 1, spinning: false },
      prompts: readWindows(join(source.folder, 'calibration.safetensors'), source.config),
    };
    for (const point of points) show(await compare(point, folder, options, seed));
  },
};
