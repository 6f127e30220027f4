import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { installedNode, majorOf } from '../../src/processes/other-node.ts';
import { identifyProcess } from '../../src/processes/process-tree.ts';
import { testFolder } from '../testkit/folder.ts';

const program = (folder: string, name: string, text: string): string => {
  const file = join(folder, 'node_modules', name, 'bin', 'node');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
};
const saying = (version: string): string => `#!/bin/sh\necho ${version}\n`;

describe('installedNode', () => {
  it.each([
    ['v24.21.0', 24],
    ['20.0.0', 20],
    ['v240.1.0-nightly', 240],
    ['24', Number.NaN],
    ['', Number.NaN],
  ])('reads the major version of %s', (version, major) => {
    expect(majorOf(version)).toBe(major);
  });

  it('finds the nearest one that is new enough, in the folder or above it', () => {
    const top = testFolder();
    const inside = join(top, 'project', 'node_modules', 'gate');
    mkdirSync(inside, { recursive: true });
    expect(installedNode(inside, 24)).toBeNull();
    const far = program(top, 'node', saying('v25.0.0'));
    expect(installedNode(inside, 24)).toBe(far);
    const near = program(join(top, 'project'), 'node', saying('v24.0.0'));
    expect(installedNode(inside, 24)).toBe(near);
    expect(installedNode(inside, 25)).toBe(far);
    expect(installedNode(inside, 26)).toBeNull();
  });

  it('takes the package of the platform where the install script of `node` did not run', () => {
    const folder = testFolder();
    const platform = program(folder, `node-${process.platform}-${process.arch}`, saying('v24.1.0'));
    mkdirSync(join(folder, 'node_modules', 'node'), { recursive: true });
    expect(installedNode(folder, 24)).toBe(platform);
  });

  it('passes over what does not run here or says no version', () => {
    const folder = testFolder();
    const file = program(folder, 'node', 'an archive for another machine');
    expect(installedNode(folder, 24)).toBeNull();
    for (const text of [saying(''), saying('v20.0.0'), '#!/bin/sh\nexit 1\n']) {
      writeFileSync(file, text);
      expect(installedNode(folder, 24), text).toBeNull();
    }
    writeFileSync(file, saying('v24.0.0'));
    expect(installedNode(folder, 24)).toBe(file);
    chmodSync(file, 0o644);
    expect(installedNode(folder, 24)).toBeNull();
  });
});

const source = join(import.meta.dirname, '..', '..', 'src', 'processes', 'other-node.ts');

/** Starts a process that runs a script in its place, and what came of it. */
const started = (script: string) => {
  const caller = `import { runInstead } from ${JSON.stringify(source)};
    process.exitCode = await runInstead(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(script)}]);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', caller], { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  const ready = new Promise<void>((done) =>
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      done();
    }),
  );
  const ended = new Promise<{ readonly code: number | null; readonly stdout: string }>((done) =>
    child.once('close', (code) => done({ code, stdout })),
  );
  return { child, ready, ended };
};

describe('runInstead', () => {
  it('gives output and exit status on, also of a program that a signal ended', async () => {
    const [plain, killed] = [started("console.log('hello'); process.exitCode = 7;"), started("process.kill(process.pid, 'SIGKILL');")];
    expect(await plain.ended).toEqual({ code: 7, stdout: 'hello\n' });
    expect((await killed.ended).code).toBe(137);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('passes %s on, once', async (signal) => {
    const { child, ready, ended } = started(`
      let seen = 0;
      process.on('${signal}', () => { seen += 1; setTimeout(() => { console.log('seen', seen); process.exit(3); }, 100); });
      console.log('ready');
      setInterval(() => {}, 1000);`);
    await ready;
    child.kill(signal);
    expect(await ended).toEqual({ code: 3, stdout: 'ready\nseen 1\n' });
  });

  it('lets the program see that its caller is gone', async () => {
    const file = join(testFolder(), 'pid');
    const { child, ready } = started(`
      import { writeFileSync } from 'node:fs';
      process.once('disconnect', () => process.exit());
      process.channel.unref();
      writeFileSync(${JSON.stringify(file)}, String(process.pid));
      console.log('ready');
      setInterval(() => {}, 1000);`);
    await ready;
    const pid = Number(readFileSync(file, 'utf8'));
    expect(identifyProcess(pid)).not.toBeNull();
    child.kill('SIGKILL');
    await expect.poll(() => identifyProcess(pid), { timeout: 10_000 }).toBeNull();
  });
});
