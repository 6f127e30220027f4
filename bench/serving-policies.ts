import { join } from 'node:path';
import type { Benchmark } from '../src/contract/benchmark.ts';
import type { Subject } from '../src/contract/optimization.ts';
import type { Player, Tools, Turn } from '../src/contract/player.ts';
import { GateError } from '../src/errors.ts';
import { readWindows } from '../src/models/evaluation.ts';
import { type ModelSource, openModelSource } from '../src/models/model-source.ts';
import { buildReference } from '../src/models/reference.ts';
import { makeFolder } from '../src/onnx/output-file.ts';
import { adaptiveBatchingBenchmark } from '../src/optimizations/adaptive-batching/benchmark.ts';
import { batchingPlayer } from '../src/optimizations/adaptive-batching/play.ts';
import { adaptiveBatching } from '../src/optimizations/adaptive-batching/subject.ts';
import { feedbackControlBenchmark } from '../src/optimizations/feedback-control/benchmark.ts';
import { feedbackPlayer } from '../src/optimizations/feedback-control/play.ts';
import { feedbackControl } from '../src/optimizations/feedback-control/subject.ts';
import type { Json, Values } from '../src/records/words.ts';
import { type LoadedModel, openModel } from '../src/runtime/decoder.ts';
import { loadRuntime, runtimeRoots } from '../src/runtime/library.ts';
import { promptRows } from '../src/runtime/prompt.ts';
import { greedySession } from '../src/runtime/serving-session.ts';
import { mean } from '../src/statistics/describe.ts';
import { deriveSeed, seededRandom, shuffled } from '../src/statistics/random.ts';
import { clocks } from '../src/worker/clocks.ts';
import type { BenchContext, Comparison, Row } from './comparison.ts';
import { describeRatio, ratioOf } from './side-by-side.ts';

const models = ['mini-qwen3-dense', 'mini-qwen3-moe', 'mini-glm4-moe-lite', 'mini-qwen3-vl'];
/** Traces per shape: goodput at a load near capacity differs more from trace to trace, and from moment to moment, than from policy to policy. */
const traces = 24;

interface Opened {
  readonly id: string;
  readonly model: LoadedModel;
  readonly tools: (seed: number, policy: Tools['policy']) => Tools;
}

const unused = (what: string) => (): never => {
  throw new GateError('internal', `no policy here needs ${what}`);
};

const opened = async ({ root, folder }: BenchContext, id: string): Promise<Opened> => {
  const source: ModelSource = openModelSource(join(root, 'models', id));
  const graphs = join(folder, id);
  makeFolder(graphs);
  const stages = buildReference(source, graphs);
  const windows = readWindows(join(source.folder, 'calibration.safetensors'), source.config);
  // Prompts of these policies are shorter than an image.
  const prompts = { ...windows, images: null };
  const runtime = await loadRuntime(runtimeRoots(null, root));
  const model = await openModel(graphs, stages, {}, { runtime, settings: { provider: 'cpu', threads: 1, spinning: false }, prompts });
  const tools = (seed: number, policy: Tools['policy']): Tools => ({
    model: source.facts,
    differing: [],
    variants: ['main'],
    session: async () => greedySession(model),
    nllDelta: unused('quality'),
    inspect: unused('files'),
    prompt: (batch, length) => promptRows(prompts, source.facts.vocabulary, batch, length, seed),
    policy,
    clock: clocks,
    random: seededRandom(deriveSeed(seed, 'player')),
    unforeseen: seededRandom(deriveSeed(seed, 'unforeseen')),
  });
  return { id, model, tools };
};

/** One optimization with episodes, its policy in this process. */
interface Played<Options> {
  readonly benchmark: Benchmark<Options>;
  readonly player: Player;
  readonly subject: Subject<Options>;
}

const tune = async (player: Player, { tools }: Opened, seed: number): Promise<Json> =>
  (await player.tune?.(tools(seed, unused('a policy')), {})) ?? null;

const play = async <Options>(
  { benchmark, player, subject }: Played<Options>,
  { tools }: Opened,
  point: Turn['point'],
  turn: { readonly arm: 'reference' | 'head'; readonly seed: number; readonly tuned: Json },
): Promise<Values> => {
  const options = benchmark.options.parse({}, 'options') as Json;
  const start: Tools['policy'] = async (setting) =>
    subject.start?.({ point: point.id, seed: turn.seed, options, setting }) ?? unused('to start')();
  const observed = await player.play({ ...turn, point, round: 0, options }, tools(turn.seed, start));
  return observed.values;
};

