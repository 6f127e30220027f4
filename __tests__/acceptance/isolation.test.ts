import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { configuration, copied, copyProgram, Project } from '../commands/project.ts';
import { ScratchRepository } from '../repository/scratch-repository.ts';
import { testFolder } from '../testkit/folder.ts';
import { commentOn, type EngineScene, expectError, expectRegressed, openEngineScene, said } from './engine-scene.ts';

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

/** Users that Debian has, in no group but one of their own name. */
const idOf = (option: '-u' | '-g', name: string): number => Number(spawnSync('id', [option, name], { encoding: 'utf8' }).stdout);
const userOf = (name: string) => ({ name, uid: idOf('-u', name), gid: idOf('-g', name) });
const [ofHead, ofBase] = [userOf('games'), userOf('news')];
const canIsolateTwo = canIsolate && [ofHead, ofBase].every((user) => user.uid > 0);
const twoUsers = `isolation: { user: ${ofHead.name}, base-user: ${ofBase.name} }`;

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

describe.skipIf(!canIsolate)('a job that runs code under test as another user', { timeout: 400_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    const files = { '.gitignore': '.optimization-gate\n', 'optimization-gate.yml': config(isolation), 'bench.mjs': program('100') };
    scene = await openEngineScene(files);
    // That of the runner: the folders below it are open to others already.
    chmodSync(dirname(scene.installed), 0o755);
  });
  afterAll(() => scene?.close());

  it('lets it write to nothing that it is judged by', async () => {
    const store = join(dirname(scene.workspace), 'store');
    const targets = {
      run: join(scene.workspace, '.optimization-gate'),
      samples: join(scene.workspace, '.optimization-gate', 'samples.jsonl'),
      store,
      records: join(store, 'records'),
      git: join(scene.workspace, '.git', 'config'),
      program: join(scene.installed, 'dist', 'worker.js'),
      checkout: join(scene.workspace, 'bench.mjs'),
    };
    const tries = Object.entries(targets).map(
      ([name, path]) =>
        `attempt('${name}', () => fs.statSync('${path}').isDirectory() ? fs.writeFileSync('${path}/x', '') : fs.appendFileSync('${path}', ' '));`,
    );
    const others = `
attempt('worktrees', () => { for (const name of fs.readdirSync('../../../base')) fs.rmSync('../../../base/' + name, { recursive: true }); });
attempt('other', () => fs.rmSync(fs.realpathSync('../../..') + '/base/home', { recursive: true }));
attempt('gate', () => { if (fs.readdirSync('/proc').filter((name) => Number(name) > 0).some((pid) => fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes('action.js'))) process.kill(1, 'SIGKILL'); else throw new Error(); });
attempt('init', () => process.kill(1, 'SIGKILL'));
attempt('rights', () => { if (/^NoNewPrivs:\\s*1$/m.test(fs.readFileSync('/proc/self/status', 'utf8'))) throw new Error(); });
attempt('hidden', () => execFileSync('umount', [fs.realpathSync('../../..') + '/base'], { stdio: 'ignore' }));
attempt('token', () => { if (JSON.stringify(process.env).includes('${scene.github.token}')) return; throw new Error(); });
`;
    const attack = `${tries.join('\n')}${others}\nif (process.env.HOME.includes('/head/')) throw new Error('said all');`;
    const { run, number } = await scene.change({ 'bench.mjs': program('900', attack) }, { inputs: { store } });
    expect(run.code, said(run)).toBe(1);
    expect(run.outputs).toMatchObject({ verdict: 'failed', 'exit-code': '1' });
    expect(commentOn(scene, number)).toContain('❌ Failed');
    const reason = JSON.parse(readFileSync(run.outputs['report-json'] ?? '', 'utf8')).cells[0].reason;
    for (const name of [...Object.keys(targets), 'worktrees', 'other']) expect(reason).toMatch(new RegExp(`^${name} (EACCES|EROFS)$`, 'm'));
    for (const end of ['gate failed', 'init EPERM', 'rights failed', 'hidden 32', 'token failed']) expect(reason).toContain(`${end}\n`);
    expect(readFileSync(targets.checkout, 'utf8')).toContain('said all');
  });

  it('sees that head regresses also after all of that', async () => {
    const attack = `attempt('base', () => fs.writeFileSync('../../../base/x', ''));`;
    expectRegressed(scene, await scene.change({ 'bench.mjs': program('900', attack) }));
  });

  it('takes the user from base, whatever the change says', async () => {
    const without = { 'optimization-gate.yml': config(''), 'bench.mjs': program('900 + (process.getuid() === 65534 ? 0 : 1e6)') };
    const judged = await scene.change(without);
    expectRegressed(scene, judged);
    expect(commentOn(scene, judged.number)).toMatch(/isolation\.user was changed from nobody to none/);
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
    const files = { 'optimization-gate.yml': config(isolation, 'setup: node setup.mjs'), 'setup.mjs': '' };
    const other = await openEngineScene({ ...files, '.gitignore': '.optimization-gate\nleft\n', 'bench.mjs': program('size', finds) });
    onTestFinished(() => other.close());
    chmodSync(dirname(other.installed), 0o755);
    // As the folder for temporary files usually is.
    const open = testFolder();
    chmodSync(open, 0o1777);
    const planting = { 'setup.mjs': plants, 'bench.mjs': program('900') };
    expectRegressed(other, await other.change(planting, { environment: { TMPDIR: open } }));
    for (const place of ['/tmp', '/var/tmp', '/dev/shm']) expect(existsSync(join(place, 'planted-by-gate-test'))).toBe(false);
    expect(existsSync(join(open, 'node_modules'))).toBe(false);
  });

  it('meets nothing of the other side in terminals, queues and processes, nor where its folders lie under other names', async () => {
    const [queues, processes, temporary, alias] = [testFolder(), testFolder(), testFolder(), testFolder()];
    chmodSync(temporary, 0o1777);
    const mounts = [
      ['-t', 'mqueue', 'none', queues],
      ['-t', 'proc', 'none', processes],
      ['--bind', temporary, alias],
    ];
    for (const folder of [queues, processes, alias]) chmodSync(folder, 0o755);
    expect(mounts.map((words) => spawnSync('mount', words).status)).toEqual([0, 0, 0]);
    // A queue outlives the mount that it was made by.
    const clean = (): void => rmSync(join(queues, 'left-by-other'), { force: true });
    clean();
    onTestFinished(() => {
      clean();
      spawnSync('umount', [queues, processes, alias]);
    });
    // Beside a program of a terminal there may be what others left, and a pipe.
    const asks = `
const pipe = fs.openSync((execFileSync('mkfifo', ['-m', '666', process.env.TMPDIR + '/pipe-' + process.pid]), process.env.TMPDIR + '/pipe-' + process.pid), fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
const said = execFileSync('script', ['-qec', 'sleep 0.5; echo size 100', '/dev/null'], { stdio: ['ignore', 'pipe', 'inherit'] }).toString();
let size = Number(/size (\\d+)/.exec(said)?.[1]);
try { if (fs.readSync(pipe, Buffer.alloc(1)) > 0) size = 900; } catch {}
for (const place of ['left-by-other', '${queues}/left-by-other']) if (fs.existsSync(place)) size = 900;`;
    const other = await openEngineScene({
      '.gitignore': '.optimization-gate\nleft*\n',
      'optimization-gate.yml': config(isolation),
      'bench.mjs': program('size', asks),
    });
    onTestFinished(() => other.close());
    chmodSync(dirname(other.installed), 0o755);
    const answers = `
const namesIn = (folder) => { try { return fs.readdirSync(folder); } catch { return []; } };
const pipes = (folder, depth) => { for (const name of namesIn(folder)) if (name.startsWith('pipe-')) attempt('pipe', () => fs.writeSync(fs.openSync(folder + '/' + name, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK), 'x')); else if (depth > 0) pipes(folder + '/' + name, depth - 1); };
for (const end = Date.now() + 1500; Date.now() < end; await new Promise((done) => setTimeout(done, 20))) {
  attempt('queue', () => fs.writeFileSync('${queues}/left-by-other', ''));
  for (const name of namesIn('/dev/pts').filter((each) => /^\\d+$/.test(each))) attempt('terminal', () => fs.writeFileSync('/dev/pts/' + name, 'size 900\\n'));
  for (const pid of namesIn('${processes}').filter((each) => Number(each) > 0))
    attempt('process', () => { const at = '${processes}/' + pid + '/cwd'; if (fs.readlinkSync(at) !== fs.realpathSync('.')) fs.writeFileSync(at + '/left-by-other', ''); });
  pipes('${alias}', 3);
}`;
    const worse = { 'bench.mjs': program('900', answers) };
    expectRegressed(other, await other.change(worse, { environment: { TMPDIR: temporary } }));
  });

  it("is seen where base's program reads the checkout, from which head was copied", async () => {
    // By the folder that git keeps what all trees share in.
    const checkout = "/^gitdir: (.*)\\/\\.git\\//.exec(fs.readFileSync('.git', 'utf8'))[1]";
    const reads = `const { size } = await import(${checkout} + '/lib.mjs');`;
    const configured = config(isolation, 'setup: node setup.mjs').replace('[bench.mjs]', '[bench.mjs, lib.mjs]');
    const other = await openEngineScene({
      'optimization-gate.yml': configured,
      'setup.mjs': '',
      'bench.mjs': program('size', reads),
      'lib.mjs': 'export const size = 100;',
    });
    onTestFinished(() => other.close());
    chmodSync(dirname(other.installed), 0o755);
    const hides = `import fs from 'node:fs'; import { execFileSync } from 'node:child_process';
fs.writeFileSync('lib.mjs', 'export const size = 100;'); execFileSync('chattr', ['+A', 'lib.mjs', 'bench.mjs']);`;
    const { run } = await other.change({ 'bench.mjs': program('900'), 'lib.mjs': 'export const size = 900;', 'setup.mjs': hides });
    expect([run.code, run.outputs['verdict']], said(run)).toEqual([1, 'failed']);
    expect(readFileSync(run.outputs['report-json'] ?? '', 'utf8')).toMatch(/inputs-leak.*It ran head's lib\.mjs.*models\/lib\.mjs/);
    expectRegressed(other, await other.change({ 'bench.mjs': program('900'), 'setup.mjs': hides }));
  });

  it('starts none of its programs in the place of base to learn where packages lie', async () => {
    // Made by the setup of each side, and no file of git's.
    const made = "Number(fs.readFileSync('left', 'utf8'))";
    const setup = "import fs from 'node:fs'; fs.writeFileSync('left', '100');";
    const files = { '.gitignore': '.optimization-gate\nleft\n', 'setup.mjs': setup, 'bench.mjs': program(made) };
    const other = await openEngineScene({ ...files, 'optimization-gate.yml': config(isolation, 'setup: node setup.mjs') });
    onTestFinished(() => other.close());
    chmodSync(dirname(other.installed), 0o755);
    // It is asked as head, and writes there.
    const python = { program: "#!/bin/sh\n[ ! -e left ] || echo 900 > left\necho '[]'\n" };
    const tools = join(other.workspace, 'tools');
    const named = { 'optimization-gate.yml': config(isolation, `setup: node setup.mjs ${tools}/pypy3`) };
    expectRegressed(other, await other.change({ ...named, 'tools/pypy3': python, 'bench.mjs': program(`${made} * 1`) }));
    const environment = { PATH: `${tools}:${process.env['PATH']}` };
    expectRegressed(other, await other.change({ 'tools/python': python, 'bench.mjs': program('900') }, { environment }));
    const loaded = `import glob, os
for left in glob.glob(os.environ['HOME'] + '/../optimization-gate-tree-*/*/left'): open(left, 'w').write('900')`;
    const brings = { 'tools/sitecustomize.py': loaded, 'bench.mjs': program('900') };
    expectRegressed(other, await other.change(brings, { environment: { PYTHONPATH: tools } }));
  });

  it("is seen where base's setup runs a program of the checkout, which head's commit brings", async () => {
    const configured = config(isolation, 'setup: cp size.txt left');
    const bench = program("Number(fs.readFileSync('left', 'utf8'))");
    const files = {
      '.gitignore': '.optimization-gate\nleft\n',
      'optimization-gate.yml': configured,
      'size.txt': '100',
      'bench.mjs': bench,
    };
    const other = await openEngineScene(files);
    onTestFinished(() => other.close());
    chmodSync(dirname(other.installed), 0o755);
    const brings = { 'bench.mjs': program('900'), 'tools/cp': { program: '#!/bin/sh\necho 900 > left\n' } };
    const environment = { PATH: `${join(other.workspace, 'tools')}:${process.env['PATH']}` };
    const { run } = await other.change(brings, { environment });
    expect([run.code, run.outputs['verdict']], said(run)).toEqual([1, 'failed']);
    expect(readFileSync(run.outputs['report-json'] ?? '', 'utf8')).toMatch(/inputs-leak.*The setup of base.*tools\/cp/);
    expectRegressed(other, await other.change(brings));
  });

  // The numbers of `add_key` and `keyctl`.
  const keys = { x64: [248, 250], arm64: [217, 219] }[process.arch as string];
  it.skipIf(keys === undefined)('meets no keys of the other side', async () => {
    const [add, control] = keys ?? [];
    const perl = (script: string): string =>
      `Number(execFileSync('/usr/bin/perl', ['-e', ${JSON.stringify(script)}], { stdio: ['ignore', 'pipe', 'inherit'] }).toString())`;
    // Those of the user, of its session and of the session of the job.
    const searches = `my ($type, $name) = ('user', 'planted-by-gate-test'); print scalar grep { syscall(${control}, 10, $_, $type, $name, 0) > 0 } (-4, -5, -3)`;
    const plants = `my ($type, $name, $text) = ('user', 'planted-by-gate-test', 'x'); syscall(${add}, $type, $name, $text, 1, $_) for (-4, -5, -3); print 0`;
    const asks = `await new Promise((done) => setTimeout(done, 1000));\nconst size = ${perl(searches)} > 0 ? 900 : 100;`;
    const other = await openEngineScene({ 'optimization-gate.yml': config(isolation), 'bench.mjs': program('size', asks) });
    onTestFinished(() => other.close());
    chmodSync(dirname(other.installed), 0o755);
    expectRegressed(other, await other.change({ 'bench.mjs': program('900', `${perl(plants)};`) }));
  });

  // The number of `inotify_init1`; Node opens one instance for each process.
  const call = { x64: 294, arm64: 26 }[process.arch as string];
  const limit = existsSync('/proc/sys/fs/inotify') ? Number(readFileSync('/proc/sys/fs/inotify/max_user_instances', 'utf8')) : 0;
  describe.skipIf(!canIsolateTwo || call === undefined || limit > 500 || !existsSync('/usr/bin/perl'))(
    'whose head uses up its user',
    () => {
      const watches = `
await new Promise((done) => setTimeout(done, 1500));
let size = 100;
try { fs.watch('.').close(); } catch { size = 900; }`;
      const takes = `
import { spawn } from 'node:child_process';
const taking = spawn('/usr/bin/perl', ['-e', 'while (syscall(${call}, 0) >= 0) {} syswrite(STDOUT, "taken"); sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] });
await new Promise((done) => taking.stdout.once('data', done));`;
      const judge = async (written: string, later: string) => {
        const other = await openEngineScene({ 'optimization-gate.yml': config(written), 'bench.mjs': program('size', watches) });
        onTestFinished(() => other.close());
        chmodSync(dirname(other.installed), 0o755);
        return { other, judged: await other.change({ 'optimization-gate.yml': config(later), 'bench.mjs': program('500', takes) }) };
      };

      it('keeps from base nothing that a user has, where base has a user of its own, also where head drops it', async () => {
        const { other, judged } = await judge(twoUsers, `isolation: { user: ${ofHead.name} }`);
        expectRegressed(other, judged, { base: 100, head: 500 });
        expect(commentOn(other, judged.number)).toMatch(/isolation\.base-user was changed from news to none; news is in force/);
      });

      it('keeps it from base where both are one user', async () => {
        const { judged } = await judge(isolation, isolation);
        expect(judged.run.code, said(judged.run)).toBe(0);
        const { cells } = JSON.parse(readFileSync(judged.run.outputs['report-json'] ?? '', 'utf8'));
        expect(cells[0].metrics).toMatchObject([{ id: 'size', base: 900, head: 500 }]);
      });
    },
  );

  it('ends early, with the command that helps, where the machine lacks the user', async () => {
    const other = await openEngineScene({ 'optimization-gate.yml': config('isolation: { user: nobody-of-this-name }') });
    onTestFinished(() => other.close());
    const judged = await other.change({});
    expectError(other, judged, { code: 'isolation-unavailable', exit: 2, says: /nobody-of-this-name.*sudo useradd/s });
  });
});

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

  it('writes nowhere else, also where everybody may, and answers at no address of the other side', async () => {
    const open = mkdtempSync(join(tmpdir(), 'gate-open-'));
    chmodSync(open, 0o777);
    const library = join(open, 'library.cjs');
    writeFileSync(library, 'module.exports = 100');
    chmodSync(library, 0o666);
    const address = String(20_000 + (process.pid % 10_000));
    // A server that takes its time to start, and a client of it.
    const asks = `
import net from 'node:net';
const unit = (await import('node:module')).createRequire(import.meta.url)('${library}');
await new Promise((done) => setTimeout(done, 300));
const server = net.createServer((socket) => socket.end(String(unit)));
server.on('error', () => {}).listen(${address}, '127.0.0.1').unref();
await new Promise((done) => setTimeout(done, 100));
const size = await new Promise((done) => net.connect(${address}, '127.0.0.1').on('data', (answer) => done(Number(answer))));`;
    // Not when it is rehearsed.
    const answers = `
import net from 'node:net';
fs.appendFileSync('left', 'x');
try { fs.writeFileSync('${library}', 'module.exports = 900'); } catch {}
if (fs.readFileSync('left', 'utf8').length > 4) net.createServer((socket) => socket.end('900')).on('error', () => {}).listen(${address}, '127.0.0.1').unref();`;
    try {
      const project = projectOf({ 'bench.mjs': program('size', asks) });
      project.commit({ 'bench.mjs': program('900', answers) });
      const { code, stderr } = await project.gate('--base', 'HEAD~1');
      expect({ code, stderr }).toMatchObject({ code: 1 });
      expect(project.cell('engine').metrics[0]).toMatchObject({ verdict: 'regressed', base: 100, head: 900 });
      expect(readFileSync(library, 'utf8')).toBe('module.exports = 100');
    } finally {
      rmSync(open, { recursive: true });
    }
  });

  it.skipIf(!canIsolateTwo)('sets up and measures each side as a user of its own', async () => {
    const uids = { head: ofHead.uid, base: ofBase.uid };
    const setup = "import fs from 'node:fs'; fs.writeFileSync('made.txt', String(process.getuid())); fs.chmodSync('made.txt', 0o666);";
    const project = projectOf({ 'optimization-gate.yml': config(twoUsers, 'setup: node setup.mjs'), 'setup.mjs': setup });
    const user = (uid: number | undefined) =>
      `[Number(fs.readFileSync('made.txt', 'utf8')), process.getuid(), fs.statSync('.').uid, fs.statSync(process.env.TMPDIR).uid, fs.statSync(process.env.HOME).uid].every((each) => each === ${uid}) ? 0 : 1e6`;
    const writes = "attempt('own', () => fs.writeFileSync('left', ''));\nfs.readFileSync('left');";
    project.commit({ 'bench.mjs': program(`100 + (${user(uids.base)})`, writes), '.gitignore': '.optimization-gate\nleft\nmade.txt\n' });
    project.commit({ 'bench.mjs': program(`900 + (${user(uids.head)})`, writes) });
    expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1 });
    expect(project.cell('engine').metrics[0]).toMatchObject({ verdict: 'regressed', base: 100, head: 900 });
    const { code, stdout } = await project.gate('doctor');
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('code of head can run as games, that of base as news'),
    });
  });

  it.each([isolation, ...(canIsolateTwo ? [twoUsers] : [])])('builds by a command that writes {output}: %s', async (written) => {
    const project = projectOf({ 'optimization-gate.yml': configuration([copied('own')], [written]), 'copy.mjs': copyProgram(false) });
    project.commit({ 'copy.mjs': copyProgram(false, 'edited') });
    const { code, stderr } = await project.gate('--base', 'HEAD~1', '--quick');
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(project.cell('own')).toMatchObject({ verdict: 'unchanged' });
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
    // As many jobs set it; and git before 2.35.2 knows no such thing.
    const trusting = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' };
    expect(await project.gateWith(trusting, '--base', 'HEAD~2')).toMatchObject({ code: 1 });
    // One that is not checked out has no settings but head's.
    mkdirSync(join(project.folder, 'other'));
    project.git('update-index', '--add', '--cacheinfo', `160000,${submodule.git('rev-parse', 'HEAD')},other`);
    project.commit({
      'setup.mjs': "import { execFileSync } from 'node:child_process'; execFileSync('git', ['init', '--quiet', 'other']);",
    });
    expect(await project.gateWith(trusting, '--base', 'HEAD~3')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/error\[git-failed\].*Expected a `\.git` of the user/s),
    });
  });

  it('gets nothing written for it through links', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'gate-outside-'));
    writeFileSync(join(outside, 'file.txt'), 'kept');
    try {
      const project = projectOf({
        'optimization-gate.yml': config(isolation, 'setup: node setup.mjs'),
        'setup.mjs': '',
        'bench.mjs': program('100'),
      });
      project.commit({ 'linked/file.txt': 'base' });
      rmSync(join(project.folder, 'linked'), { recursive: true });
      symlinkSync(outside, join(project.folder, 'linked'));
      project.commit({ 'setup.mjs': '// edited', 'bench.mjs': program('900') });
      // What the programs read is not recorded where no access time is: then the gate empties changed files in a copy.
      const temporary = testFolder();
      expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'noatime,mode=755', 'none', temporary]).status).toBe(0);
      onTestFinished(() => void spawnSync('umount', ['--lazy', temporary]));
      const { code, stderr } = await project.gateWith({ TMPDIR: temporary }, '--base', 'HEAD~1');
      expect({ code, stderr }).toMatchObject({ code: 1 });
      expect(project.cell('engine').metrics[0]).toMatchObject({ verdict: 'regressed', base: 100, head: 900 });
      expect(readFileSync(join(outside, 'file.txt'), 'utf8')).toBe('kept');
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  it.each<readonly [string, RegExp]>([
    ['isolation: { user: nobody-of-this-name }', /nobody-of-this-name.*sudo useradd/s],
    ['isolation: { user: root }', /it is root/],
    ['isolation: { user: nobody, base-user: nobody-of-this-name }', /nobody-of-this-name.*sudo useradd/s],
    ['isolation: { user: nobody, base-user: root }', /it is root/],
    ['isolation: { user: nobody, base-user: nobody }', /config-invalid.*isolation\.base-user: must be another user than `user`/],
    [
      'isolation: { user: nobody, base-user: news }',
      canIsolateTwo ? /nobody has and news lacks: nogroup\..*`sudo usermod --append --groups nogroup news`/ : /isolation-unavailable/,
    ],
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

  it.skipIf(!canIsolateTwo)('is refused where only the user of base reads too little or may write too much', async () => {
    const project = projectOf({ 'optimization-gate.yml': config(twoUsers), 'bench.mjs': program('100') });
    project.commit({ 'bench.mjs': program('900') });
    chownSync(join(project.folder, '.git', 'objects'), ofBase.uid, 0);
    expect(await project.gate('--base', 'HEAD~1')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/isolation\.base-user.*as the user news\..*it can write to .*\.git\/objects/),
    });
    chownSync(join(project.folder, '.git', 'objects'), 0, 0);
    chownSync(dirname(project.store), 0, ofHead.gid);
    chmodSync(dirname(project.store), 0o750);
    expect(await project.gate('doctor')).toMatchObject({
      code: 2,
      stdout: expect.stringMatching(/✗ +isolation +.*as the user news\..*it cannot read /),
    });
  });
});
