import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { checkNode, openContext, otherNode, startFolder } from '../../src/commands/entry.ts';
import { parseCommandLine } from '../../src/config/command-line.ts';
import { localHost } from '../../src/host/local/host.ts';
import { planRun } from '../../src/planning/plan.ts';
import { removeRoot, ScratchRepository } from '../repository/scratch-repository.ts';

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'gate-entry-')));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
  removeRoot();
});

const source = join(import.meta.dirname, '..', '..', 'src');
const quiet = { write: () => {} };

const context = (folder: string, argv: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  openContext(parseCommandLine(argv), {
    entry: pathToFileURL(join(source, 'cli.ts')).href,
    folder,
    environment,
    host: (root) => localHost({}, { root: async () => root, descends: async () => false, logTo: quiet, printTo: quiet }),
    clock: () => 0,
    now: () => new Date(0),
    signal: new AbortController().signal,
  });

describe('the context of a command', () => {
  const real = join(scratch, 'real');
  mkdirSync(join(real, 'inside'), { recursive: true });
  symlinkSync(real, join(scratch, 'link'));

  it('has a root without links', () => {
    expect(context(join(scratch, 'link'), []).root).toBe(real);
    expect(context(scratch, ['--working-directory', 'link/inside']).root).toBe(join(real, 'inside'));
    expect(() => context(scratch, ['--working-directory', 'nowhere'])).toThrow(expect.objectContaining({ code: 'usage-bad-value' }));
  });

  it('is started where the shell says, by its links, as long as that is the same folder', () => {
    const [link, inside] = [join(scratch, 'link'), join(real, 'inside')];
    expect(startFolder({ PWD: link }, real)).toBe(link);
    for (const PWD of [inside, '/nowhere', 'link', undefined]) expect(startFolder({ PWD }, real)).toBe(real);
  });

  it('takes the store and the runtime from below the working directory', () => {
    const given = context(scratch, ['--working-directory', 'link', '--store', 'kept', '--ort-path', 'inside']);
    expect([given.storeRoot, given.ortPath]).toEqual([join(real, 'kept'), join(real, 'inside')]);
    const around = context(real, [], { OPTIMIZATION_GATE_STORE: 'named', ORT_PATH: 'ort' });
    expect([around.storeRoot, around.ortPath]).toEqual([join(real, 'named'), join(real, 'ort')]);
    const bare = context(real, [], { ORT_PATH: '' });
    expect([bare.storeRoot, bare.ortPath]).toEqual([join(real, '.optimization-gate', 'store'), null]);
    expect(context(real, ['--store', '/elsewhere']).storeRoot).toBe('/elsewhere');
  });

  it('knows the worker beside the entry', () => {
    expect(context(real, [])).toMatchObject({ worker: join(source, 'worker.ts'), packageRoot: join(source, '..') });
  });
});

describe('the Node of a command', () => {
  const gate = join(scratch, 'project', 'node_modules', 'optimization-gate');
  const installed = join(scratch, 'project', 'node_modules', 'node', 'bin');
  mkdirSync(gate, { recursive: true });

  it('is the running one where it is new enough, or where only a text is asked for', () => {
    for (const version of ['24.0.0', '25.1.0']) expect(otherNode({ command: 'run' }, version, gate)).toBeNull();
    for (const command of ['help', 'version'] as const) expect(otherNode({ command }, '20.20.2', gate)).toBeNull();
  });

  it('is one beside the package for everything else, or there is none', () => {
    for (const command of ['run', 'doctor', 'store', 'runtime'] as const)
      expect(() => otherNode({ command }, '20.20.2', gate)).toThrow(
        expect.objectContaining({ code: 'node-too-old', where: gate, message: expect.stringContaining(`\`${command}\``) }),
      );
    expect(() => checkNode('23.11.0')).toThrow(expect.objectContaining({ code: 'node-too-old' }));
    mkdirSync(installed, { recursive: true });
    writeFileSync(join(installed, 'node'), '#!/bin/sh\necho v24.0.0\n');
    chmodSync(join(installed, 'node'), 0o755);
    expect(otherNode({ command: 'run' }, '20.20.2', gate)).toBe(join(installed, 'node'));
  });
});

describe('a configuration outside the repository', () => {
  const outside = join(scratch, 'mine.yml');
  writeFileSync(outside, 'models: [mini-qwen3-dense]\noptimizations: [{ id: structured-pruning }]\ngate: { alpha: 0.2 }\n');

  it('is refused where a pull request may name it, and trusted on a developer’s machine', async () => {
    const repository = ScratchRepository.create();
    repository.commit({ 'README.md': 'models' });
    const own = context(repository.folder, ['plan', '--config', outside, '--base', 'HEAD', '--ort-path', join(source, '..')]);
    const { folder } = await planRun(own);
    expect(folder).toBe(join(realpathSync(repository.folder), '.optimization-gate'));
    await expect(planRun({ ...own, host: { ...own.host, isOwnMachine: false } })).rejects.toMatchObject({
      code: 'usage-bad-value',
      where: outside,
    });
  });
});

it.each(['SIGINT', 'SIGTERM'])('%s aborts, and leaves the end to what was interrupted', (signal) => {
  const script = `import { abortOnSignals } from ${JSON.stringify(join(source, 'commands/entry.ts'))};
    const signal = abortOnSignals();
    const waiting = setInterval(() => {}, 1000);
    signal.addEventListener('abort', () => { console.log('aborted'); clearInterval(waiting); });
    process.kill(process.pid, ${JSON.stringify(signal)});`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 3, stdout: 'aborted\n' });
});
