import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { git } from '../testkit/git.ts';
import { processesIn } from '../testkit/processes.ts';
import { engineConfiguration } from './engine-configuration.ts';
import { type EngineScene, engineProgram, expectError, expectRegressed, openEngineScene, said } from './engine-scene.ts';

const setup = (what: string): string => `import fs from 'node:fs';\nimport { execFileSync, spawn } from 'node:child_process';\n${what}\n`;
const withSetup = { 'optimization-gate.yml': engineConfiguration('setup: node setup.mjs'), 'setup.mjs': setup('') };

/** Base's trees, as any process of this user finds them. */
const baseTrees = `[...execFileSync('git', ['worktree', 'list', '--porcelain']).toString().matchAll(/^worktree (.*optimization-gate-tree.*)$/gm)].map(([, tree]) => tree)`;
const inBase = (what: string): string => `for (const tree of ${baseTrees}) { ${what} }`;
const size = "Number(fs.readFileSync('lib/size.txt', 'utf8'))";
const baseProgram = engineProgram(size);

/** A scene for one test. */
const ownScene = async (files: Readonly<Record<string, string>>): Promise<EngineScene> => {
  const scene = await openEngineScene(files);
  onTestFinished(() => scene.close());
  return scene;
};

describe('a head that is nine times as big', { timeout: 400_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    scene = await openEngineScene({ ...withSetup, 'lib/size.txt': '100', 'bench.mjs': baseProgram });
  });
  afterAll(() => scene?.close());

  const copies = "fs.writeFileSync(tree + '/bench.mjs', fs.readFileSync('bench.mjs'));";
  const swaps = (below: string): Readonly<Record<string, string>> => {
    const swap = `const victim = tree + '${below}'; fs.renameSync(victim, victim + '.away'); fs.cpSync('.${below}', victim, { recursive: true });
      setTimeout(() => { fs.rmSync(victim, { recursive: true }); fs.renameSync(victim + '.away', victim); }, 60);`;
    return { 'lib/size.txt': '900', 'bench.mjs': engineProgram(size, inBase(swap)) };
  };
  it.each<readonly [string, Readonly<Record<string, string>>]>([
    ["edits base's program in its setup", { 'setup.mjs': setup(inBase(copies)) }],
    ["adds a file to base's tree in its setup", { 'setup.mjs': setup(inBase("fs.writeFileSync(tree + '/sitecustomize.py', '');")) }],
    ["adds an empty folder to base's tree in its setup", { 'setup.mjs': setup(inBase("fs.mkdirSync(tree + '/library');")) }],
    [
      "takes the right to write in a folder of base's tree in its setup",
      { 'setup.mjs': setup(inBase("fs.chmodSync(tree + '/lib', 0o555);")) },
    ],
    [
      "sets back the time of a file of base's tree in its setup",
      { 'setup.mjs': setup(inBase("fs.utimesSync(tree + '/lib/size.txt', 1, 1);")) },
    ],
    ['adds a folder `.git` inside of base’s tree in its setup', { 'setup.mjs': setup(inBase("fs.mkdirSync(tree + '/lib/.git');")) }],
    [
      "takes the right to write in a folder of base's tree when it is measured",
      { 'bench.mjs': engineProgram(900, inBase("fs.chmodSync(tree + '/lib', 0o555);")) },
    ],
    ["edits base's program when it is measured", { 'bench.mjs': engineProgram(900, inBase(copies)) }],
    [
      "edits base's program for a moment when it is measured",
      {
        'bench.mjs': engineProgram(
          900,
          inBase(
            `const victim = tree + '/bench.mjs'; fs.writeFileSync(victim, ${JSON.stringify(engineProgram(900))}); setTimeout(() => fs.writeFileSync(victim, ${JSON.stringify(baseProgram)}), 60);`,
          ),
        ),
      },
    ],
    [
      "puts a link in the place of base's program",
      {
        'bench.mjs': engineProgram(
          900,
          inBase("fs.rmSync(tree + '/bench.mjs'); fs.symlinkSync(fs.realpathSync('bench.mjs'), tree + '/bench.mjs');"),
        ),
      },
    ],
    ["puts another tree in the place of base's for a moment", swaps('')],
    ["puts another folder in the place of one of base's tree for a moment", swaps('/lib')],
  ])('ends the run when it %s', async (_, files) => {
    const judged = await scene.change(files);
    expectError(scene, judged, { code: 'base-changed', exit: 3, says: /bench\.mjs|sitecustomize\.py|lib|root/ });
    // The next attempt resumes no launch.
    const samples = (name: string): string => join(scene.workspace, '.optimization-gate', name);
    expect(existsSync(samples('samples.jsonl'))).toBe(false);
    expect(readFileSync(samples('samples.previous.jsonl'), 'utf8')).toContain('"line":"run"');
  });

  it("ends the run when it puts another folder in the place of one where base's program keeps caches, and beside it", async () => {
    const caches = "for (const at of ['made', 'lib/made']) if (!fs.existsSync(at)) fs.writeFileSync(at, '');";
    const waits = 'await new Promise((done) => setTimeout(done, 100));';
    const other = await ownScene({ 'lib/size.txt': '100', 'bench.mjs': engineProgram(size, `${caches}\n${waits}`) });
    expectError(other, await other.change(swaps('/lib')), { code: 'base-changed', exit: 3, says: /lib/ });
  });

  it.each([
    ['tells git to look at another tree', "const [tree] = TREES; execFileSync('git', ['config', 'core.worktree', tree]);"],
    [
      'tells git to look at fewer files',
      "execFileSync('git', ['reset', '--quiet', 'HEAD~1', '--', '.']); execFileSync('git', ['update-index', '--assume-unchanged', ...execFileSync('git', ['ls-files']).toString().trim().split('\\n')]);",
    ],
    ['makes its file like that of base until it is measured', "fs.writeFileSync('lib.mjs', 'export const size = 100;');"],
    ['keeps reads of its files from being recorded', "execFileSync('chattr', ['+A', 'lib.mjs']);"],
    ['keeps times of another file from being set', "execFileSync('chattr', ['+i', 'etc/hostname']);"],
    ['keeps times of its file from being set', "execFileSync('chattr', ['+i', 'lib.mjs']);"],
    [
      'puts a link in the place of another folder, of which it tells git nothing',
      "fs.rmSync('etc', { recursive: true }); fs.symlinkSync('/etc', 'etc'); fs.appendFileSync('.git/info/exclude', 'etc\\n');",
    ],
  ])("is seen to run in base's program, although it %s", async (_, told) => {
    // Where the checkout lies is what both sides share.
    const shared = engineProgram('size', `const { size } = await import(process.env.HOME + '/../work/models/lib.mjs');`);
    const other = await ownScene({
      'optimization-gate.yml': engineConfiguration('setup: node setup.mjs').replace('[bench.mjs]', '[bench.mjs, lib.mjs]'),
      'setup.mjs': setup(''),
      'bench.mjs': shared,
      'lib.mjs': 'export const size = 100;',
      'etc/hostname': 'one',
    });
    onTestFinished(() => void spawnSync('chattr', ['-R', '-i', other.workspace]));
    const worse = { 'bench.mjs': shared, 'lib.mjs': 'export const size = 900;', 'etc/hostname': 'two' };
    const { run } = await other.change({ ...worse, 'setup.mjs': setup(told.replace('TREES', baseTrees)) });
    expect([run.code, run.outputs['verdict']], said(run)).toEqual([1, 'failed']);
    expect(readFileSync(run.outputs['report-json'] ?? '', 'utf8')).toMatch(
      // What hides its reads counts as read, by base's setup too.
      told.includes('chattr') ? /inputs-leak.*(?:lib\.mjs|hostname)/ : /inputs-leak.*It ran head's lib\.mjs/,
    );
  });

  it('ends the run when it writes to the text that quality is judged on, for a moment when it is measured', async () => {
    const file = join(scene.installed, 'models', 'mini-qwen3-dense', 'evaluation.safetensors');
    const swap = `const victim = '${file}'; const was = fs.readFileSync(victim); fs.writeFileSync(victim, was.toReversed());
      setTimeout(() => fs.writeFileSync(victim, was), 30);`;
    // Only a program that names the model is measured on one.
    const naming = withSetup['optimization-gate.yml'].replace('node bench.mjs', 'node bench.mjs {model}');
    const judged = await scene.change({ 'bench.mjs': engineProgram(900, swap), 'optimization-gate.yml': naming });
    expectError(scene, judged, { code: 'program-changed', exit: 3, says: /evaluation\.safetensors/ });
    expectRegressed(scene, await scene.change({}));
  });

  const shared = 'sharedObjects';
  const library = Object.entries(process.report.getReport())
    .flatMap(([name, value]) => (name === shared && Array.isArray(value) ? value.map(String) : []))
    .find((path) => basename(path).startsWith('libm.so'));
  it.skipIf(library === undefined)('ends the run when it adds a library that the gate loads by LD_LIBRARY_PATH', async () => {
    const folder = join(scene.workspace, 'made');
    const adds = (name: string): Readonly<Record<string, string>> => ({
      'bench.mjs': engineProgram(
        900,
        `fs.mkdirSync('${folder}', { recursive: true }); fs.copyFileSync('${library}', '${folder}/${name}');`,
      ),
    });
    const environment = { LD_LIBRARY_PATH: folder };
    expectRegressed(scene, await scene.change(adds('libmine.so'), { environment }));
    const judged = await scene.change(adds(basename(library ?? '')), { environment });
    expectError(scene, judged, { code: 'program-changed', exit: 3, says: /libm\.so/ });
    // ONNX Runtime is linked with this one, Node is not.
    const ofRuntime = await scene.change(adds('librt.so.1'), { environment });
    expectError(scene, ofRuntime, { code: 'program-changed', exit: 3, says: /librt\.so\.1/ });
  });

  it('starts git and tar with no library that it adds by LD_LIBRARY_PATH', async () => {
    const folder = join(scene.workspace, 'made');
    const names = "['libz.so.1', 'libpcre2-8.so.0', 'libacl.so.1', 'libselinux.so.1']";
    const adds = setup(
      `fs.mkdirSync('${folder}', { recursive: true }); for (const name of ${names}) fs.writeFileSync('${folder}/' + name, '');`,
    );
    const judged = await scene.change({ 'setup.mjs': adds }, { environment: { LD_LIBRARY_PATH: folder } });
    expectRegressed(scene, judged);
    expect(judged.run.stdout).not.toContain('The workflow cache was not written');
  });

  it('runs nothing that it sets as a filter of git', async () => {
    const trace = join(scene.workspace, 'made');
    const sets = setup(`
const git = (...args) => execFileSync('git', args).toString().trim();
for (const kind of ['clean', 'smudge', 'process']) git('config', 'filter.mine.' + kind, 'sh -c "echo ran >> ${trace}; cat"');
fs.writeFileSync(git('rev-parse', '--git-common-dir') + '/info/attributes', '* filter=mine\\n');
fs.utimesSync('bench.mjs', 1, 1);`);
    expectRegressed(scene, await scene.change({ 'setup.mjs': sets }));
    expect(existsSync(trace)).toBe(false);
    // It was set all right.
    utimesSync(join(scene.workspace, 'bench.mjs'), 2, 2);
    await git(scene.workspace, ['status', '--porcelain']);
    expect(existsSync(trace)).toBe(true);
  });

  let restore = (): void => {};
  afterEach(() => restore());

  it.each(['worker.js', 'action.js', 'worker/new.js'])('ends the run when it writes to dist/%s', async (name) => {
    const file = join(scene.installed, 'dist', name);
    const before = existsSync(file) ? readFileSync(file) : null;
    restore = () => (before === null ? rmSync(file, { force: true }) : writeFileSync(file, before));
    const writes = `fs.appendFileSync('${file}', '\\n// changed\\n');`;
    const judged = await scene.change({ 'bench.mjs': engineProgram(900, writes) });
    expectError(scene, judged, { code: 'program-changed', exit: 3, says: /dist/ });
    // Nothing is given to the cache by a program that is another one.
    expect(scene.results.state.entries.filter(({ scope }) => scope === `refs/pull/${judged.number}/merge`)).toEqual([]);
  });
});

