import { Tensor } from 'onnxruntime-node';
import { afterEach, describe, expect, it } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { encodeModel } from '../../src/onnx/binary.ts';
import { type GraphBuilder, graphBuilder } from '../../src/onnx/graph-builder.ts';
import { openModel } from '../../src/runtime/decoder.ts';
import type { Runtime } from '../../src/runtime/library.ts';
import { type OpenStage, pipelineSession } from '../../src/runtime/pipeline.ts';
import { openSession, type Session } from '../../src/runtime/session.ts';
import { builtTiny, runtime, settings } from './tiny-model.ts';

const open: OpenStage[] = [];
afterEach(async () => {
  for (const { session } of open.splice(0)) await session.release();
});

const stage = async (id: string, write: (graph: GraphBuilder) => void): Promise<OpenStage> => {
  const graph = graphBuilder(id);
  write(graph);
  const session = await openSession(await runtime(), encodeModel(graph.finish().proto), settings);
  open.push({ id, session });
  return { id, session };
};

/** a = 2·x and unused = −x */
const first = () =>
  stage('first', (graph) => {
    graph.node('Add', 'a', [graph.input('x', 'float32', ['rows', 3]), 'x'], { outputs: ['a'] });
    graph.output('a', 'float32', ['rows', 3]);
    graph.node('Neg', 'n', ['x'], { outputs: ['unused'] });
    graph.output('unused', 'float32', ['rows', 3]);
  });
/** b = a + x */
const second = () =>
  stage('second', (graph) => {
    graph.node('Add', 'b', [graph.input('a', 'float32', ['rows', 3]), graph.input('x', 'float32', ['rows', 3])], { outputs: ['b'] });
    graph.output('b', 'float32', ['rows', 3]);
  });
/** c = a · b: reads the first stage past the second */
const third = () =>
  stage('third', (graph) => {
    graph.node('Mul', 'c', [graph.input('b', 'float32', ['rows', 3]), graph.input('a', 'float32', ['rows', 3])], { outputs: ['c'] });
    graph.output('c', 'float32', ['rows', 3]);
  });
const x = (...values: number[]): { x: Tensor } => ({ x: new Tensor('float32', Float32Array.from(values), [values.length / 3, 3]) });
const numbers = (tensor: Tensor | undefined): readonly number[] => Array.from((tensor?.data ?? []) as Float32Array);
const codeOf = (action: () => unknown): string => {
  try {
    action();
    return 'none';
  } catch (thrown) {
    return thrown instanceof GateError ? `${thrown.code} ${thrown.message}` : String(thrown);
  }
};

describe('pipelineSession', () => {
  it('reads what no stage makes, gives what no stage reads, and hands on the rest', async () => {
    const pipeline = pipelineSession([await first(), await second(), await third()]);
    expect(pipeline.inputMetadata.map(({ name }) => name)).toEqual(['x']);
    expect(pipeline.outputMetadata.map(({ name }) => name)).toEqual(['unused', 'c']);
    const found = await pipeline.run(x(1, 2, 3), ['c', 'a']);
    expect(Object.keys(found)).toEqual(['c', 'a']);
    expect(numbers(found['a'])).toEqual([2, 4, 6]);
    expect(numbers(found['c'])).toEqual([6, 24, 54]);
  });

  it('leaves out stages that nothing fetched depends on', async () => {
    const [one, two, three] = [await first(), await second(), await third()];
    const ran: string[] = [];
    const noted = ({ id, session }: OpenStage): OpenStage => ({
      id,
      session: {
        inputMetadata: session.inputMetadata,
        outputMetadata: session.outputMetadata,
        run: (feeds, fetches) => {
          ran.push(`${id} ${(Array.isArray(fetches) ? fetches : Object.keys(fetches)).join()}`);
          return session.run(feeds, fetches);
        },
        release: () => session.release(),
      },
    });
    const pipeline = pipelineSession([one, two, three].map(noted));
    await pipeline.run(x(1, 2, 3), ['b']);
    await pipeline.run(x(1, 2, 3), ['unused']);
    expect(ran).toEqual(['first a', 'second b', 'first unused']);
  });

  it('writes a later run over the outputs of an earlier one, and over what was handed on', async () => {
    const [one, two, three] = [await first(), await second(), await third()];
    const handed: unknown[] = [];
    const watched: OpenStage = {
      id: 'third',
      session: {
        inputMetadata: three.session.inputMetadata,
        outputMetadata: three.session.outputMetadata,
        run: (feeds, fetches) => {
          handed.push(feeds['a']?.data);
          return three.session.run(feeds, fetches);
        },
        release: () => three.session.release(),
      },
    };
    const pipeline = pipelineSession([one, two, watched]);
    const outputs = await pipeline.run(x(1, 2, 3), ['c']);
    const buffer = outputs['c'];
    const again = await pipeline.run(x(1, 0, 1), outputs);
    // What the first run gave holds what the second one calculated.
    expect(numbers(again['c'])).toEqual([6, 0, 6]);
    expect(numbers(buffer)).toEqual([6, 0, 6]);
    expect(handed).toHaveLength(2);
    expect(handed[0]).toEqual(handed[1]);
    // Another shape needs outputs of its own.
    expect(numbers((await pipeline.run(x(1, 1, 1, 2, 2, 2), ['c']))['c'])).toEqual([6, 6, 6, 24, 24, 24]);
    // Outputs that no run of this pipeline made are filled too.
    const foreign = { c: new Tensor('float32', new Float32Array(3), [1, 3]) };
    await pipeline.run(x(2, 0, 0), foreign);
    expect(numbers(foreign.c)).toEqual([24, 0, 0]);
  });

  it('names the stage whose run fails', async () => {
    const pipeline = pipelineSession([await first(), await second()]);
    await expect(pipeline.run({ x: new Tensor('float32', new Float32Array(4), [1, 4]) }, ['b'])).rejects.toMatchObject({
      code: 'session-failed',
      where: 'stage first',
    });
  });
});

