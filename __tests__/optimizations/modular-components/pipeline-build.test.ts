import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GateError } from '../../../src/errors.ts';
import { artefactBytes, artefactDigest } from '../../../src/models/artefact.ts';
import { inspectArtefact } from '../../../src/models/inspection.ts';
import { graphBuilder } from '../../../src/onnx/graph-builder.ts';
import { joinStages } from '../../../src/onnx/joined-graph.ts';
import { readModel } from '../../../src/onnx/read.ts';
import { writeModel } from '../../../src/onnx/write.ts';
import { modularOptions } from '../../../src/optimizations/modular-components/options.ts';
import { modularComponents } from '../../../src/optimizations/modular-components/subject.ts';
import { pruningOptions } from '../../../src/optimizations/structured-pruning/options.ts';
import { structuredPruning } from '../../../src/optimizations/structured-pruning/subject.ts';
import { decompositionOptions } from '../../../src/optimizations/tensor-decomposition/options.ts';
import { tensorDecomposition } from '../../../src/optimizations/tensor-decomposition/subject.ts';
import { openModel } from '../../../src/runtime/decoder.ts';
import { pipelineSession } from '../../../src/runtime/pipeline.ts';
import { openSession } from '../../../src/runtime/session.ts';
import { runtime, settings } from '../../runtime/tiny-model.ts';
import { build, familyNames, freshFolder, largestDifference, miniature, prefillFeeds, runGraph, vocabulary } from '../miniature.ts';

const options = (given: object = {}) => modularOptions.parse(given, 'options');
const portsOf = (folder: string, graph: string) => {
  const { graph: main } = readModel(join(folder, graph)).proto;
  return { inputs: main!.input.map(({ name }) => name), outputs: main!.output.map(({ name }) => name) };
};
const rows = (tokens: readonly number[], batch = 1) => ({
  batch,
  length: tokens.length / batch,
  tokens: Uint32Array.from(tokens),
  windows: null,
});
const open = async (view: { readonly folder: string; readonly stages: readonly { id: string; graph: string }[] }) =>
  openModel(view.folder, view.stages, {}, { runtime: await runtime(), settings, prompts: null });

describe.each(familyNames)('%s', (family) => {
  const view = miniature(family);

  it('is cut into embedding, blocks and head; the tower stays', async () => {
    const built = await build(modularComponents, view, options());
    expect(built.stages.map(({ id }) => id)).toEqual([...(family === 'vl' ? ['vision'] : []), 'embedding', 'blocks-0', 'blocks-1', 'head']);
    const before = portsOf(view.folder, 'model.onnx');
    const modules = built.stages.filter(({ id }) => id !== 'vision').map(({ graph }) => portsOf(built.folder, graph));
    const made = modules.flatMap(({ outputs }) => outputs);
    expect(new Set(modules.flatMap(({ inputs }) => inputs).filter((name) => !made.includes(name)))).toEqual(new Set(before.inputs));
    // Only the residual stream is handed on: one tensor per boundary.
    expect(made.filter((name) => !before.outputs.includes(name))).toHaveLength(3);
    expect(modules[0]!.inputs).toContain('input_ids');
    expect(modules[3]!.outputs).toEqual(['logits']);
  });

  it.each([true, false])('answers as one session does, prefill and steps (repeat: %s)', async (repeat) => {
    const [whole, pipeline] = [await open(view), await open(await build(modularComponents, view, options({ modules: 3, repeat })))];
    const tokens = rows([5, 17, 3, 3, 28, 11, 0, 19, 7, 7, 2, 30], 2);
    let [a, b] = [await whole.advance(tokens, null), await pipeline.advance(tokens, null)];
    for (let step = 0; step < 3; step++) {
      expect(largestDifference(a.logits.values, b.logits.values)).toBeLessThan(1e-5);
      const next = rows([step, 20 + step], 2);
      [a, b] = [await whole.advance(next, a), await pipeline.advance(next, b)];
    }
    expect(a.logits.vocabulary).toBe(vocabulary);
    await whole.release();
    await pipeline.release();
  });

  it('gives the same bytes twice, shares the weights, and counts what the whole model counts', async () => {
    const [one, other] = [await build(modularComponents, view, options()), await build(modularComponents, view, options())];
    expect(artefactDigest(one.folder, one.stages, {})).toBe(artefactDigest(other.folder, other.stages, {}));
    const data = 'model.onnx.data';
    expect(lstatSync(join(one.folder, data)).ino).toBe(lstatSync(join(view.folder, data)).ino);
    expect(
      readdirSync(one.folder)
        .filter((name) => name.endsWith('.data'))
        .sort(),
    ).toEqual(
      readdirSync(view.folder)
        .filter((name) => name.endsWith('.data'))
        .sort(),
    );
    const [before, after] = [inspectArtefact(view.folder, view.stages, 16), inspectArtefact(one.folder, one.stages, 16)];
    expect(after.multiplyAdds).toBe(before.multiplyAdds);
    expect(after.unknown).toEqual(before.unknown);
    expect(Math.abs(after.parameters - before.parameters)).toBeLessThan(64);
    const bytes = artefactBytes(one.folder, one.stages) / artefactBytes(view.folder, view.stages);
    expect(bytes).toBeGreaterThan(1);
    expect(bytes).toBeLessThan(1.2);
    expect(after.structure.modularityScore).toBeGreaterThan(before.structure.modularityScore);
    expect(after.structure.newmanQ).toBeGreaterThan(0.4);
  });

  it('cuts what a pass has changed', async () => {
    const pruned = await build(structuredPruning, view, pruningOptions.parse({}, 'options'));
    const built = await build(modularComponents, pruned, options());
    const [whole, pipeline] = [await open(pruned), await open(built)];
    const tokens = rows([5, 17, 3, 3]);
    expect(
      largestDifference((await whole.advance(tokens, null)).logits.values, (await pipeline.advance(tokens, null)).logits.values),
    ).toBeLessThan(1e-5);
    await whole.release();
    await pipeline.release();
  });
});