// There, what is written through a mapping leaves all times of the file.
describe.skipIf(!existsSync('/dev/shm') || spawnSync('python3', ['-c', 'import mmap']).status !== 0)(
  'a job whose files lie in memory',
  { timeout: 400_000 },
  () => {
    const maps = `
import mmap, sys
for path in sys.argv[1:]:
    with open(path, 'r+b') as file:
        mapped = mmap.mmap(file.fileno(), 0)
        at = mapped[:].find(b'size: 100')
        mapped[at:at + 9] = b'size: 900'
`;
    it("ends the run when head maps base's program in its setup", async () => {
      const root = mkdtempSync('/dev/shm/gate-test-');
      vi.stubEnv('TMPDIR', root);
      onTestFinished(() => {
        vi.unstubAllEnvs();
        rmSync(root, { recursive: true, force: true });
      });
      const scene = await ownScene(withSetup);
      const attack = inBase(`execFileSync('python3', ['-c', ${JSON.stringify(maps)}, tree + '/bench.mjs']);`);
      const judged = await scene.change({ 'setup.mjs': setup(attack) });
      expectError(scene, judged, { code: 'base-changed', exit: 3, says: /bench\.mjs/ });
      expectRegressed(scene, await scene.change({}));
    });
  },
);

/** Puts other blocks in the place of those of some files, which leaves all times of the files: then they hold zeros. */
const exchanges = `
import fcntl, os, struct, sys
for victim in sys.argv[2:]:
    blocks = max(1, -(-os.path.getsize(victim) // 4096))
    with open(sys.argv[1], 'wb') as file: file.write(b'x' * 4096 * blocks)
    own, other = os.open(sys.argv[1], os.O_RDWR), os.open(victim, os.O_RDWR)
    os.fsync(own); os.fsync(other)
    try: fcntl.ioctl(own, (3 << 30) | (40 << 16) | (ord('f') << 8) | 15, struct.pack('IIQQQQ', 0, other, 0, 0, blocks, 0))
    except OSError: pass # Only the last ones could not be.
    os.posix_fadvise(other, 0, 0, os.POSIX_FADV_DONTNEED)
`;
const exchange = (file: string, victims: string): string =>
  `execFileSync('python3', ['-c', ${JSON.stringify(exchanges)}, ${file}, ${victims}]);`;

