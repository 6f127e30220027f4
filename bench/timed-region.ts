import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { GateError } from '../src/errors.ts';
import { readWindows } from '../src/models/evaluation.ts';
import { openModelSource } from '../src/models/model-source.ts';
import { buildReference } from '../src/models/reference.ts';
import type { CallPoint } from '../src/records/metric.ts';
import { type OpenOptions, openModel } from '../src/runtime/decoder.ts';
import { loadRuntime, type OrtModule, type Runtime, runtimeRoots } from '../src/runtime/library.ts';
import { median } from '../src/statistics/describe.ts';
import { deriveSeed, seededRandom } from '../src/statistics/random.ts';
import { clocks } from '../src/worker/clocks.ts';
import { interleave } from '../src/worker/rounds.ts';
import type { Benchmark, Row } from './benchmark.ts';
import { describeRatio, inBlocks, ratioOf, type Side } from './side-by-side.ts';

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
    calls: 4,
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
    calls: 40,
    label: 'decode b1',
  },
];
const blocks = 60;

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
  call: () => Promise<void>,
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

const bareLoop =
  (session: InferenceSession, feeds: Feeds, fetches: Feeds): Side =>
  async (calls) => {
    const times: number[] = [];
    for (let at = 0; at < calls; at++) {
      const started = performance.now();
      await session.run(feeds, fetches);
      times.push(performance.now() - started);
    }
    return times;
  };

const gateRounds =
  (call: () => Promise<void>, random: () => number): Side =>
  async (calls) => {
    const columns = await interleave({
      calls: new Map([['head', call]]),
      rounds: calls,
      minimumRounds: calls,
      warmUp: 0,
      seconds: Number.POSITIVE_INFINITY,
      random,
      clock: clocks,
      beat: () => void clocks.wall(),
    });
    return columns['head']?.['wall-ms'] ?? [];
  };

const compare = async (point: (typeof points)[number], folder: string, options: OpenOptions, seed: number): Promise<Row> => {
  const sessions: InferenceSession[] = [];
  const stages = [{ id: 'decoder', graph: 'model.onnx' }];
  const model = await openModel(folder, stages, {}, { ...options, runtime: remembering(options.runtime, sessions) });
  try {
    const [session] = sessions;
    if (session === undefined) throw new GateError('internal', 'no session was made');
    const call = await model.prepareCall(point, seed);
    const { feeds, fetches } = await overheard(session, call);
    const random = seededRandom(deriveSeed(seed, 'timed-region', point.id));
    const bare = bareLoop(session, feeds, fetches);
    const times = await inBlocks({ gate: gateRounds(call, random), bare, again: bare }, { blocks, warmUp: 2, calls: point.calls, random });
    const ratio = ratioOf(times.gate, times.bare);
    return {
      what: `timed region ÷ bare session.run, ${point.label}`,
      value: ratio.median,
      unit: '×',
      target: { bound: 'most', value: 1.01 },
      note: `${describeRatio(ratio)}; bare ÷ bare ${describeRatio(ratioOf(times.again, times.bare))}; bare call ${median(times.bare).toPrecision(3)} ms; ${blocks} blocks of ${point.calls} calls`,
    };
  } finally {
    await model.release();
  }
};

/**
 * What our timing adds to a call: the median that `interleave` reports around a prepared call, divided by the median of a bare
 * loop over `session.run` with the same session, the same inputs and the same output buffers. The bare loop against itself shows
 * what the machine adds.
 */
export const timedRegion: Benchmark = {
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