const episodesOf = <Options>(benchmark: Benchmark<Options>, { tools }: Opened): readonly Turn['point'][] =>
  benchmark
    .workload(tools(0, unused('a policy')).model, benchmark.options.parse({}, 'options'))
    .points.filter((point): point is Turn['point'] => point.kind === 'episode');

const batching = { benchmark: adaptiveBatchingBenchmark, player: batchingPlayer, subject: adaptiveBatching };

/** Goodput of both arms on the traces of one shape. */
const servedTraces = async (
  model: Opened,
  point: Turn['point'],
  tuned: Json,
  seed: number,
): Promise<{ readonly what: string; readonly value: number; readonly note: string }> => {
  const order = seededRandom(deriveSeed(seed, 'batching', model.id));
  const goodput = { reference: [] as number[], head: [] as number[] };
  for (let trace = 0; trace < traces; trace++)
    for (const arm of shuffled(['reference', 'head'] as const, order)) {
      const values = await play(batching, model, point, { arm, seed: deriveSeed(seed, point.id, String(trace)), tuned });
      goodput[arm].push(values['goodput'] ?? Number.NaN);
    }
  const [fixed, adaptive] = [mean(goodput.reference), mean(goodput.head)];
  return {
    what: `goodput, adaptive ÷ best fixed batch, ${point.id}`,
    value: adaptive / fixed,
    note: `${model.id}; ${adaptive.toFixed(0)} and ${fixed.toFixed(0)} requests/s in time, ${traces} traces at three loads each: ${describeRatio(ratioOf(goodput.head, goodput.reference))} trace by trace`,
  };
};

/**
 * In replay of the load test, which says what the policy does, and with batches that really run, which says what comes of it here: a shared
 * machine takes far longer for some batches, and which arm that hits may decide more than the policy.
 */
const showBatching = async (model: Opened, seed: number, show: (row: Row) => void): Promise<void> => {
  const tuned = await tune(batchingPlayer, model, seed);
  for (const point of episodesOf(adaptiveBatchingBenchmark, model)) {
    const target = { bound: 'least', value: point.id.endsWith('burst') ? 1 : 0.95 } as const;
    show({ ...(await servedTraces(model, point, tuned, seed)), unit: '×', target });
  }
};

const showFeedback = async (model: Opened, seed: number, show: (row: Row) => void): Promise<void> => {
  const played = { benchmark: feedbackControlBenchmark, player: feedbackPlayer, subject: feedbackControl };
  const tuned = await tune(feedbackPlayer, model, seed);
  const replays = episodesOf(feedbackControlBenchmark, model).filter(({ exact }) => exact);
  const closed: Values[] = [];
  const open: Values[] = [];
  for (const point of replays) {
    closed.push(await play(played, model, point, { arm: 'head', seed, tuned }));
    open.push(await play(played, model, point, { arm: 'reference', seed, tuned }));
  }
  const worst = (of: readonly Values[], series: string): number => Math.max(...of.map((values) => values[series] ?? Number.NaN));
  const names = replays.map(({ id }) => id).join(', ');
  const stable = closed.filter((values) => values['stable'] === 1).length;
  show({
    what: 'steps until settled within ± 5 %, the slowest replay',
    value: worst(closed, 'settling-steps'),
    unit: 'steps',
    target: { bound: 'most', value: 20 },
    note: `${model.id}; ${names}: ${closed.map((values) => values['settling-steps']).join(', ')}`,
  });
  show({
    what: 'overshoot, the largest of the replays',
    value: worst(closed, 'overshoot'),
    unit: '%',
    target: { bound: 'most', value: 15 },
    note: `${model.id}; ${stable} of ${closed.length} without sustained swings; accuracy ${closed.map((values) => values['tracking-accuracy']?.toFixed(1)).join(', ')} %, open loop ${open.map((values) => values['tracking-accuracy']?.toFixed(1)).join(', ')} %`,
  });
};

/** Whether adaptive batches keep up with the best fixed one, and whether a loop on the batch settles. */
export const servingPolicies: Comparison = {
  name: 'serving-policies',
  onRequest: false,
  run: async (context, show) => {
    for (const id of models) {
      const model = await opened(context, id);
      try {
        await showBatching(model, context.seed, show);
        await showFeedback(model, context.seed, show);
      } finally {
        await model.model.release();
      }
    }
  },
};
