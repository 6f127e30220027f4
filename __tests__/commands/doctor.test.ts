import { appendFileSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { configuration, type Ended, model, Project, packageRoot } from './project.ts';

interface Report {
  readonly schema: string;
  readonly ready: boolean;
  readonly runnerClass: string | null;
  readonly checks: readonly { readonly id: string; readonly status: string; readonly says: string }[];
  readonly machine: { readonly cores: number };
}

const report = ({ stdout }: Ended): Report => JSON.parse(stdout) as Report;
const check = (found: Report, id: string) => found.checks.find((each) => each.id === id);

describe('doctor on a machine that can measure', () => {
  let project: Project;
  beforeAll(() => {
    project = Project.make();
    project.commit({ 'optimization-gate.yml': configuration([['structured-pruning']]) });
  });

  it('tries every part and says what a run would use', async () => {
    const ended = await project.gate('doctor', '--json');
    const found = report(ended);
    expect(ended.code).toBe(0);
    expect(found).toMatchObject({ schema: 'optimization-gate/doctor/1', ready: true });
    expect(found.runnerClass).toMatch(/^[a-z0-9-]+-cpu-.*-[0-9a-f]{8}$/);
    expect(check(found, 'runtime')?.says).toMatch(/^ONNX Runtime \d+\.\d+\.\d+, digest [0-9a-f]{12}$/);
    expect(check(found, 'provider cpu')).toMatchObject({ status: 'ok', says: 'calculates; it is the one that is configured' });
    expect(check(found, 'configuration')?.says).toBe('optimization-gate.yml: 1 model × 1 optimization, cpu with 1 thread');
    expect(check(found, 'git')?.says).toMatch(/^\d+\..*, base is [0-9a-f]{12} \(head itself\)$/);
    expect(check(found, 'models')?.says).toContain(model);
    expect(check(found, 'store')?.says).toMatch(/: .+; .+ (MiB|GiB|TiB) free$/);
    expect(check(found, 'energy')?.says).toMatch(/^(no )?RAPL counters/);
    expect(check(found, 'energy')?.says).not.toContain('nvidia-smi');
    const ids = found.checks.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['node', 'processor', 'memory', 'pressure', 'clocks', 'gpu', 'energy']));
    expect(found.checks.every(({ status }) => ['ok', 'absent', 'warning'].includes(status))).toBe(true);
    expect(found.machine.cores).toBeGreaterThan(0);
  });

  it('is an aligned table with one line for each part', async () => {
    const { stdout, code } = await project.gate('doctor');
    expect(code).toBe(0);
    const [table = '', end = ''] = stdout.trimEnd().split('\n\n');
    const starts = table.split('\n').map((line) => /^(ok|–|\?)\s+(node|provider \w+|run folder|\w+)\s{2,}/.exec(line)?.[0].length);
    expect(new Set(starts).size).toBe(1);
    expect(starts[0]).toBeGreaterThan(10);
    expect(end).toMatch(/^A run can begin\. Runner class: /);
  });

  it('says which provider that was asked for does not work here, and ends with 2', async () => {
    project.commit({ 'optimization-gate.yml': configuration([['structured-pruning']], ['runtime: { provider: nosuch }']) });
    const ended = await project.gate('doctor', '--json');
    expect(ended.code).toBe(2);
    expect(report(ended).ready).toBe(false);
    expect(check(report(ended), 'provider nosuch')).toMatchObject({
      status: 'bad',
      says: expect.stringMatching(/cpu.*provider-unavailable/),
    });
    expect(check(report(ended), 'provider cpu')?.status).toBe('ok');
  });
});

describe('doctor where something is in the way', () => {
  it('says all of it at once: no runtime, a broken configuration, a damaged model', async () => {
    const project = Project.make();
    const folder = join(project.folder, 'models', 'mine');
    mkdirSync(folder, { recursive: true });
    cpSync(join(packageRoot, 'models', model), folder, { recursive: true });
    appendFileSync(join(folder, 'calibration.safetensors'), 'x');
    project.commit({ 'optimization-gate.yml': 'gate: { alhpa: 1 }\n' });
    const ended = await project.gate('doctor', '--ort-path', project.folder, '--json');
    const found = report(ended);
    expect(ended.code).toBe(2);
    expect(found).toMatchObject({ ready: false, runnerClass: null });
    expect(check(found, 'runtime')).toMatchObject({ status: 'bad', says: expect.stringContaining('[runtime-not-found]') });
    expect(check(found, 'configuration')).toMatchObject({ status: 'bad', says: expect.stringContaining('alhpa') });
    expect(check(found, 'model mine')).toMatchObject({ status: 'bad', says: expect.stringContaining('calibration.safetensors') });
    expect(check(found, 'git')?.status).toBe('ok');
  });
});
