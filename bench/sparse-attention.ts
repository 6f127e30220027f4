import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from 'onnxruntime-node';
import { GateError } from '../src/errors.ts';
import { parseModelConfig } from '../src/models/config.ts';
import { buildGraphs } from '../src/models/reference.ts';
import { windowOnly } from '../src/optimizations/sparse-attention/pattern.ts';
import { openModel } from '../src/runtime/decoder.ts';
import type { Feeds } from '../src/runtime/feeds.ts';
import { loadRuntime, type Runtime, runtimeRoots } from '../src/runtime/library.ts';
import { promptRows } from '../src/runtime/prompt.ts';
import { openSession, runSession, type Session } from '../src/runtime/session.ts';
import { median } from '../src/statistics/describe.ts';
import { deriveSeed, seededRandom } from '../src/statistics/random.ts';
import { type Kernel, type LayerSize, writeAttentionLayer } from './attention-layer.ts';
import type { BenchContext, Comparison, Row } from './comparison.ts';
import { type Blocks, describeRatio, inBlocks, ratioOf, type Side, timed } from './side-by-side.ts';
import { randomWeights } from './swiglu-layer.ts';

const size: LayerSize = { heads: 8, kvHeads: 4, headSize: 64 };
/** Of the prefill, and queries per block. */
const [window, block] = [128, 64];
const settings = { provider: 'cpu', threads: 1, spinning: false } as const;

const rowOf = <Name extends string>(what: string, least: number, times: Blocks<Name>, slow: Name, fast: Name, more = ''): Row => {
  const ratio = ratioOf(times[slow], times[fast]);
  return {
    what,
    value: ratio.median,
    unit: '×',
    target: { bound: 'least', value: least },
    note: `${describeRatio(ratio)}; ${median(times[slow]).toPrecision(3)} → ${median(times[fast]).toPrecision(3)} ms${more}`,
  };
};

const openLayer = (runtime: Runtime, folder: string, kernel: Kernel): Promise<Session> => {
  mkdirSync(folder);
  return openSession(runtime, join(folder, writeAttentionLayer(folder, size, kernel)), settings);
};

/** One call of `sequence` new positions after `past`, of which the cache holds the newest `cached`. */
const layerFeeds = ({ ort }: Runtime, sequence: number, past: number, cached: number, seed: number): Feeds => {
  const { heads, kvHeads, headSize } = size;
  const drawn = (name: string, dims: readonly number[]): Tensor => {
    const count = dims.reduce((product, dim) => product * dim, 1);
    return new ort.Tensor('float32', randomWeights(3, Math.ceil(count / 3), deriveSeed(seed, name)).subarray(0, count), dims);
  };
  const ones = (count: number): Tensor => new ort.Tensor('int64', new BigInt64Array(count).fill(1n), [1, count]);
  return {
    tokens: ones(sequence),
    mask: ones(past + sequence),
    query: drawn('query', [1, sequence, heads * headSize]),
    key: drawn('key', [1, sequence, kvHeads * headSize]),
    value: drawn('value', [1, sequence, kvHeads * headSize]),
    'past.key': drawn('past.key', [1, kvHeads, cached, headSize]),
    'past.value': drawn('past.value', [1, kvHeads, cached, headSize]),
  };
};

const outputNames = ['output', 'present.key', 'present.value'];

/** Calls with the same inputs, into the same buffers. */
const called = async (session: Session, feeds: Feeds): Promise<{ readonly side: Side; readonly output: Float32Array }> => {
  const outputs = await runSession(session, feeds, outputNames);
  const { data } = outputs['output'] ?? {};
  if (!(data instanceof Float32Array)) throw new GateError('internal', 'the layer gave no float32 output');
  return { side: timed(() => runSession(session, feeds, outputs)), output: data.slice() };
};

const apart = (a: Float32Array, b: Float32Array, count = a.length): number => {
  let most = 0;
  for (let at = 0; at < count; at += 1) most = Math.max(most, Math.abs((a[at] ?? Number.NaN) - (b[at] ?? Number.NaN)));
  return most;
};

type Prefill = 'dense' | 'masked' | 'blocks';

