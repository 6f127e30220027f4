import { join } from 'node:path';
import { GateError } from '../src/errors.ts';
import { countMultiplyAdds } from '../src/onnx/count.ts';
import type { OnnxModel } from '../src/onnx/model.ts';
import { packWeight } from '../src/onnx/packed-weights.ts';
import { readModel } from '../src/onnx/read.ts';
import type { FeedForward, Linear } from '../src/onnx/recognise/architecture.ts';
import { recognise } from '../src/onnx/recognise/recognise.ts';
import { matrix } from '../src/optimizations/algebra/matrix.ts';
import { finishRewrite, producerOf, readMatrix, replaceFloats, startRewrite } from '../src/optimizations/graph/rewrite.ts';
import { pruneFeedForwards } from '../src/optimizations/structured-pruning/feed-forward.ts';
import { replaceLinear } from '../src/optimizations/tensor-decomposition/linear.ts';
import { loadRuntime, type Runtime, runtimeRoots } from '../src/runtime/library.ts';
import { openSession, runSession, type Session } from '../src/runtime/session.ts';
import { median } from '../src/statistics/describe.ts';
import { deriveSeed, seededRandom } from '../src/statistics/random.ts';
import type { Comparison, Row } from './comparison.ts';
import { type Blocks, inBlocks, ratioOf, type Side } from './side-by-side.ts';
import { randomWeights, writeSwigluLayer } from './swiglu-layer.ts';

const hidden = 1024;
const width = 4096;
const blocks = 15;
const calls = 3;

type Variant = 'dense' | 'pruned' | 'factored' | 'sparse';

/** Rewrites the layer as an optimization does: same reader, same recognition, same editing, same writer. */
const rewrite = async (from: string, to: string, edit: (model: OnnxModel, layer: FeedForward) => unknown): Promise<void> => {
  const model = startRewrite(readModel(from));
  const [layer] = recognise(model).projections;
  if (layer === undefined) throw new GateError('internal', 'the layer was not recognised as a feed-forward', { where: from });
  await edit(model, layer);
  finishRewrite(model, to);
};

const unused = (what: string) => (): never => {
  throw new GateError('internal', `weight norms need no ${what}`);
};

/** Half of the channels go, by weight norms: nothing is calibrated, because time does not depend on which ones go. */
const prune = (model: OnnxModel, layer: FeedForward, seed: number): Promise<number> =>
  pruneFeedForwards(model, [layer], {
    stage: 'decoder',
    options: { target: 'ffn', ratio: 0.5, importance: 'magnitude', refit: false, multiple: 8 },
    seed,
    calibration: { observe: unused('activations'), through: unused('activations') },
    products: { multiply: unused('products') },
  });

const linearsOf = ({ gate, up, down }: FeedForward): readonly Linear[] =>
  [gate?.linear, up.linear, down].filter((linear) => linear !== undefined);

/** Every matrix becomes two of half its rank. Random ones: time does not depend on what the factors are. */
const factor = (model: OnnxModel, layer: FeedForward, seed: number): void => {
  for (const linear of linearsOf(layer)) {
    const rank = Math.min(linear.rows, linear.columns) / 2;
    replaceLinear(model, linear, {
      first: matrix(linear.rows, rank, randomWeights(linear.rows, rank, deriveSeed(seed, linear.node, 'first'))),
      second: matrix(rank, linear.columns, randomWeights(rank, linear.columns, deriveSeed(seed, linear.node, 'second'))),
    });
  }
};

/** Two of every four inputs of an output go: which ones, time does not depend on. */
const sparsify = (model: OnnxModel, layer: FeedForward): void => {
  for (const linear of linearsOf(layer)) {
    const { rows, columns, weight } = linear;
    const halved = readMatrix(model, linear).map((value, at) => (Math.floor(at / columns) % 4 < 2 ? 0 : value));
    packWeight(model, replaceFloats(model, producerOf(model, linear.node), weight, [rows, columns], halved));
  }
};

