import { existsSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configuration, Project } from '../commands/project.ts';
import { engineConfiguration as config } from './engine-configuration.ts';

/** Answers each round with a size; before its first answer it does what it is told. */
const program = (size: number | string, before = ''): string =>
  `import fs from 'node:fs';\nimport { execFileSync, spawn } from 'node:child_process';\nimport { createInterface } from 'node:readline';\n${before}\nfor await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size: ${size} }));\n`;

const common = { '.gitignore': '.optimization-gate\nmade\n' };
const setupWith = (what: string): Readonly<Record<string, string>> => ({
  'optimization-gate.yml': config('setup: node setup.mjs'),
  'setup.mjs': `import fs from 'node:fs';\nimport { execFileSync, spawn } from 'node:child_process';\n${what}\n`,
});

describe('a head that is nine times as big', () => {
  it("ends the run when it moves the folder around base's tree for a moment", async () => {
    const policy = (gain: number, before = '', after = ''): string => `
import fs from 'node:fs'; import path from 'node:path'; import { execFileSync } from 'node:child_process'; import { createInterface } from 'node:readline';
${before}
let setting, batch;
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let ok = null;
  if (asked.do === 'hello') ok = { contract: 1 };
  if (asked.do === 'start') { setting = asked.episode.setting; batch = setting.initial; }
  if (asked.do === 'next') {
    batch = Math.min(setting.maximum, Math.max(setting.minimum, batch + ${gain} * (setting.setPoint - asked.observation.latency) / setting.slope));
    ok = { batch };
  }
  console.log(JSON.stringify({ ok }));
}
${after}`;
    const swap = `
const undo = [];
for (const [, tree] of execFileSync('git', ['worktree', 'list', '--porcelain']).toString().matchAll(/^worktree (.*optimization-gate-tree.*)$/gm)) {
  const [holder, name] = [path.dirname(tree), path.basename(tree)];
  if (fs.existsSync(holder + '.away')) continue;
  if (!fs.existsSync(holder + '.other')) {
    fs.cpSync(holder, holder + '.other', { recursive: true });
    fs.writeFileSync(holder + '.other/' + name + '/policy.mjs', ${JSON.stringify(policy(4))});
  }
  const swap = (from, to) => { fs.renameSync(holder, from); fs.renameSync(to, holder); };
  swap(holder + '.away', holder + '.other');
  undo.push(() => swap(holder + '.other', holder + '.away'));
}`;
    const entry = ['engine', 'like: feedback-control', 'serve: node policy.mjs', 'inputs: [policy.mjs]'];
    const project = Project.make();
    project.commit({ ...common, 'optimization-gate.yml': configuration([entry]), 'policy.mjs': policy(0.4) });
    project.commit({ 'policy.mjs': policy(4, swap, 'for (const each of undo) each();') });
    // With this seed head's policy is started before base's.
    const { code, stderr } = await project.gate('--base', 'HEAD~1', '--quick', '--seed', '4');
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('error[base-changed]') });
  });

  it('runs nothing that it sets in a repository of its own in the place of a submodule', async () => {
    const submodule = Project.make();
    submodule.commit({ 'size.txt': '100' });
    const project = Project.make();
    const trace = join(project.folder, 'made');
    project.git('submodule', '--quiet', 'add', submodule.folder, 'sub');
    const setup = setupWith(`
const git = (...args) => execFileSync('git', args).toString().trim();
if (git('rev-parse', '--git-dir') === '.git') {
  const own = git('-C', 'sub', 'rev-parse', '--absolute-git-dir');
  fs.rmSync('sub/.git'); fs.cpSync(own, 'sub/.git', { recursive: true });
  git('config', '-f', 'sub/.git/config', '--unset', 'core.worktree');
  git('-C', 'sub', 'config', 'filter.mine.clean', 'sh -c "echo ran >> ${trace}; cat"');
  fs.mkdirSync('sub/.git/info', { recursive: true }); fs.writeFileSync('sub/.git/info/attributes', '* filter=mine\\n');
  fs.utimesSync('sub/size.txt', 1, 1);
}`);
    project.commit({ ...common, ...setupWith(''), 'bench.mjs': program(100) });
    project.commit({ ...setup, 'bench.mjs': program(900) });
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(existsSync(trace)).toBe(false);
    // It was set all right.
    utimesSync(join(project.folder, 'sub', 'size.txt'), 2, 2);
    project.git('-C', 'sub', 'status', '--porcelain');
    expect(existsSync(trace)).toBe(true);
  });

  it('runs nothing that git would fetch lacking objects by', async () => {
    const project = Project.make();
    const trace = join(project.folder, 'made');
    const setup = setupWith(`
const git = (...args) => execFileSync('git', args).toString().trim();
if (git('rev-parse', '--git-dir') === '.git') {
  const [tree] = [git('rev-parse', 'HEAD~1:folder')].map((id) => '.git/objects/' + id.slice(0, 2) + '/' + id.slice(2));
  fs.writeFileSync('.git/fetch.sh', 'echo ran >> ${trace}; cp .git/kept ' + tree);
  fs.renameSync(tree, '.git/kept');
  for (const setting of ['core.repositoryFormatVersion=1', 'extensions.partialClone=origin', 'remote.origin.promisor=true', 'remote.origin.url=ext::sh .git/fetch.sh', 'protocol.ext.allow=always'])
    git('config', ...setting.split('='));
}`);
    project.commit({ ...common, ...setupWith(''), 'folder/file.txt': 'base', 'bench.mjs': program(100) });
    project.commit({ ...setup, 'folder/file.txt': 'head', 'bench.mjs': program(900) });
    const { code, stderr } = await project.gate('--base', 'HEAD~1');
    expect({ code, stderr }).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/error\[objects-missing\].*transport 'ext' not allowed/s),
    });
    expect(existsSync(trace)).toBe(false);
    // It was set all right.
    project.git('diff', '--name-only', 'HEAD~1');
    expect(existsSync(trace)).toBe(true);
  });
});
