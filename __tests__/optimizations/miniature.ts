import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll } from 'vitest';
import type { BuildContext, BuildResult, Calibration, ModelView } from '../../src/contract/build.ts';
import type { BlockContext } from '../../src/models/blocks/linear.ts';
import { glm4MoeLiteDecoder } from '../../src/models/families/glm4-moe-lite.ts';
import { qwen3Decoder } from '../../src/models/families/qwen3.ts';
import { qwen3MoeDecoder } from '../../src/models/families/qwen3-moe.ts';
import { qwen3VlDecoder, qwen3VlTower } from '../../src/models/families/qwen3-vl.ts';
import { exposeTensors } from '../../src/onnx/edit.ts';
import { graphBuilder } from '../../src/onnx/graph-builder.ts';
import { readModel } from '../../src/onnx/read.ts';
import { writeModel } from '../../src/onnx/write.ts';
import type { ModelFacts } from '../../src/records/serving.ts';
import type { Json } from '../../src/records/words.ts';
import { openProducts } from '../../src/runtime/product.ts';
import { deriveSeed, seededRandom } from '../../src/statistics/random.ts';

export const products = openProducts([import.meta.dirname]);
const folders: string[] = [];
afterAll(async () => {
  await products.release();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
export const freshFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'optimization-'));
  folders.push(folder);
  return folder;
};

export const vocabulary = 48;
const common = {
  vocabulary,
  hidden: 32,
  layers: 3,
  context: 64,
  heads: 4,
  feedForward: 64,
  epsilon: 1e-6,
  theta: 10000,
  tied: true,
} as const;
const grouped = { ...common, kvHeads: 2, headSize: 16 } as const;
const experts = { experts: 4, chosen: 2, width: 24 } as const;
const vl = {
  family: 'qwen3_vl',
  text: grouped,
  imageToken: 1,
  sections: [4, 2, 2],
  vision: {
    depth: 2,
    hidden: 32,
    feedForward: 64,
    heads: 4,
    patch: 4,
    frames: 1,
    merge: 2,
    channels: 1,
    output: 32,
    positions: 16,
    taps: [0],
  },
} as const;

/** Random weights of any shape: norms near one, biases small, matrices of unit gain. */
const weights: BlockContext['weights'] = {
  dims: () => null,
  read: (name, dims) => {
    const random = seededRandom(deriveSeed(7, name));
    const size = dims.reduce((product, each) => product * each, 1);
    const norm = name.includes('norm') && name.endsWith('weight');
    const scale = dims.length > 1 ? Math.sqrt(3 / (dims[1] ?? 1)) : 0.1;
    return Float32Array.from({ length: size }, () => (norm ? 1 : 0) + scale * (2 * random() - 1));
  },
};

const families = {
  dense: [['decoder', (context: BlockContext) => qwen3Decoder(context, grouped)]],
  moe: [['decoder', (context: BlockContext) => qwen3MoeDecoder(context, grouped, experts)]],
  glm: [
    [
      'decoder',
      (context: BlockContext) =>
        glm4MoeLiteDecoder(
          context,
          { ...common, tied: false, queryRank: 24, latentRank: 20, rotary: 4, plain: 6, value: 8 },
          { ...experts, shared: 1, scale: 1.8, denseLayers: 1 },
        ),
    ],
  ],
  vl: [
    ['vision', (context: BlockContext) => qwen3VlTower(context, vl.vision)],
    ['decoder', (context: BlockContext) => qwen3VlDecoder(context, vl)],
  ],
} as const;
export type Family = keyof typeof families;
export const familyNames = Object.keys(families) as Family[];

const built = new Map<Family, ModelView>();
/** The graphs of a small model with random weights, written once per test file. */
export const miniature = (family: Family): ModelView => {
  const known = built.get(family);
  if (known !== undefined) return known;
  const folder = freshFolder();
  const stages = families[family].map(([id, build]) => {
    const graph = graphBuilder(id);
    build({ graph, weights });
    const { proto, data } = graph.finish();
    const file = id === 'decoder' ? 'model.onnx' : `${id}.onnx`;
    writeModel({ proto, sourceFolder: null }, folder, file, data);
    return { id, graph: file };
  });
  const view = { folder, stages };
  built.set(family, view);
  return view;
};

type Feeds = Record<string, Tensor>;
const int64 = (dims: readonly number[], value: (at: number) => number): Tensor =>
  new Tensor(
    'int64',
    BigInt64Array.from({ length: dims.reduce((product, each) => product * each, 1) }, (_, at) => BigInt(value(at))),
    [...dims],
  );
