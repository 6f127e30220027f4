import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BuildResult, ModelView } from '../../../src/contract/build.ts';
import { GateError } from '../../../src/errors.ts';
import { artefactDigest } from '../../../src/models/artefact.ts';
import { readModel } from '../../../src/onnx/read.ts';
import { writeModel } from '../../../src/onnx/write.ts';
import { finishRewrite, startRewrite } from '../../../src/optimizations/graph/rewrite.ts';
import { streamingOptions } from '../../../src/optimizations/streaming/options.ts';
import { streaming } from '../../../src/optimizations/streaming/subject.ts';
import { serveHints } from '../../../src/records/protocol.ts';
import { calibrationOf, denseFacts, type Family, familyNames, freshFolder, miniature, products } from '../miniature.ts';

const small = { chunk: 8, sinks: 2, 'keep-last': 20 };
const buildOn = async (input: ModelView, options: object = small): Promise<BuildResult & { readonly folder: string }> => {
  const output = freshFolder();
  const built = await streaming.build?.({
    model: denseFacts,
    input,
    options: streamingOptions.parse(options, 'with'),
    variant: { name: 'main', options: null },
    output,
    seed: 1,
    calibration: calibrationOf(input),
    products,
  });
  return { ...(built ?? { stages: [] }), folder: output };
};
const decoderOf = ({ stages }: ModelView): string => stages.find(({ id }) => id === 'decoder')?.graph ?? '';

/** θ^(−2i/size), as the models' tables are made. */
const frequencies = (size: number): readonly number[] => Array.from({ length: size / 2 }, (_, i) => 10_000 ** ((-2 * i) / size));

describe.each(familyNames)('%s', (family: Family) => {
  it('keeps the weights and says how they are to be served', async () => {
    const input = miniature(family);
    const built = await buildOn(input);
    expect(serveHints.parse(built.serve)).toEqual(built.serve);
    expect(built.serve).toMatchObject({ chunk: 8, slack: 8, sinks: 2, keepLast: 20, inPlace: family !== 'glm' });
    const expected = frequencies(family === 'glm' ? 4 : 16);
    expect(built.serve?.frequencies).toHaveLength(expected.length);
    built.serve?.frequencies?.forEach((frequency, i) => {
      expect(Math.abs(frequency / (expected[i] ?? 0) - 1)).toBeLessThan(1e-5);
    });
    const untouched = freshFolder();
    for (const { graph } of input.stages) finishRewrite(startRewrite(readModel(join(input.folder, graph))), untouched);
    expect(artefactDigest(built.folder, built.stages, {})).toBe(artefactDigest(untouched, input.stages, {}));
  });

  it('is the same twice, and another with another window', async () => {
    const digest = async (options: object): Promise<string> => {
      const { folder, stages, serve } = await buildOn(miniature(family), options);
      return artefactDigest(folder, stages, serve ?? {});
    };
    expect(await digest(small)).toBe(await digest(small));
    expect(await digest({ ...small, 'keep-last': 21 })).not.toBe(await digest(small));
  });
});

describe('what cannot be streamed', () => {
  const edited = (edit: (model: ReturnType<typeof readModel>) => void): ModelView => {
    const input = miniature('dense');
    const model = readModel(join(input.folder, decoderOf(input)));
    edit(model);
    const folder = freshFolder();
    writeModel({ proto: model.proto, sourceFolder: input.folder }, folder, decoderOf(input), new Map());
    return { folder, stages: input.stages };
  };
  const codeOf = async (input: ModelView, options: object = small): Promise<string> =>
    buildOn(input, options).then(
      () => 'none',
      (thrown) => (thrown instanceof GateError ? thrown.code : String(thrown)),
    );
  const attribute = (name: string, value: bigint) => (model: ReturnType<typeof readModel>) => {
    for (const node of model.proto.graph?.node ?? [])
      for (const each of node.attribute) if (node.opType === 'GroupQueryAttention' && each.name === name) each.i = value;
  };

  it.each([
    ['a cache longer than the rotary tables', () => miniature('dense'), { ...small, 'keep-last': 55 }, 'option-invalid'],
    ['keys turned in pairs of neighbours', () => edited(attribute('rotary_interleaved', 1n)), small, 'onnx-unsupported'],
    ['keys that are not turned', () => edited(attribute('do_rotary', 0n)), small, 'onnx-unsupported'],
    ['an untouched graph (none)', () => edited(() => {}), small, 'none'],
  ] as const)('%s', async (_, input, options, code) => {
    expect(await codeOf(input(), options)).toBe(code);
  });

  it('names what it does not recognise', async () => {
    await expect(buildOn(edited(attribute('do_rotary', 0n)))).rejects.toThrow(/How the keys of attention .* turn by position/);
  });
});
