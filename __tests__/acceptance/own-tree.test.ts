import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ReportDocument, reportDocumentSchema } from '../../src/report/document.ts';

/**
 * The committed program on a fresh clone of this repository: a clean tree passes, a worse importance and a smaller ratio are
 * regressions of the right metrics, a broken option is a usage error.
 */
const repository = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'optimization-gate-acceptance-'));
const clone = join(folder, 'clone');

interface Ended {
  readonly status: number | null;
  readonly text: string;
  readonly errors: string;
  readonly report: ReportDocument | null;
}

const gate = (name: string, ...options: readonly string[]): Ended => {
  const run = join(folder, name);
  const ended = spawnSync(process.execPath, [join(clone, 'dist', 'cli.js'), '--run-dir', run, ...options], {
    cwd: clone,
    encoding: 'utf8',
    env: { ...process.env, OPTIMIZATION_GATE_STORE: join(folder, 'store'), ORT_PATH: repository },
  });
  let report: ReportDocument | null = null;
  try {
    report = reportDocumentSchema.parse(JSON.parse(readFileSync(join(run, 'report', 'report.json'), 'utf8')));
  } catch {
    report = null;
  }
  return { status: ended.status, text: ended.stdout, errors: ended.stderr, report };
};

const verdicts = (ended: Ended, metric: string): Readonly<Record<string, string | null>> =>
  Object.fromEntries(
    (ended.report?.cells ?? []).flatMap((cell) =>
      cell.metrics.filter(({ id }) => id === metric).map((found) => [`${cell.model}/${cell.optimization} ${found.point}`, found.verdict]),
    ),
  );

beforeAll(() => {
  execFileSync('git', ['clone', '--quiet', '--no-hardlinks', repository, clone]);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('this repository, gated by itself', () => {
  it('passes as it is, and measures what each optimization does', () => {
    const ended = gate('clean');
    expect(ended.status, ended.errors).toBe(0);
    const cells = ended.report?.cells ?? [];
    expect(cells).toHaveLength(8);
    expect(new Set(cells.map(({ verdict }) => verdict))).toEqual(new Set(['unchanged']));
    for (const cell of cells) {
      const speed = cell.metrics.find(({ id }) => id === 'prefill-speedup');
      expect(speed?.head, `${cell.model}/${cell.optimization}`).toBeGreaterThan(0.5);
      for (const metric of cell.metrics) expect(metric.head === null && metric.reason === null, metric.id).toBe(false);
    }
  });

  it('sees that pruning by magnitude costs quality, on the models it hurts', () => {
    const ended = gate('magnitude', '--set', 'optimizations.structured-pruning.with.importance=magnitude');
    expect(ended.status, ended.errors).toBe(1);
    const quality = verdicts(ended, 'nll-delta');
    for (const model of ['mini-qwen3-dense', 'mini-qwen3-moe', 'mini-glm4-moe-lite'])
      expect(quality[`${model}/structured-pruning evaluation`]).toBe('regressed');
    expect(ended.text).toContain('nll-delta');
    expect(verdicts(ended, 'model-size')['mini-qwen3-dense/structured-pruning inspection']).toBe('passed');
  });

  it('sees that pruning less costs size, work and time, and gains quality', () => {
    const ended = gate('ratio', '--set', 'optimizations.structured-pruning.with.ratio=0.10');
    expect(ended.status, ended.errors).toBe(1);
    const dense = 'mini-qwen3-dense/structured-pruning';
    expect(verdicts(ended, 'model-size')[`${dense} inspection`]).toBe('regressed');
    expect(verdicts(ended, 'flops-per-token')[`${dense} inspection`]).toBe('regressed');
    expect(verdicts(ended, 'prefill-latency')[`${dense} prefill-256`]).toBe('regressed');
    expect(verdicts(ended, 'nll-delta')[`${dense} evaluation`]).toBe('improved');
  });

  it('refuses a broken option, saying where and what is allowed', () => {
    const ended = gate('broken', '--set', 'optimizations.structured-pruning.with.importance=magic');
    expect(ended.status).toBe(2);
    expect(ended.errors).toContain('importance');
    expect(ended.errors).toContain('magnitude');
  });
});
