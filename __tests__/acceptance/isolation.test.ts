import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Project } from '../commands/project.ts';
import { ScratchRepository } from '../repository/scratch-repository.ts';

const canIsolate = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/unshare');

const config = (isolation: string, ...more: readonly string[]): string =>
  [
    'models: [mini-qwen3-dense]',
    'optimizations:',
    '  - id: engine',
    '    measure: node bench.mjs',
    '    inputs: [bench.mjs]',
    '    metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]',
    isolation,
    ...more,
    '',
  ].join('\n');
const isolation = 'isolation: { user: nobody }';

/** Answers each round with a size; before that it does what it is told, and writes what came of it to standard error. */
const program = (size: string, before = ''): string => `
import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createInterface } from 'node:readline';
const attempt = (name, what) => { try { what(); console.error(name, 'DONE'); } catch (thrown) { console.error(name, thrown.code ?? thrown.status ?? 'failed'); } };
${before}
for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size: ${size} }));
`;

const projectOf = (files: Readonly<Record<string, string>>): Project => {
  const project = Project.make();
  for (const folder of [dirname(project.store), project.folder, dirname(project.folder)]) chmodSync(folder, 0o755);
  project.commit({ '.gitignore': '.optimization-gate\nleft\n', 'optimization-gate.yml': config(isolation), ...files });
  return project;
};

