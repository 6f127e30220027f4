import { join } from 'node:path';
import { GateError } from '../src/errors.ts';
import { readWindows } from '../src/models/evaluation.ts';
import { openModelSource } from '../src/models/model-source.ts';
import { moduleStructure } from '../src/models/module-structure.ts';
import { buildReference } from '../src/models/reference.ts';
import { graphBuilder } from '../src/onnx/graph-builder.ts';
import type { OnnxModel } from '../src/onnx/model.ts';
import { makeFolder } from '../src/onnx/output-file.ts';
import { modularOptions } from '../src/optimizations/modular-components/options.ts';
import { modularComponents } from '../src/optimizations/modular-components/subject.ts';
import { type OpenOptions, openModel } from '../src/runtime/decoder.ts';
import { loadRuntime, runtimeRoots } from '../src/runtime/library.ts';
import { median } from '../src/statistics/describe.ts';
import { deriveSeed, seededRandom } from '../src/statistics/random.ts';
import type { BenchContext, Comparison } from './comparison.ts';
import { describeRatio, inBlocks, ratioOf, timed } from './side-by-side.ts';

const points = [
  { id: 'prefill', label: 'prefill of 256', phase: 'prefill', batch: 1, calls: 3 },
  { id: 'decode-b1', label: 'decoding step at batch 1', phase: 'decode', batch: 1, calls: 30 },
  { id: 'decode-b8', label: 'decoding step at batch 8', phase: 'decode', batch: 8, calls: 15 },
] as const;
const blocks = 15;
const nodes = 10_000;
const modules = 8;

const unused = (what: string) => (): never => {
  throw new GateError('internal', `a cut needs no ${what}`);
};

/** The miniature in one session and as four modules. */
const bothOf = async ({ root, folder }: BenchContext) => {
  const source = openModelSource(join(root, 'models', 'mini-qwen3-dense'));
  const [whole, cut] = [join(folder, 'whole'), join(folder, 'cut')];
  for (const each of [whole, cut]) makeFolder(each);
  const stages = buildReference(source, whole);
  if (modularComponents.build === undefined) throw new GateError('internal', 'the pipeline is not built');
  const built = await modularComponents.build({
    model: source.facts,
    input: { folder: whole, stages },
    options: modularOptions.parse({}, 'options'),
    variant: { name: 'main', options: null },
    output: cut,
    seed: 0,
    calibration: { observe: unused('activations'), through: unused('activations') },
    products: { multiply: unused('products') },
  });
  const options: OpenOptions = {
    runtime: await loadRuntime(runtimeRoots(null, root)),
    settings: { provider: 'cpu', threads: 1, spinning: false },
    prompts: readWindows(join(source.folder, 'calibration.safetensors'), source.config),
  };
  return { whole: await openModel(whole, stages, {}, options), cut: await openModel(cut, built.stages, {}, options) };
};

/** Modules of random nodes that each read two of the nodes before them, handed on by one tensor. */
const randomModules = (seed: number): readonly OnnxModel[] => {
  const random = seededRandom(deriveSeed(seed, 'module-structure'));
  return Array.from({ length: modules }, (_, module) => {
    const graph = graphBuilder(`module-${module}`);
    const [from, to] = [(module * nodes) / modules, ((module + 1) * nodes) / modules];
    graph.input(`t${from - 1}`, 'float32', [1]);
    for (let node = from; node < to; node++)
      graph.node('Add', `n${node}`, [`t${node - 1}`, `t${from - 1 + Math.floor(random() * (node - from + 1))}`], { outputs: [`t${node}`] });
    graph.output(`t${to - 1}`, 'float32', [1]);
    return { proto: graph.finish().proto, folder: '', graph: `module-${module}.onnx` };
  });
};

/** What it costs to run a decoder as four modules instead of in one session, and how long the structure of a large cut takes to measure. */
export const modulePipeline: Comparison = {
  name: 'module-pipeline',
  onRequest: false,
  run: async (context, show) => {
    const { seed } = context;
    const models = await bothOf(context);
    try {
      for (const { id, label, phase, batch, calls } of points) {
        const point = { id, kind: 'call', phase, length: 256, batch, rounds: 1, warmUp: 0, arms: [] } as const;
        const [whole, cut] = [await models.whole.prepareCall(point, seed), await models.cut.prepareCall(point, seed)];
        const random = seededRandom(deriveSeed(seed, 'module-pipeline', id));
        const times = await inBlocks({ cut: timed(cut), whole: timed(whole), again: timed(whole) }, { blocks, warmUp: 2, calls, random });
        const ratio = ratioOf(times.cut, times.whole);
        show({
          what: `four modules ÷ one session, ${label}`,
          value: ratio.median,
          unit: '×',
          target: null,
          note: `${describeRatio(ratio)}; one session ÷ itself ${describeRatio(ratioOf(times.again, times.whole))}; one session ${median(times.whole).toPrecision(3)} ms; ${blocks} blocks of ${calls} calls`,
        });
      }
    } finally {
      await models.whole.release();
      await models.cut.release();
    }
    const graphs = randomModules(seed);
    const times = await timed(() => moduleStructure(graphs))(5);
    show({
      what: `structure of ${modules} modules with ${nodes} nodes`,
      value: median(times) / 1000,
      unit: 's',
      target: { bound: 'most', value: 0.5 },
      note: `median of ${times.length}: dependency matrix of ${nodes} × ${nodes} cells, closed and counted`,
    });
  },
};
