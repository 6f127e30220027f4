import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyPackage } from '../action/package-copy.ts';
import { git } from '../testkit/git.ts';

const repository = join(import.meta.dirname, '..', '..');
const python = ['python3', '/usr/bin/python3'].find((program) => spawnSync(program, ['-c', 'import onnx']).status === 0) ?? null;

const config = `models: [mini-qwen3-dense]
optimizations:
  - id: our-pruning
    like: structured-pruning
    command: ${python} optimize/prune.py --model {model} --output {output} --ratio 0.25
    inputs: [optimize/**]
    points: [{ id: prefill-16, length: 16, rounds: 4 }]
limits: { seconds: 2m }
`;

interface Report {
  readonly verdict: string;
  readonly cells: readonly {
    readonly verdict: string;
    readonly reason: string | null;
    readonly metrics: readonly { readonly id: string; readonly head: number | null }[];
  }[];
}

describe.skipIf(python === null)('pruning in Python, as a command', () => {
  let folder = '';
  let script = '';
  const runGate = () => {
    const args = [join(folder, 'gate', 'dist', 'cli.js'), '--json', '--store', join(folder, 'store'), '--ort-path', repository];
    const environment = { PATH: process.env.PATH ?? '', HOME: folder, TMPDIR: folder };
    const run = spawnSync(process.execPath, args, { cwd: join(folder, 'models'), env: environment, encoding: 'utf8' });
    return { code: run.status, said: run.stderr, report: (run.stdout === '' ? null : JSON.parse(run.stdout)) as Report | null };
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gate-python-'));
    await copyPackage(join(folder, 'gate'));
    const work = join(folder, 'models');
    script = join(work, 'optimize', 'prune.py');
    mkdirSync(join(work, 'optimize'), { recursive: true });
    cpSync(join(repository, 'examples', 'python', 'prune.py'), script);
    writeFileSync(join(work, 'optimization-gate.yml'), config);
    await git(work, ['init', '--quiet', '--initial-branch=main', '.']);
    await git(work, ['add', '.']);
    await git(work, ['commit', '--quiet', '-m', 'first']);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('shrinks the model by what its option says', () => {
    const { code, said, report } = runGate();
    expect(code, said).toBe(0);
    expect(report?.cells).toMatchObject([{ verdict: 'unchanged' }]);
    const value = (id: string): number => report?.cells[0]?.metrics.find((metric) => metric.id === id)?.head ?? Number.NaN;
    // A quarter of four feed-forwards of 3 · 128 · 512 weights, of 1.18 million numbers in all.
    expect(value('size-reduction')).toBeGreaterThan(16);
    expect(value('size-reduction')).toBeLessThan(17);
    expect(value('nll-delta')).toBeGreaterThan(0);
    expect(value('nll-delta')).toBeLessThan(0.5);
  });

  it('fails the cell with what Python says when the script breaks', () => {
    writeFileSync(
      script,
      readFileSync(script, 'utf8').replace('    model = onnx.load(options.model)', '    model = onnx.lod(options.model)'),
    );
    const { code, said, report } = runGate();
    expect(code, said).toBe(1);
    expect(report?.cells).toMatchObject([{ verdict: 'failed' }]);
    expect(report?.cells[0]?.reason).toContain('error[build-failed] of head');
    expect(report?.cells[0]?.reason).toMatch(/AttributeError: module 'onnx' has no attribute 'lod'/);
  });
});