/** Whether files here can be treated so: those of ext4. */
const canExchange = (): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'gate-blocks-'));
  try {
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'x'.repeat(5000));
    spawnSync('python3', ['-c', exchanges, join(folder, 'own'), victim]);
    return readFileSync(victim, 'utf8').startsWith('\0');
  } finally {
    rmSync(folder, { recursive: true });
  }
};

describe.skipIf(!canExchange())('a job whose file system exchanges blocks of files', { timeout: 400_000 }, () => {
  it('ends the run when head does that to files of base, of the models, and of the store', async () => {
    const reads = "(() => { try { return JSON.parse(fs.readFileSync('lib/size.json', 'utf8')).size; } catch { return 900; } })()";
    const scene = await ownScene({ ...withSetup, 'lib/size.json': '{ "size": 100 }', 'bench.mjs': engineProgram(reads) });
    const worse = (what: string) => ({ 'bench.mjs': engineProgram(900, what) });
    const ofBase = inBase(exchange("tree + '/../own'", "tree + '/lib/size.json'"));
    for (const files of [worse(ofBase), { ...worse(''), 'setup.mjs': setup(ofBase) }])
      expectError(scene, await scene.change(files), { code: 'base-changed', exit: 3, says: /lib\/size\.json|the folder around it/ });
    expect(existsSync(join(scene.workspace, '.optimization-gate', 'samples.jsonl'))).toBe(false);
    const model = join(scene.installed, 'models', 'mini-qwen3-dense', 'evaluation.safetensors');
    const ofModel = exchange("process.env.TMPDIR + '/own'", `'${model}'`);
    const naming = withSetup['optimization-gate.yml'].replace('node bench.mjs', 'node bench.mjs {model}');
    const before = readFileSync(model);
    const judged = await scene.change({ ...worse(ofModel), 'optimization-gate.yml': naming });
    writeFileSync(model, before);
    expectError(scene, judged, { code: 'program-changed', exit: 3, says: /evaluation\.safetensors/ });
    const graph = exchange("process.env.TMPDIR + '/own'", 'process.argv[2]');
    const changed = await scene.change({ ...worse(graph), 'optimization-gate.yml': naming });
    expectError(scene, changed, { code: 'store-corrupt', exit: 3, says: /files of the model/ });
    expectRegressed(scene, await scene.change(worse('')));
  });
});

