import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configuration, copied, copyProgram, Project } from '../commands/project.ts';

const root = mkdtempSync(join(tmpdir(), 'gate-disks-'));

/** A disk of its own; null where this user may not mount one. */
const disk = (mebibytes: number): string | null => {
  const folder = mkdtempSync(join(root, 'disk-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder]).status !== 0) return null;
  onTestFinished(() => {
    spawnSync('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
};

const remount = (folder: string, how: 'ro' | 'rw'): void => void spawnSync('mount', ['-o', `remount,${how}`, folder]);

/** Leaves so many KiB of a disk free. */
const fill = (folder: string, kibibytes: number): void => {
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(join(folder, 'ballast'), Buffer.alloc(Math.max(0, bavail * bsize - kibibytes * 1024)));
};

const sizes = (size: number): string =>
  `import { createInterface } from 'node:readline';\nfor await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size: ${size} }));\n`;
const engine = [
  'engine',
  'measure: node bench.mjs',
  'inputs: [bench.mjs]',
  'metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]',
];

const measured = (): Project => {
  const project = Project.make();
  project.commit({ '.gitignore': '.optimization-gate*\nrun\n', 'optimization-gate.yml': configuration([engine]), 'bench.mjs': sizes(100) });
  project.commit({ 'bench.mjs': sizes(900) });
  return project;
};

const built = (): Project => {
  const project = Project.make();
  const config = configuration([copied('own')], ['budget: { minutes: 0.00001 }']);
  project.commit({ '.gitignore': '.optimization-gate*\n', 'optimization-gate.yml': config, 'copy.mjs': copyProgram(false) });
  project.commit({ 'copy.mjs': copyProgram(true) });
  return project;
};

const canMount = ((): boolean => {
  const folder = mkdtempSync(join(root, 'try-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0;
  if (mounted) spawnSync('umount', [folder]);
  return mounted;
})();

describe.skipIf(!canMount)('a disk that is full or read-only', () => {
  const isPlain = (stderr: string): void => {
    expect(stderr).not.toMatch(/error\[internal\]|\n\s+at |version control/);
  };

  it('of the store is named with the option that moves it', async () => {
    const small = disk(2) ?? '';
    const full = await measured().gate('--base', 'HEAD~1', '--store', join(small, 'store'));
    expect(full.code).toBe(3);
    expect(full.stderr).toMatch(/error\[disk-full\].*store/s);
    expect(full.stderr).toContain('--store');
    expect(full.stderr).toContain(small);
    isPlain(full.stderr);
    const closed = disk(64) ?? '';
    const project = measured();
    remount(closed, 'ro');
    const fresh = await project.gate('--base', 'HEAD~1', '--store', join(closed, 'store'));
    expect([fresh.code, fresh.stderr]).toEqual([3, expect.stringMatching(/error\[store-unwritable\].*EROFS.*--store/s)]);
    isPlain(fresh.stderr);
    remount(closed, 'rw');
    expect((await project.gate('--base', 'HEAD~1', '--store', join(closed, 'store'))).code).toBe(1);
    remount(closed, 'ro');
    const used = await project.gate('--base', 'HEAD~1', '--seed', '2', '--store', join(closed, 'store'));
    expect([used.code, used.stderr]).toEqual([3, expect.stringMatching(/error\[store-unwritable\].*--store/s)]);
    isPlain(used.stderr);
  });

  it('of the run folder is named with the option that moves it, and what was measured is kept', async () => {
    const project = measured();
    const closed = disk(16) ?? '';
    const run = join(closed, 'run');
    expect((await project.gate('plan', '--base', 'HEAD~1', '--run-dir', run)).code).toBe(0);
    remount(closed, 'ro');
    const refused = await project.gate('--base', 'HEAD~1', '--run-dir', run);
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringMatching(/error\[folder-unwritable\].*--run-dir/s)]);
    isPlain(refused.stderr);
    remount(closed, 'rw');
    fill(closed, 4);
    const full = await project.gate('measure', '--run-dir', run);
    expect([full.code, full.stderr]).toEqual([3, expect.stringMatching(/error\[disk-full\].*--run-dir/s)]);
    expect(full.stderr).toContain(run);
    isPlain(full.stderr);
    const kept = existsSync(join(run, 'samples.jsonl')) ? readFileSync(join(run, 'samples.jsonl'), 'utf8') : '';
    expect(kept === '' || kept.endsWith('\n')).toBe(true);
    rmSync(join(closed, 'ballast'));
    expect((await project.gate('measure', '--run-dir', run)).code).toBe(0);
    expect(readFileSync(join(run, 'samples.jsonl'), 'utf8').startsWith(kept)).toBe(true);
    fill(closed, 0);
    const decided = await project.gate('gate', '--run-dir', run);
    expect([decided.code, decided.stderr]).toEqual([3, expect.stringMatching(/error\[disk-full\].*--run-dir/s)]);
    isPlain(decided.stderr);
    rmSync(join(closed, 'ballast'));
    expect((await project.gate('gate', '--run-dir', run)).code).toBe(1);
  });

  it('that head or base writes to is no fault of head', async () => {
    const project = measured();
    const small = disk(1) ?? '';
    mkdirSync(join(small, 'out'));
    const write = `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(join(small, 'out', 'data'))}, Buffer.alloc(4e6));\n`;
    project.commit({ 'bench.mjs': `${write}${sizes(900)}` });
    const ended = await project.gate('--base', 'HEAD~1');
    expect([ended.code, ended.stderr]).toEqual([
      3,
      expect.stringMatching(/error\[disk-full\].*Code under test wrote to a disk\. It found no room/s),
    ]);
  });

  it('of temporary files is named with the variable that moves it', async () => {
    const project = built();
    const small = disk(1) ?? '';
    fill(small, 0);
    project.environment = { TMPDIR: small };
    const ended = await project.gate('--base', 'HEAD~1');
    expect([ended.code, ended.stderr]).toEqual([3, expect.stringMatching(/error\[disk-full\].*TMPDIR/s)]);
    isPlain(ended.stderr);
  });
});
