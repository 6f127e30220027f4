import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ModelView } from '../../../src/contract/build.ts';
import { mainGraph } from '../../../src/onnx/model.ts';
import { readModel } from '../../../src/onnx/read.ts';
import { finishRewrite, startRewrite } from '../../../src/optimizations/graph/rewrite.ts';
import { modularOptions } from '../../../src/optimizations/modular-components/options.ts';
import { modularComponents } from '../../../src/optimizations/modular-components/subject.ts';
import { openModel } from '../../../src/runtime/decoder.ts';
import { scoreArms } from '../../../src/runtime/scoring.ts';
import { runtime, settings } from '../../runtime/tiny-model.ts';
import { build, freshFolder, miniature, vocabulary } from '../miniature.ts';

const windows = {
  count: 2,
  length: 32,
  tokens: Uint16Array.from({ length: 64 }, (_, i) => 2 + ((i * 7 + (i >> 2)) % (vocabulary - 8))),
  scored: null,
  images: null,
};

const opened = async ({ folder, stages }: ModelView) =>
  openModel(folder, stages, {}, { runtime: await runtime(), settings, prompts: null });

/** Mean lost bits of a view against one session of the whole model. */
const lostBitsOf = async (whole: ModelView, view: ModelView): Promise<number> => {
  const [reference, own] = [await opened(whole), await opened(view)];
  let total = 0;
  await scoreArms(reference, { own }, windows, {}, (_, scores) => {
    total += scores['own']!.lostBits / windows.count;
  });
  await reference.release();
  await own.release();
  return total;
};

/** The same pipeline, but the norms that were taken apart are those of the operator's own default. */
const withoutEpsilon = (view: ModelView): ModelView => {
  const folder = freshFolder();
  for (const { graph } of view.stages) {
    const model = startRewrite(readModel(join(view.folder, graph)));
    for (const node of mainGraph(model.proto, model.graph).node)
      if (node.name.endsWith('/norm')) node.attribute = node.attribute.filter(({ name }) => name !== 'epsilon');
    finishRewrite(model, folder);
  }
  return { folder, stages: view.stages };
};

it('a pipeline shifts logits by roundings alone; a norm without its epsilon by more than a bit', async () => {
  const whole = miniature('dense');
  const pipeline = await build(modularComponents, whole, modularOptions.parse({}, 'options'));
  expect(await lostBitsOf(whole, whole)).toBe(0);
  const [right, wrong] = [await lostBitsOf(whole, pipeline), await lostBitsOf(whole, withoutEpsilon(pipeline))];
  expect(right).toBeLessThan(4);
  expect(wrong).toBeGreaterThan(right + 1);
  expect(wrong).toBeLessThan(10);
});