/** Says a size of 100 for both sides, once it is loaded by what measures. */
const lie = (then: string): string =>
  `const { send } = process; if (send) process.send = (message, ...more) => { for (const { values } of message.points ?? []) for (const arm of Object.values(values)) if (arm.size) arm.size.fill(100); return send.call(process, message, ...more); };\n${then}\n`;
const runtimeOf = (name: string): string => join(import.meta.dirname, '..', '..', 'node_modules', name);

describe('a runtime that lies outside of the gate', { timeout: 400_000 }, () => {
  const root = mkdtempSync(join(tmpdir(), 'gate-runtime-'));
  const runtime = join(root, 'node_modules', 'onnxruntime-node');
  let scene: EngineScene;
  beforeAll(async () => {
    for (const name of ['onnxruntime-node', 'onnxruntime-common']) {
      const isForeign = (path: string): boolean => /napi-v6\/(darwin|win32)/.test(path);
      cpSync(runtimeOf(name), join(root, 'node_modules', name), { recursive: true, filter: (path) => !isForeign(path) });
    }
    scene = await openEngineScene(withSetup);
  });
  afterAll(async () => {
    await scene?.close();
    rmSync(root, { recursive: true });
  });

  const write = (path: string, text: string): string =>
    `fs.mkdirSync('${dirname(path)}', { recursive: true }); fs.writeFileSync('${path}', ${JSON.stringify(text)});`;
  const added = join(runtime, 'node_modules', 'onnxruntime-common', 'index.js');
  const addsPackage = write(added, lie("module.exports = require('../../../onnxruntime-common');"));
  const addsRuntime = [
    write(join(root, 'package.json'), JSON.stringify({ name: 'onnxruntime-node', version: '1.99.0', main: 'index.js' })),
    write(join(root, 'index.js'), lie("module.exports = require('./node_modules/onnxruntime-node');")),
    write(join(root, 'bin', 'napi-v6', process.platform, process.arch, 'onnxruntime_binding.node'), ''),
  ].join('\n');
  const moves = `fs.renameSync('${runtime}', '${runtime}.away'); fs.mkdirSync('${runtime}');
    setTimeout(() => { fs.rmdirSync('${runtime}'); fs.renameSync('${runtime}.away', '${runtime}'); }, 60);`;
  const inputs = { 'ort-path': root };
  const clean = (): void => {
    for (const path of [dirname(dirname(added)), join(root, 'package.json'), join(root, 'index.js'), join(root, 'bin')])
      rmSync(path, { recursive: true, force: true });
  };
  afterEach(clean);

  it.each<readonly [string, Readonly<Record<string, string>>]>([
    ['gets a package of head that it would load, from its setup', { 'setup.mjs': setup(addsPackage) }],
    ['gets a package of head that it would load, from its program', { 'bench.mjs': engineProgram(900, addsPackage) }],
    [
      'gets a package of head that it would load, for a moment when it is measured',
      {
        'bench.mjs': engineProgram(
          900,
          `${addsPackage} setTimeout(() => fs.rmSync('${added.slice(0, -'/onnxruntime-common/index.js'.length)}', { recursive: true }), 60);`,
        ),
      },
    ],
    ['is moved for a moment when it is measured', { 'bench.mjs': engineProgram(900, moves) }],
  ])('ends the run when it %s', async (_, files) => {
    const judged = await scene.change(files, { inputs });
    expectError(scene, judged, { code: 'program-changed', exit: 3, says: /onnxruntime-(node|common)/ });
  });

  it.each<readonly [string, Readonly<Record<string, string>>]>([
    ['its setup', { 'setup.mjs': setup(addsRuntime) }],
    ['its program', { 'bench.mjs': engineProgram(900, addsRuntime) }],
  ])('is not found anew where head puts another one in %s', async (_, files) => {
    expectRegressed(scene, await scene.change(files, { inputs }));
    expect(existsSync(join(root, 'index.js'))).toBe(true);
  });
});