const timedCalls = async (runtime: Runtime, session: Session, input: Float32Array, tokens: number): Promise<Side> => {
  const feeds = { hidden_states: new runtime.ort.Tensor('float32', input, [1, tokens, hidden]) };
  const outputs = await runSession(session, feeds, ['output']);
  return async (count) => {
    const times: number[] = [];
    for (let at = 0; at < count; at++) {
      const started = performance.now();
      await runSession(session, feeds, outputs);
      times.push(performance.now() - started);
    }
    return times;
  };
};

const multiplyAdds = (path: string, tokens: number): number => {
  const count = countMultiplyAdds(readModel(path), { past: 0, batch: 1, tokens });
  if (count.unknown.length > 0) throw new GateError('internal', `${count.unknown.join(', ')} cannot be counted`, { where: path });
  return count.multiplyAdds;
};

const held: Row['target'] = { bound: 'least', value: 0.8 };

const rowOf = (
  label: string,
  variant: Variant,
  times: Blocks<Variant>,
  counts: Readonly<Record<Variant, number>>,
  tokens: number,
  target: Row['target'],
): Row => {
  const predicted = counts.dense / counts[variant];
  const measured = ratioOf(times.dense, times[variant]);
  return {
    what: `${label}, ${tokens} tokens: speed-up ÷ predicted`,
    value: measured.median / predicted,
    unit: '×',
    target,
    note: `measured ${measured.median.toFixed(2)}× (${measured.lower.toFixed(2)} to ${measured.upper.toFixed(2)}) of ${predicted.toFixed(2)}×; ${median(times.dense).toPrecision(3)} → ${median(times[variant]).toPrecision(3)} ms; dense ${(counts.dense / median(times.dense) / 1e6).toPrecision(3)} G multiply-adds/s`,
  };
};

/** Whether multiply-adds that are gone are time that is gone: one SwiGLU layer of 1024 × 4096, one thread, dense, pruned, factored and sparse side by side. */
export const pruningSpeedup: Comparison = {
  name: 'pruning-speedup',
  onRequest: false,
  run: async ({ root, folder, seed }, show) => {
    const paths = {
      dense: join(folder, 'dense'),
      pruned: join(folder, 'pruned'),
      factored: join(folder, 'factored'),
      sparse: join(folder, 'sparse'),
    };
    const graph = writeSwigluLayer(paths.dense, hidden, width, seed);
    const file = (variant: Variant): string => join(paths[variant], graph);
    await rewrite(file('dense'), paths.pruned, (model, layer) => prune(model, layer, seed));
    await rewrite(file('dense'), paths.factored, (model, layer) => factor(model, layer, seed));
    await rewrite(file('dense'), paths.sparse, sparsify);
    const runtime = await loadRuntime(runtimeRoots(null, root));
    const open = (variant: Variant): Promise<Session> =>
      openSession(runtime, file(variant), { provider: 'cpu', threads: 1, spinning: false });
    const sessions = {
      dense: await open('dense'),
      pruned: await open('pruned'),
      factored: await open('factored'),
      sparse: await open('sparse'),
    };
    for (const tokens of [64, 256]) {
      const input = randomWeights(3, tokens * hidden, deriveSeed(seed, 'input')).subarray(0, tokens * hidden);
      const sides = {
        dense: await timedCalls(runtime, sessions.dense, input, tokens),
        pruned: await timedCalls(runtime, sessions.pruned, input, tokens),
        factored: await timedCalls(runtime, sessions.factored, input, tokens),
        sparse: await timedCalls(runtime, sessions.sparse, input, tokens),
      };
      const random = seededRandom(deriveSeed(seed, 'pruning-speedup', String(tokens)));
      const times = await inBlocks(sides, { blocks, warmUp: 2, calls, random });
      const counts = {
        dense: multiplyAdds(file('dense'), tokens),
        pruned: multiplyAdds(file('pruned'), tokens),
        factored: multiplyAdds(file('factored'), tokens),
        sparse: multiplyAdds(file('sparse'), tokens) / 2,
      };
      show(rowOf('width halved', 'pruned', times, counts, tokens, held));
      show(rowOf('rank halved', 'factored', times, counts, tokens, held));
      // Shown, not judged: this runtime has no kernels for it.
      show(rowOf('2:4 zeros', 'sparse', times, counts, tokens, null));
    }
    for (const session of Object.values(sessions)) await session.release();
  },
};