const float = (dims: readonly number[], random: () => number): Tensor =>
  new Tensor(
    'float32',
    Float32Array.from({ length: dims.reduce((product, each) => product * each, 1) }, () => random() - 0.5),
    [...dims],
  );

/** Feeds of one prefill of `length` tokens, made from what the graph declares; tokens below 40. */
export const prefillFeeds = (path: string, length: number, seed: number): Feeds => {
  const random = seededRandom(seed);
  const feeds: Feeds = {};
  for (const port of readModel(path).proto.graph!.input) {
    const dims =
      port.type!.value.case === 'tensorType'
        ? port.type!.value.value.shape!.dim.map((dim) =>
            dim.value.case === 'dimValue' ? Number(dim.value.value) : String(dim.value.value),
          )
        : [];
    if (port.name === 'input_ids') feeds[port.name] = int64([1, length], () => Math.floor(random() * 40));
    else if (port.name === 'attention_mask') feeds[port.name] = int64([1, length], () => 1);
    else if (port.name === 'num_logits_to_keep') feeds[port.name] = int64([], () => 0);
    else if (port.name === 'position_ids') feeds[port.name] = int64(dims.length === 3 ? [3, 1, length] : [1, length], (at) => at % length);
    else if (port.name === 'image_index') feeds[port.name] = int64([4, 2], (at) => (at % 2 === 0 ? 0 : 1 + (at - 1) / 2));
    else if (port.name === 'pixel_values') feeds[port.name] = float([16, Number(dims[1])], random);
    else if (port.name.startsWith('past_key_values')) feeds[port.name] = float([1, Number(dims[1]), 0, Number(dims[3])], random);
    else feeds[port.name] = float([4, Number(dims[1])], random);
  }
  return feeds;
};

/** Runs one graph; every output by name. */
export const runGraph = async (
  path: string,
  feeds: Feeds,
): Promise<Readonly<Record<string, { readonly dims: readonly number[]; readonly data: Float32Array }>>> => {
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  try {
    const results = await session.run(feeds);
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [name, { dims: tensor.dims, data: Float32Array.from(tensor.data as Float32Array) }]),
    );
  } finally {
    await session.release();
  }
};

/** Calibration on three windows of random tokens, through the real runtime. */
export const calibrationOf = (view: ModelView): Calibration => ({
  through: calibrationOf,
  observe: async (stage, tensors, visit) => {
    const { graph } = view.stages.find((each) => each.id === stage)!;
    const model = readModel(join(view.folder, graph));
    const known = new Set(model.proto.graph!.input.map((each) => each.name));
    const folder = freshFolder();
    const exposed = exposeTensors(
      model,
      tensors.filter((name) => !known.has(name)),
    );
    writeModel({ proto: exposed.proto, sourceFolder: exposed.folder }, folder, graph, new Map());
    const path = join(folder, graph);
    const session = await InferenceSession.create(path, { intraOpNumThreads: 1, logSeverityLevel: 4 });
    try {
      for (let window = 0; window < 3; window += 1) {
        const results = await session.run(prefillFeeds(path, 16, 100 + window), [...new Set(tensors)]);
        await visit(
          Object.fromEntries(
            tensors.map((name) => [name, { dims: results[name]!.dims, data: Float32Array.from(results[name]!.data as Float32Array) }]),
          ),
        );
      }
    } finally {
      await session.release();
    }
  },
});

const facts = {
  id: 'miniature',
  family: 'qwen3',
  digest: '0'.repeat(64),
  miniature: true,
  layers: 3,
  hidden: 32,
  heads: 4,
  kvHeads: 2,
  experts: 0,
  vision: false,
  latentAttention: false,
  quantized: false,
  vocabulary,
  context: 64,
};
export const denseFacts: ModelFacts = facts;
export const visionFacts: ModelFacts = { ...facts, vision: true };
export const expertFacts: ModelFacts = { ...facts, experts: 4 };

/** Builds a subject on a miniature into a fresh folder. */
export const build = async <Options>(
  subject: { readonly build?: (context: BuildContext<Options>) => Promise<BuildResult> },
  view: ModelView,
  options: Options,
  seed = 1,
  variant: Json = null,
): Promise<ModelView & { readonly facts: Readonly<Record<string, number>> }> => {
  const output = freshFolder();
  const result = await subject.build!({
    model: facts,
    input: view,
    options,
    variant: { name: 'main', options: variant },
    output,
    seed,
    calibration: calibrationOf(view),
    products,
  });
  return { folder: output, stages: result.stages, facts: result.facts ?? {} };
};

export const largestDifference = (a: Float32Array, b: Float32Array): number => {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - (b[at] ?? Number.NaN))), 0);
};