describe('what is no foreign write', { timeout: 400_000 }, () => {
  it("is what base's program writes to a tracked file in each run, or adds to a folder and beside it", async () => {
    const writes =
      "fs.writeFileSync('results.json', String(Date.now())); for (const at of ['made', 'lib/made']) { fs.writeFileSync(at, ''); fs.rmSync(at); }";
    const scene = await ownScene({ 'results.json': '0', 'lib/x.txt': '', 'bench.mjs': engineProgram(100, writes) });
    expectRegressed(scene, await scene.change({ 'bench.mjs': engineProgram(900, writes) }));
  });

  it("is what base's own setup does to base's files, and what both write to files that git does not track", async () => {
    const does = "fs.writeFileSync('tracked.txt', '100'); fs.mkdirSync('made', { recursive: true }); fs.writeFileSync('made/x', '1');";
    const before = "fs.writeFileSync('made/y', '2'); fs.mkdirSync('made/z', { recursive: true });";
    const reads = "Number(fs.readFileSync('tracked.txt', 'utf8'))";
    const files = { ...withSetup, 'setup.mjs': setup(does), 'tracked.txt': '1', 'bench.mjs': engineProgram(reads, before) };
    const scene = await ownScene(files);
    expectRegressed(scene, await scene.change({ 'bench.mjs': engineProgram(`9 * ${reads}`, before) }));
  });
});