const prefills = async (runtime: Runtime, { folder, seed }: BenchContext, show: (row: Row) => void): Promise<void> => {
  const sessions: Record<Prefill, Session> = {
    dense: await openLayer(runtime, join(folder, 'dense'), { kind: 'dense', window: null }),
    masked: await openLayer(runtime, join(folder, 'masked'), { kind: 'dense', window }),
    blocks: await openLayer(runtime, join(folder, 'blocks'), { kind: 'blocks', pattern: windowOnly(window), block }),
  };
  for (const [tokens, least, blocks] of [
    [1024, 2, 15],
    [4096, 5, 7],
  ] as const) {
    const feeds = layerFeeds(runtime, tokens, 0, 0, seed);
    const [dense, masked, own] = [
      await called(sessions.dense, feeds),
      await called(sessions.masked, feeds),
      await called(sessions.blocks, feeds),
    ];
    const sides = { dense: dense.side, masked: masked.side, blocks: own.side };
    const random = seededRandom(deriveSeed(seed, 'sparse-attention', String(tokens)));
    const times = await inBlocks(sides, { blocks, warmUp: 1, calls: tokens > 2000 ? 1 : 8, random });
    const best = median(times.dense) <= median(times.masked) ? 'dense' : 'masked';
    const width = size.heads * size.headSize;
    const same = `; window ${window}; apart ${apart(own.output, dense.output, window * width).toExponential(0)} from dense inside the first window, ${apart(own.output, masked.output).toExponential(0)} from the masked kernel everywhere`;
    show(rowOf(`prefill of ${tokens}: best dense kernel ÷ blocks`, least, times, best, 'blocks', same));
  }
  for (const session of Object.values(sessions)) await session.release();
};

const steps = async (runtime: Runtime, { folder, seed }: BenchContext, show: (row: Row) => void): Promise<void> => {
  const [past, kept] = [4096, 256];
  const dense = await openLayer(runtime, join(folder, 'full'), { kind: 'dense', window: null });
  const sliced = await openLayer(runtime, join(folder, 'sliced'), { kind: 'blocks', pattern: windowOnly(kept), block });
  const sides = {
    full: (await called(dense, layerFeeds(runtime, 1, past, past, seed))).side,
    fed: (await called(dense, layerFeeds(runtime, 1, kept - 1, kept - 1, seed))).side,
    sliced: (await called(sliced, layerFeeds(runtime, 1, past, kept - 1, seed))).side,
  };
  const random = seededRandom(deriveSeed(seed, 'sparse-attention', 'steps'));
  const times = await inBlocks(sides, { blocks: 15, warmUp: 2, calls: 20, random });
  show(rowOf(`step after ${past}: all ÷ newest ${kept}, dense kernel`, 10, times, 'full', 'fed'));
  show(rowOf(`step after ${past}: all ÷ newest ${kept}, in blocks`, 10, times, 'full', 'sliced'));
  await dense.release();
  await sliced.release();
};

/** Two layers with weights drawn at random: time does not depend on what a model has learnt. */
const drawnModel = parseModelConfig({
  model_type: 'qwen3',
  vocab_size: 1024,
  hidden_size: 512,
  num_hidden_layers: 2,
  max_position_embeddings: 1024,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 64,
  intermediate_size: 1536,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  tie_word_embeddings: true,
});

const recompute = async (runtime: Runtime, { folder, seed }: BenchContext, show: (row: Row) => void): Promise<void> => {
  const graphs = join(folder, 'decoder');
  mkdirSync(graphs);
  const read = (name: string, dims: readonly number[]): Float32Array => {
    const [rows = 1, columns = 1] = [dims.slice(1).reduce((product, dim) => product * dim, 1), dims[0]];
    return randomWeights(rows, columns, deriveSeed(seed, name));
  };
  const stages = buildGraphs({ dims: () => null, read }, drawnModel, graphs);
  const model = await openModel(graphs, stages, {}, { runtime, settings, prompts: null });
  const context = 512;
  const rows = promptRows(null, drawnModel.text.vocabulary, 1, context, seed);
  const whole = { ...rows, length: context + 1, tokens: Uint32Array.of(...rows.tokens, 7) };
  const state = await model.advance(rows, null);
  const sides = {
    recomputed: timed(() => model.advance(whole, null)),
    cached: timed(() => model.advance({ ...rows, length: 1, tokens: Uint32Array.of(7) }, state)),
  };
  const random = seededRandom(deriveSeed(seed, 'sparse-attention', 'recompute'));
  const times = await inBlocks(sides, { blocks: 15, warmUp: 2, calls: 3, random });
  show(rowOf(`token after ${context}: computed anew ÷ cached`, 20, times, 'recomputed', 'cached'));
  await model.release();
};

/** What sparse attention saves on one attention layer, one thread, against the runtime's own kernels; and what a cache saves at all. */
export const sparseAttentionSpeed: Comparison = {
  name: 'sparse-attention',
  onRequest: false,
  run: async (context, show) => {
    const runtime = await loadRuntime(runtimeRoots(null, context.root));
    await prefills(runtime, context, show);
    await steps(runtime, context, show);
    await recompute(runtime, context, show);
  },
};
