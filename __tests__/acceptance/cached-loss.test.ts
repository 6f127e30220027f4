import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { generationPoint } from '../../src/contract/shared-metrics.ts';
import { openModelSource } from '../../src/models/model-source.ts';
import { streamingOptions } from '../../src/optimizations/streaming/options.ts';
import { streaming } from '../../src/optimizations/streaming/subject.ts';
import { allowedEnvironment } from '../../src/processes/environment.ts';
import { digestOf } from '../../src/records/decode.ts';
import type { ArtefactRef } from '../../src/records/protocol.ts';
import { askWorker, type WorkerProgram } from '../../src/run/worker-process.ts';
import { newScratchPlace } from '../../src/store/scratch.ts';
import { calibrationOf, products } from '../optimizations/miniature.ts';
import oracle from '../oracles/cached-nll.json' with { type: 'json' };

const packageRoot = resolve(import.meta.dirname, '..', '..');
const source = openModelSource(join(packageRoot, 'models', 'mini-qwen3-dense'));
const folder = mkdtempSync(join(tmpdir(), 'gate-oracle-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const worker: WorkerProgram = {
  program: join(packageRoot, 'src', 'worker.ts'),
  environment: { ...allowedEnvironment(process.env), ORT_PATH: packageRoot },
  cwd: folder,
};
const limits = { seconds: 300, silenceSeconds: 300, memoryBytes: null, named: 'limits.seconds' };
const store = join(folder, 'store');

/** What the built-in makes of the reference by its defaults, with a digest of its own. */
const served = async (reference: ArtefactRef): Promise<ArtefactRef> => {
  const output = mkdtempSync(join(folder, 'streaming-'));
  const input = { folder: reference.folder, stages: reference.stages };
  const built = await streaming.build?.({
    model: source.facts,
    input,
    options: streamingOptions.parse({}, 'with'),
    variant: { name: 'main', options: null },
    output,
    seed: 1,
    calibration: calibrationOf(input),
    products,
  });
  if (built === undefined) throw new Error('streaming builds nothing');
  return { ...reference, folder: output, stages: [...built.stages], serve: built.serve ?? {}, digest: digestOf('streaming') };
};

describe('a launch at the point `generation`', () => {
  it('scores the reference and streaming, window by window, as NumPy does from the weights', async () => {
    const { runtime } = await askWorker(
      worker,
      { type: 'describe', library: true, provider: 'cpu', threads: 1 },
      'described',
      limits,
      'test',
    );
    const prepare = { type: 'prepare' as const, model: source.folder, digest: source.digest, store };
    const { artefact: reference } = await askWorker(worker, prepare, 'stored', limits, 'test');
    const { points } = await askWorker(
      worker,
      {
        type: 'launch',
        launch: 'mini-qwen3-dense/streaming#once-0',
        purpose: 'once',
        selfCheck: false,
        arms: ['reference', 'head'],
        points: [generationPoint(['reference', 'head'])],
        repeated: null,
        artefacts: { reference: { main: reference }, head: { main: await served(reference) } },
        like: 'streaming',
        options: null,
        policies: {},
        tuned: null,
        model: source.folder,
        modelDigest: source.digest,
        seed: 1,
        runtime: { digest: runtime.digest, provider: 'cpu', threads: 1 },
        scores: [],
        scratch: newScratchPlace(store),
      },
      'measured',
      limits,
      'test',
    );
    const [generation] = points;
    for (const [arm, expected] of [
      ['reference', oracle.reference],
      ['head', oracle.streaming],
    ] as const) {
      for (const name of ['cached-nll', 'agreement'] as const) {
        const series = generation?.values[arm]?.[name] ?? [];
        expect(series).toHaveLength(8);
        series.forEach((value, window) => {
          expect(Math.abs(value - (expected[name][window] ?? Number.NaN))).toBeLessThan(1e-5);
        });
      }
    }
  });
});