describe('interfaces that do not fit are refused when the pipeline is opened', () => {
  const reads = (type: 'float32' | 'int64', dims: readonly (string | number)[]) =>
    stage('reader', (graph) => {
      graph.node('Neg', 'n', [graph.input('a', type, dims)], { outputs: ['z'] });
      graph.output('z', type, dims);
    });
  it.each([
    ['element types', 'int64', ['rows', 3], 'of tensor "a", first makes float32 [rows, 3] and reader reads int64 [rows, 3]'],
    ['ranks', 'float32', ['rows'], 'reader reads float32 [rows]'],
    ['fixed sizes', 'float32', ['rows', 4], 'reader reads float32 [rows, 4]'],
  ] as const)('%s', async (_, type, dims, message) => {
    const stages = [await first(), await reads(type, dims)];
    expect(codeOf(() => pipelineSession(stages))).toContain(`stages-mismatch`);
    expect(codeOf(() => pipelineSession(stages))).toContain(message);
  });
  it('symbolic sizes are settled at run time', async () => {
    const stages = [await first(), await reads('float32', [2, 'width'])];
    expect(codeOf(() => pipelineSession(stages))).toBe('none');
  });
  it('a tensor that two stages make', async () => {
    const stages = [await first(), await first()];
    expect(codeOf(() => pipelineSession(stages))).toContain('tensor "a" is made twice, by first and first');
  });
  it('a tensor that is made after it is read', async () => {
    const stages = [await second(), await first()];
    expect(codeOf(() => pipelineSession(stages))).toContain('tensor "a" is read by second, but made only after it, by first');
  });
  it('an input that two stages read as different types', async () => {
    const stages = [
      await first(),
      await stage('other', (graph) => {
        graph.node('Neg', 'n', [graph.input('x', 'int64', ['rows', 3])], { outputs: ['z'] });
        graph.output('z', 'int64', ['rows', 3]);
      }),
    ];
    expect(codeOf(() => pipelineSession(stages))).toContain('of tensor "x", first reads float32');
  });
});

it('a model that cannot be opened leaves no session behind', async () => {
  const built = builtTiny('qwen3_vl');
  const real = await runtime();
  let living = 0;
  const counted: Runtime = {
    ...real,
    ort: {
      ...real.ort,
      InferenceSession: {
        create: async (...given: Parameters<typeof real.ort.InferenceSession.create>) => {
          const session: Session = await real.ort.InferenceSession.create(...given);
          living++;
          return {
            inputMetadata: session.inputMetadata,
            outputMetadata: session.outputMetadata,
            run: (feeds: never, fetches: never) => session.run(feeds, fetches),
            release: async () => {
              living--;
              await session.release();
            },
          };
        },
      },
    } as unknown as Runtime['ort'],
  };
  const options = { runtime: counted, settings, prompts: null };
  const twice = [
    ...built.stages.filter(({ id }) => id === 'decoder').map(({ graph }) => ({ id: 'one', graph })),
    { id: 'two', graph: 'model.onnx' },
  ];
  await expect(openModel(built.folder, twice, {}, options)).rejects.toMatchObject({ code: 'stages-mismatch' });
  await expect(
    openModel(
      built.folder,
      built.stages.filter(({ id }) => id === 'decoder'),
      {},
      options,
    ),
  ).rejects.toMatchObject({
    code: 'onnx-unsupported',
  });
  await expect(
    openModel(
      built.folder,
      built.stages.filter(({ id }) => id === 'vision'),
      {},
      options,
    ),
  ).rejects.toMatchObject({
    code: 'onnx-unsupported',
  });
  expect(living).toBe(0);
  await (await openModel(built.folder, built.stages, {}, options)).release();
  expect(living).toBe(0);
});
