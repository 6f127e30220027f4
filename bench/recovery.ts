import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Artefact, Calibration, ModelView, Products } from '../src/contract/build.ts';
import { GateError } from '../src/errors.ts';
import { readWindows } from '../src/models/evaluation.ts';
import { type ModelSource, openModelSource } from '../src/models/model-source.ts';
import { buildReference } from '../src/models/reference.ts';
import { findOptimization } from '../src/optimizations/registry.ts';
import type { EvaluationWindows } from '../src/records/serving.ts';
import type { Json } from '../src/records/words.ts';
import { openCalibration } from '../src/runtime/calibration.ts';
import { openModel } from '../src/runtime/decoder.ts';
import { loadRuntime, type Runtime, runtimeRoots } from '../src/runtime/library.ts';
import { openProducts } from '../src/runtime/product.ts';
import { scoreArms } from '../src/runtime/scoring.ts';
import type { Comparison, Row } from './comparison.ts';

type View = Pick<Artefact, 'stages'> & ModelView;

/** One optimization on one model, and what share of its loss a refit may leave. */
interface Case {
  readonly model: string;
  readonly optimization: string;
  readonly options: Readonly<Record<string, Json>>;
  readonly what: string;
  readonly most: number;
}

const cases: readonly Case[] = [
  { model: 'mini-qwen3-dense', optimization: 'structured-pruning', options: {}, what: 'a quarter of the channels', most: 0.6 },
  { model: 'mini-qwen3-dense', optimization: 'structured-pruning', options: { target: 'heads' }, what: 'half of the heads', most: 0.75 },
  { model: 'mini-qwen3-moe', optimization: 'structured-pruning', options: {}, what: "a quarter of experts' channels", most: 0.95 },
  { model: 'mini-qwen3-dense', optimization: 'sparse-network', options: {}, what: '2:4 zeros', most: 0.8 },
  { model: 'mini-qwen3-dense', optimization: 'sparse-network', options: { pattern: 'unstructured' }, what: 'half zeros', most: 0.8 },
  { model: 'mini-qwen3-dense', optimization: 'tensor-decomposition', options: {}, what: 'factors', most: 0.8 },
  { model: 'mini-qwen3-moe', optimization: 'tensor-decomposition', options: {}, what: 'factors of experts', most: 0.8 },
];

/** One model with what its builds and its losses need. */
interface Subject {
  readonly source: ModelSource;
  readonly reference: View;
  readonly windows: EvaluationWindows;
  readonly loss: number;
}

/** Mean nats per token over all held-out windows. */
const lossOf = async (runtime: Runtime, { folder, stages }: View, windows: EvaluationWindows): Promise<number> => {
  const settings = { provider: 'cpu', threads: 1, spinning: false } as const;
  const model = await openModel(folder, stages, {}, { runtime, settings, prompts: null });
  let sum = 0;
  await scoreArms(model, { model }, windows, {}, (_window, scores) => {
    sum += scores['model']?.nll ?? Number.NaN;
  });
  await model.release();
  return sum / windows.count;
};

const built = async (
  { optimization, options }: Case,
  refit: boolean,
  { source, reference }: Subject,
  output: string,
  tools: { readonly calibration: Calibration; readonly products: Products },
): Promise<{ readonly view: View; readonly seconds: number }> => {
  const found = findOptimization(optimization);
  const subject = await found?.subject();
  if (found === null || subject?.build === undefined) throw new GateError('internal', `${optimization} builds nothing`);
  mkdirSync(output);
  const before = process.cpuUsage();
  const { stages } = await subject.build({
    model: source.facts,
    input: reference,
    options: found.benchmark.options.parse({ ...options, refit }, 'with') as Json,
    variant: { name: 'main', options: null },
    output,
    seed: 1,
    ...tools,
  });
  const { user, system } = process.cpuUsage(before);
  return { view: { folder: output, stages }, seconds: (user + system) / 1e6 };
};

const rowOf = (
  each: Case,
  loss: { readonly cut: number; readonly refitted: number },
  seconds: { readonly cut: number; readonly refitted: number },
): Row => ({
  what: `${each.what}, ${each.model.replace('mini-', '')}`,
  value: loss.refitted / loss.cut,
  unit: '×',
  target: { bound: 'most', value: each.most },
  note: `${each.optimization}: loss + ${loss.cut.toFixed(4)} nats/token without, + ${loss.refitted.toFixed(4)} with refit; build ${seconds.cut.toFixed(2)} → ${seconds.refitted.toFixed(2)} s of processor time`,
});

/** What a refit without training leaves of the loss that an optimization costs, on held-out text, one thread. */
export const recovery: Comparison = {
  name: 'recovery',
  onRequest: false,
  run: async ({ root, folder }, show) => {
    const roots = runtimeRoots(null, root);
    const runtime = await loadRuntime(roots);
    const products = openProducts(roots);
    const subjects = new Map<string, Subject>();
    try {
      for (const [at, each] of cases.entries()) {
        const source = openModelSource(join(root, 'models', each.model));
        const windowsOf = (file: string): EvaluationWindows => readWindows(join(source.folder, file), source.config);
        let subject = subjects.get(each.model);
        if (subject === undefined) {
          const graphs = join(folder, each.model);
          mkdirSync(graphs);
          const reference = { folder: graphs, stages: buildReference(source, graphs) };
          const windows = windowsOf('evaluation.safetensors');
          subject = { source, reference, windows, loss: await lossOf(runtime, reference, windows) };
          subjects.set(each.model, subject);
        }
        const calibration = openCalibration({ input: subject.reference, windows: windowsOf('calibration.safetensors'), roots });
        try {
          const [cut, refitted] = [
            await built(each, false, subject, join(folder, `${at}-cut`), { calibration, products }),
            await built(each, true, subject, join(folder, `${at}-refitted`), { calibration, products }),
          ];
          const added = async ({ view }: { readonly view: View }): Promise<number> =>
            (await lossOf(runtime, view, subject.windows)) - subject.loss;
          show(rowOf(each, { cut: await added(cut), refitted: await added(refitted) }, { cut: cut.seconds, refitted: refitted.seconds }));
        } finally {
          await calibration.release();
        }
      }
    } finally {
      await products.release();
    }
  },
};