it.each(familyNames)('%s hands on masks and positions where modules may not repeat them: a wider interface', async (family) => {
  const view = miniature(family);
  const structure = async (repeat: boolean) => {
    const { folder, stages } = await build(modularComponents, view, options({ repeat }));
    return inspectArtefact(folder, stages, 16).structure;
  };
  const [narrow, wide] = [await structure(true), await structure(false)];
  expect(wide.interfaceTensors).toBeGreaterThan(narrow.interfaceTensors);
  // Nodes that are repeated count in every module, so that the score weighs them against what is handed on.
  if (family === 'dense' || family === 'moe') expect(wide.modularityScore).toBeLessThan(narrow.modularityScore);
});

it('changes only the bytes of the modules that a pass touches', async () => {
  const view = miniature('dense');
  const { moduleFingerprints } = await import('../../../src/models/module-structure.ts');
  const printsOf = async (from: typeof view) => {
    const { folder, stages } = await build(modularComponents, from, options());
    return moduleFingerprints(folder, stages);
  };
  const untouched = await printsOf(view);
  const factored = await build(tensorDecomposition, view, decompositionOptions.parse({ 'rank-ratio': 0.25 }, 'options'));
  const touched = await printsOf(factored);
  expect(Object.keys(untouched)).toEqual(['module:embedding', 'module:blocks-0', 'module:blocks-1', 'module:head']);
  expect(Object.keys(untouched).filter((key) => untouched[key] !== touched[key])).toEqual(['module:blocks-0', 'module:blocks-1']);
});

it('refuses more groups than layers, and models without a decoder', async () => {
  const view = miniature('vl');
  const codeOf = async (stages: typeof view.stages, given: object, folder = view.folder): Promise<unknown> =>
    build(modularComponents, { folder, stages }, options(given)).then(
      () => 'none',
      (thrown: unknown) => (thrown instanceof GateError ? thrown.code : thrown),
    );
  expect(await codeOf(view.stages, { modules: 4 })).toBe('option-invalid');
  expect(
    await codeOf(
      view.stages.filter(({ id }) => id === 'vision'),
      {},
    ),
  ).toBe('onnx-unsupported');
  const bare = graphBuilder('bare');
  bare.output(
    bare.node('Gather', 'embed', [bare.weight('table', [8, 4], () => new Float32Array(32)), bare.input('input_ids', 'int64', [1, 's'])]),
    'float32',
    [1, 's', 4],
  );
  const { proto, data } = bare.finish();
  const folder = freshFolder();
  writeModel({ proto, sourceFolder: null }, folder, 'bare.onnx', data);
  expect(await codeOf([{ id: 'decoder', graph: 'bare.onnx' }], {}, folder)).toBe('onnx-unsupported');
});

it.each([true, false])("cuts a traced exporter's decoder, whose sums, masks and angles are spelled out (repeat: %s)", async (repeat) => {
  const folder = join(import.meta.dirname, '..', '..', 'oracles', 'onnx');
  const view = { folder, stages: [{ id: 'decoder', graph: 'traced-decoder.onnx' }] };
  const built = await build(modularComponents, view, options({ repeat }));
  expect(built.stages.map(({ id }) => id)).toEqual(['embedding', 'blocks-0', 'blocks-1', 'head']);
  const joined = joinStages(built.stages.map(({ graph }) => readModel(join(built.folder, graph))));
  const to = freshFolder();
  writeModel({ proto: joined.proto, sourceFolder: built.folder }, to, 'joined.onnx', new Map());
  const whole = join(folder, 'traced-decoder.onnx');
  const feeds = prefillFeeds(whole, 7, 3);
  const [a, b] = [await runGraph(whole, feeds), await runGraph(join(to, 'joined.onnx'), feeds)];
  const name = Object.keys(a).find((each) => each === 'logits')!;
  expect(largestDifference(a[name]!.data, b[name]!.data)).toBeLessThan(1e-5);
  const sessions = await Promise.all(
    built.stages.map(async ({ id, graph }) => ({ id, session: await openSession(await runtime(), join(built.folder, graph), settings) })),
  );
  const pipeline = pipelineSession(sessions);
  const found = await pipeline.run(feeds, [name]);
  expect(largestDifference(a[name]!.data, found[name]!.data as Float32Array)).toBeLessThan(1e-5);
  await pipeline.release();
});