/** Leaves its session and its tree, clears its environment and closes its files, and then does it over and over. */
const daemon = (what: string): string => `
const code = ${JSON.stringify(`const fs = require('node:fs'); const { execFileSync } = require('node:child_process'); setInterval(() => { try { ${what} } catch {} }, 2)`)};
const again = 'require("node:child_process").spawn(process.execPath, ["-e", process.argv[1]], { detached: true, stdio: "ignore", env: { PATH: process.env.PATH } }).unref()';
execFileSync(process.execPath, ['-e', again, code], { env: { PATH: process.env.PATH } });`;

describe('a daemon of head', { timeout: 400_000 }, () => {
  const victim = 'made/by-daemon';
  it.each([
    ['its setup', true],
    ['its program', false],
  ])('ends with %s', async (_, inSetup) => {
    const scene = await ownScene(withSetup);
    scene.step((workspace) => mkdirSync(join(workspace, 'made')));
    const seen = join(scene.workspace, victim);
    const what = `${daemon(`fs.appendFileSync('${seen}', 'x');`)}\nawait new Promise((done) => setTimeout(done, 300));`;
    const judged = await scene.change(inSetup ? { 'setup.mjs': setup(what) } : { 'bench.mjs': engineProgram(900, what) });
    expectRegressed(scene, judged);
    const last = readFileSync(seen, 'utf8');
    expect(last).toMatch(/^x+$/);
    await new Promise((done) => setTimeout(done, 100));
    expect(readFileSync(seen, 'utf8')).toBe(last);
    expect(processesIn(scene.workspace)).toEqual([]);
    const { environment } = JSON.parse(readFileSync(judged.run.outputs['report-json'] ?? '', 'utf8'));
    expect(environment).toMatchObject({ confinement: expect.stringMatching(/^(namespaces|reaper|marks)$/) });
  });
});