describe.skipIf(!canIsolate)('code under test as another user', () => {
  it('is set up, measured and told from base as without', async () => {
    const setup = 'setup: node setup.mjs';
    const files = {
      'optimization-gate.yml': config(isolation, setup),
      'setup.mjs': "import fs from 'node:fs'; fs.writeFileSync('made.txt', '100');",
    };
    const project = projectOf(files);
    const reads = "Number(fs.readFileSync('made.txt', 'utf8')) + (process.getuid() === 65534 ? 0 : 1e6)";
    project.commit({ 'bench.mjs': program(reads), '.gitignore': '.optimization-gate\nleft\nmade.txt\n' });
    project.commit({ 'bench.mjs': program(`${reads} * 1`) });
    const same = await project.gate('--base', 'HEAD~1');
    expect({ ...same }).toMatchObject({ code: 0 });
    expect(project.cell('engine').metrics[0]).toMatchObject({ base: 100, head: 100 });
    expect(existsSync(join(project.folder, 'made.txt'))).toBe(false);
    project.commit({ 'bench.mjs': program(`9 * (${reads})`) });
    const worse = await project.gate('--base', 'HEAD~1');
    expect({ ...worse }).toMatchObject({ code: 1 });
    expect(project.cell('engine').metrics[0]).toMatchObject({ base: 100, head: 900 });
  });

  it('cannot write to what it is judged by', async () => {
    const project = projectOf({ 'bench.mjs': program('100') });
    const targets = {
      run: project.run,
      samples: project.samplesFile,
      store: project.store,
      records: join(project.store, 'records'),
      git: join(project.folder, '.git', 'config'),
      program: join(dirname(project.store), 'package', 'dist', 'worker.js'),
      checkout: join(project.folder, 'bench.mjs'),
    };
    const tries = Object.entries(targets).map(
      ([name, path]) =>
        `attempt('${name}', () => fs.statSync('${path}').isDirectory() ? fs.writeFileSync('${path}/x', '') : fs.appendFileSync('${path}', ' '));`,
    );
    const others = `
attempt('worktrees', () => { for (const name of fs.readdirSync('../../../base')) fs.rmSync('../../../base/' + name, { recursive: true }); });
attempt('other', () => fs.rmSync(fs.realpathSync('../../..') + '/base/home', { recursive: true }));
attempt('gate', () => { if (fs.readdirSync('/proc').filter((name) => Number(name) > 0).some((pid) => fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes('cli.js'))) process.kill(1, 'SIGKILL'); else throw new Error(); });
attempt('init', () => process.kill(1, 'SIGKILL'));
attempt('rights', () => { if (/^NoNewPrivs:\\s*1$/m.test(fs.readFileSync('/proc/self/status', 'utf8'))) throw new Error(); });
attempt('hidden', () => execFileSync('umount', [fs.realpathSync('../../..') + '/base'], { stdio: 'ignore' }));
`;
    project.commit({
      'bench.mjs': program('900', `${tries.join('\n')}${others}\nif (process.env.HOME.includes('/head/')) throw new Error('said all');`),
    });
    const { code, stdout, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stdout, stderr }).toMatchObject({ code: 1 });
    const said = project.cell('engine').reason;
    for (const name of [...Object.keys(targets), 'worktrees', 'other']) expect(said).toMatch(new RegExp(`^${name} (EACCES|EROFS)$`, 'm'));
    for (const end of ['gate failed', 'init EPERM', 'rights failed', 'hidden 32']) expect(said).toContain(`${end}\n`);
    expect(readFileSync(join(project.folder, 'bench.mjs'), 'utf8')).toContain('said all');
  });

  it('regresses also after all of that', async () => {
    const project = projectOf({ 'bench.mjs': program('100') });
    project.commit({ 'bench.mjs': program('900', `attempt('base', () => fs.writeFileSync('../../../base/x', ''));`) });
    expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1 });
    expect(project.cell('engine').metrics[0]).toMatchObject({ verdict: 'regressed', base: 100, head: 900 });
  });

  it('finds nothing of the other side in the folders above its own, nor in those that everybody writes to', async () => {
    const finds = `
const { createRequire } = await import('node:module');
let size = 100;
try { size = createRequire(process.cwd() + '/x.js')('planted-above'); } catch {}
for (const place of ['/tmp', '/var/tmp', '/dev/shm']) if (fs.existsSync(place + '/planted-by-gate-test')) size = 900;`;
    const plants = `
import fs from 'node:fs'; import path from 'node:path';
for (let at = path.dirname(process.cwd()); at !== '/'; at = path.dirname(at)) try {
  fs.mkdirSync(at + '/node_modules', { recursive: true }); fs.writeFileSync(at + '/node_modules/planted-above.js', 'module.exports = 900');
} catch {}
for (const place of ['/tmp', '/var/tmp', '/dev/shm']) try { fs.writeFileSync(place + '/planted-by-gate-test', ''); } catch {}
fs.writeFileSync(process.env.TMPDIR + '/own', ''); fs.writeFileSync('left', '');`;
    const files = { 'optimization-gate.yml': config(isolation, 'setup: node setup.mjs') };
    const project = projectOf({ ...files, 'setup.mjs': '', 'bench.mjs': program('size', finds) });
    project.commit({ 'setup.mjs': plants, 'bench.mjs': program('900') });
    // As the folder for temporary files usually is.
    const open = join(dirname(project.store), 'temporary');
    mkdirSync(open, { recursive: true });
    chmodSync(open, 0o1777);
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    chmodSync(open, 0o755);
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(project.cell('engine').metrics[0]).toMatchObject({ verdict: 'regressed', base: 100, head: 900 });
    for (const place of ['/tmp', '/var/tmp', '/dev/shm']) expect(existsSync(join(place, 'planted-by-gate-test'))).toBe(false);
    expect(existsSync(join(open, 'node_modules'))).toBe(false);
  });

  it.skipIf(!existsSync('/dev/shm'))('works where its folders lie in memory', async () => {
    const project = projectOf({ 'bench.mjs': program('100') });
    project.commit({ 'bench.mjs': program('900') });
    const temporary = mkdtempSync('/dev/shm/gate-test-');
    try {
      chmodSync(temporary, 0o755);
      expect(await project.gateWith({ TMPDIR: temporary }, '--base', 'HEAD~1')).toMatchObject({ code: 1 });
      expect(project.cell('engine').metrics[0]).toMatchObject({ base: 100, head: 900 });
    } finally {
      rmSync(temporary, { recursive: true });
    }
  });

  it('sees submodules as they are checked out, and cannot give git other settings in them', async () => {
    const submodule = ScratchRepository.create();
    submodule.commit({ 'size.txt': '100' });
    const project = projectOf({});
    project.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', submodule.folder, 'sub');
    const size = "Number(fs.readFileSync('sub/size.txt', 'utf8'))";
    project.commit({ 'bench.mjs': program(size) });
    project.commit({ 'bench.mjs': program(`9 * ${size}`) });
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(project.cell('engine').metrics[0]).toMatchObject({ verdict: 'regressed', base: 100, head: 900 });
    const setup = `import fs from 'node:fs'; try { fs.appendFileSync('sub/.git/config', '[core]'); fs.writeFileSync('done.txt', ''); } catch {}
fs.renameSync('sub/.git', 'sub/moved'); fs.mkdirSync('sub/.git');`;
    project.commit({ 'optimization-gate.yml': config(isolation, 'setup: node setup.mjs'), 'setup.mjs': setup });
    const forged = await project.gate('--base', 'HEAD~2');
    expect({ ...forged }).not.toMatchObject({ code: 0 });
  });

  it.each([
    ['isolation: { user: nobody-of-this-name }', /there is no such user\. Create it: `sudo useradd/],
    ['isolation: { user: root }', /it is root/],
  ])('is refused where it cannot be had: %s', async (written, message) => {
    const project = projectOf({ 'optimization-gate.yml': config(written), 'bench.mjs': program('100') });
    project.commit({ 'bench.mjs': program('900') });
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });

  it('is refused where the user reads too little or may write too much', async () => {
    const project = projectOf({ 'bench.mjs': program('100') });
    project.commit({ 'bench.mjs': program('900') });
    chmodSync(join(project.folder, '.git'), 0o777);
    expect(await project.gate('--base', 'HEAD~1')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/it can write to .*\.git.*sudo chmod go-w .*\.git/),
    });
    expect(await project.gate('doctor')).toMatchObject({ code: 2, stdout: expect.stringMatching(/✗ +isolation +.*it can write to/) });
    chmodSync(join(project.folder, '.git'), 0o755);
    chmodSync(dirname(project.store), 0o700);
    expect(await project.gate('--base', 'HEAD~1')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/it cannot read .*sudo chmod o\+x /),
    });
  });

  it("is decided by base's configuration alone", async () => {
    const project = projectOf({ 'bench.mjs': program('100 + process.getuid()') });
    project.commit({ 'optimization-gate.yml': config(''), 'bench.mjs': program('100 + process.getuid() * 1') });
    expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 0 });
    expect(project.cell('engine').metrics[0]).toMatchObject({ base: 65634, head: 65634 });
    expect(project.plan().policyChanges.join()).toContain(
      'isolation.user was changed from nobody to none; nobody is in force until the merge.',
    );
  });
});
