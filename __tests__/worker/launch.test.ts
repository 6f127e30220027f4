import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runLaunch } from '../../src/launching/launch.ts';
import { allowedEnvironment } from '../../src/processes/environment.ts';
import type { OperatingPoint } from '../../src/records/metric.ts';
import type { RuntimeSpec } from '../../src/records/plan.ts';
import type { ArtefactRef, LaunchRequest } from '../../src/records/protocol.ts';
import type { ArmId } from '../../src/records/words.ts';
import { askWorker, type WorkerProgram } from '../../src/run/worker-process.ts';
import { newScratchPlace } from '../../src/store/scratch.ts';

const packageRoot = resolve(import.meta.dirname, '..', '..');
const source = join(packageRoot, 'models', 'mini-qwen3-dense');
const folder = mkdtempSync(join(tmpdir(), 'gate-worker-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const worker: WorkerProgram = {
  program: join(packageRoot, 'src', 'worker.ts'),
  environment: { ...allowedEnvironment(process.env), ORT_PATH: packageRoot },
  cwd: folder,
};
const limits = { seconds: 100, silenceSeconds: 100, memoryBytes: null, named: 'limits.seconds' };
const plan = {
  runtime: { digest: '', ort: '', provider: 'cpu', threads: 1, session: null, serving: '' },
  baseRuntime: null,
  baseWorker: null,
};
const workers = { running: worker, base: null, plan, scores: { of: () => [] } };
const store = join(folder, 'store');
const card: { quality: { nll: number; perplexity: number; top1Accuracy: number } } = JSON.parse(
  readFileSync(join(source, 'card.json'), 'utf8'),
);

let runtime: Omit<RuntimeSpec, 'serving'>;
let digest: string;
let reference: ArtefactRef;
let bytes: number;

beforeAll(async () => {
  runtime = (await askWorker(worker, { type: 'describe', library: true, provider: 'cpu', threads: 1 }, 'described', limits, 'test'))
    .runtime;
  const { openModelSource } = await import('../../src/models/model-source.ts');
  digest = openModelSource(source).digest;
  const prepare = { type: 'prepare' as const, model: source, digest, store };
  const stored = await askWorker(worker, prepare, 'stored', limits, 'test');
  reference = stored.artefact;
  bytes = stored.bytes;
}, 120_000);

const request = (points: readonly OperatingPoint[], arms: readonly ArmId[], more: Partial<LaunchRequest> = {}): LaunchRequest => ({
  type: 'launch',
  launch: 'mini-qwen3-dense/x#once-0',
  purpose: 'once',
  selfCheck: false,
  arms: [...arms],
  points: [...points],
  repeated: null,
  artefacts: Object.fromEntries(['reference', ...arms].map((arm) => [arm, { main: reference }])),
  like: 'structured-pruning',
  options: null,
  policies: {},
  tuned: null,
  model: source,
  modelDigest: digest,
  seed: 1,
  runtime: { digest: runtime.digest, provider: 'cpu', threads: 1 },
  scores: [],
  scratch: newScratchPlace(store),
  ...more,
});

const measure = (asked: LaunchRequest) => askWorker(worker, asked, 'measured', limits, asked.launch);
const call: OperatingPoint = {
  id: 'quick',
  kind: 'call',
  phase: 'decode',
  length: 8,
  batch: 2,
  rounds: 16,
  warmUp: 1,
  arms: ['base', 'head'],
};

const mean = (values: readonly number[] = []): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a launch', () => {
  it('scores the reference as its card says, and describes its files, the same every time', async () => {
    const points: readonly OperatingPoint[] = [
      { id: 'evaluation', kind: 'evaluation', windows: 64, arms: ['reference', 'head'] },
      { id: 'inspection', kind: 'inspection', arms: ['reference', 'head'] },
    ];
    const first = await measure(request(points, ['reference', 'head']));
    const [evaluation, inspection] = first.points;
    const series = evaluation?.values['reference'];
    expect(series?.['nll']).toHaveLength(64);
    expect(series?.['kl']).toHaveLength(64);
    expect(series?.['top1']).toHaveLength(64);
    expect(series?.['kl-p99']).toHaveLength(1);
    expect(Math.abs(Math.exp(mean(series?.['nll'])) / card.quality.perplexity - 1)).toBeLessThan(0.001);
    for (const value of series?.['kl'] ?? [1]) expect(Math.abs(value)).toBeLessThan(1e-6);
    for (const value of series?.['top1'] ?? [0]) expect(value).toBe(100);
    // The head arm serves the very same bytes: so it scores the very same.
    expect(evaluation?.values['head']).toEqual(series);
    expect(inspection?.values['reference']).toEqual(inspection?.values['head']);
    expect(inspection?.values['head']?.['bytes']).toEqual([bytes]);
    const again = await measure(request(points, ['reference', 'head']));
    expect(again.points).toEqual(first.points);
  });

  it('counts what the architecture of the card says', async () => {
    const { points } = await measure(request([{ id: 'inspection', kind: 'inspection', arms: ['head'] }], ['head']));
    const {
      hidden_size: hidden,
      num_hidden_layers: layers,
      intermediate_size: wide,
      vocab_size: vocabulary,
      num_attention_heads: heads,
      num_key_value_heads: groups,
      head_dim: size,
    } = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8'));
    const perLayer = hidden * size * (heads + 2 * groups) + heads * size * hidden + 3 * hidden * wide;
    const attention = 2 * heads * size * 257;
    expect(points[0]?.values['head']?.['multiply-adds']).toEqual([layers * (perLayer + attention) + hidden * vocabulary]);
    const [parameters = 0] = points[0]?.values['head']?.['parameters'] ?? [];
    expect(parameters).toBeGreaterThanOrEqual(layers * perLayer + hidden * vocabulary);
    expect(parameters).toBeLessThan(1.1 * (layers * perLayer + hidden * vocabulary));
    expect(points[0]?.warnings).toEqual([]);
  });

  it('times the arms that it is asked for, round by round', async () => {
    const { points, process: facts } = await measure(request([call], ['base', 'head'], { purpose: 'screen' }));
    expect(points.map(({ point }) => point)).toEqual(['quick']);
    expect(Object.keys(points[0]?.values ?? {}).toSorted()).toEqual(['base', 'head']);
    for (const arm of ['base', 'head']) {
      for (const series of ['wall-ms', 'cpu-ms']) {
        expect(points[0]?.values[arm]?.[series]).toHaveLength(16);
        for (const value of points[0]?.values[arm]?.[series] ?? [-1]) expect(value).toBeGreaterThanOrEqual(0);
      }
    }
    expect(facts.seconds).toBeGreaterThan(0);
  });

  it('measures the memory of one arm alone', async () => {
    const solo: OperatingPoint = { id: 'solo', kind: 'solo', of: 'quick', seconds: 1, launches: 3, arms: ['head'] };
    const { points, process: facts } = await measure(request([solo], ['head'], { purpose: 'solo', repeated: call }));
    const [peak = 0] = points[0]?.values['head']?.['peak-bytes'] ?? [];
    expect(peak).toBeGreaterThan(bytes);
    // The kernel counts pages of each processor apart, so two readings may differ by a few.
    expect(Math.abs(peak / (facts.vmHwmBytes ?? 1) - 1)).toBeLessThan(0.02);
  });

  it('that lacks an artefact fails, naming the arm, as its own lines', async () => {
    const asked = request([call], ['base', 'head'], {
      purpose: 'screen',
      artefacts: { reference: { main: reference }, base: { main: reference } },
    });
    const { lines } = await runLaunch({ launch: 'l', cell: 'm/o', index: 3 }, asked, workers, limits);
    expect(lines).toMatchObject([
      { line: 'launch', launch: 'l', cell: 'm/o', purpose: 'screen', index: 3, selfCheck: false },
      {
        line: 'end',
        launch: 'l',
        status: 'failed',
        error: { arm: 'head', message: expect.stringContaining('There are no files of head') },
        process: null,
      },
    ]);
  });

  it('whose artefact was deleted fails, naming the arm', async () => {
    const missing: ArtefactRef = { ...reference, folder: join(folder, 'nowhere') };
    const asked = request([call], ['base', 'head'], {
      artefacts: { reference: { main: reference }, base: { main: missing }, head: { main: reference } },
    });
    const { lines } = await runLaunch({ launch: 'l', cell: 'm/o', index: 0 }, asked, workers, limits);
    expect(lines.at(-1)).toMatchObject({ line: 'end', status: 'failed', error: { arm: 'base' } });
  });

  it('refuses a message that is none', async () => {
    const asked = { ...request([call], ['head']), seed: -1 };
    await expect(measure(asked)).rejects.toMatchObject({ coded: { code: 'document-invalid', message: expect.stringContaining('seed') } });
  });
});

describe('the model that the plan names', () => {
  it('is refused when its files are others by now', async () => {
    const prepare = { type: 'prepare' as const, model: source, digest: '0'.repeat(64), store };
    await expect(askWorker(worker, prepare, 'stored', limits, 'test')).rejects.toMatchObject({ coded: { code: 'model-digest-mismatch' } });
    const asked = request([call], ['head'], { modelDigest: '0'.repeat(64) });
    await expect(measure(asked)).rejects.toMatchObject({ coded: { code: 'model-digest-mismatch', arm: null } });
  });
});
