import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openRepository, type Repository } from '../../src/repository/repository.ts';
import { environment, removeRoot, root, ScratchRepository } from './scratch-repository.ts';

afterAll(removeRoot);

const open = (scratch: { readonly folder: string }): Promise<Repository> =>
  openRepository(scratch.folder, { environment, temporary: root });
const coded = (code: string, message = ''): unknown => expect.objectContaining({ code, message: expect.stringContaining(message) });
const strange = { 'a b/ü ñ.py': '1', 'new\nline"q".py': '2', '-dash.py': '3', 'tab\t*.py': '4' };

describe('openRepository', () => {
  it('finds the root from a folder below it', async () => {
    const scratch = ScratchRepository.create();
    scratch.commit({ 'x/y/z': '1' });
    expect((await open({ folder: join(scratch.folder, 'x/y') })).folder).toBe(scratch.folder);
  });

  it('looks at this checkout, also once its settings name another tree', async () => {
    const scratch = ScratchRepository.create();
    scratch.commit({ a: '1', '.gitignore': 'made\n' });
    const other = mkdtempSync(join(root, 'other-'));
    writeFileSync(join(other, 'a'), '1');
    const repository = await open(scratch);
    const commit = scratch.git('rev-parse', 'HEAD');
    writeFileSync(join(scratch.folder, 'a'), '2');
    writeFileSync(join(scratch.folder, 'made'), '');
    scratch.git('config', 'core.worktree', other);
    expect(await repository.changedFiles(commit)).toEqual(['a']);
    expect(await repository.ignoredFiles(scratch.folder)).toEqual(['made']);
  });

  it('refuses what is no checkout, says what is damaged, and names a missing git', async () => {
    await expect(open({ folder: mkdtempSync(join(root, 'plain-')) })).rejects.toEqual(coded('not-a-repository'));
    const scratch = ScratchRepository.create();
    await expect((await open(scratch)).headRevision()).rejects.toEqual(coded('git-failed', 'HEAD'));
    scratch.commit({ a: '1' });
    rmSync(join(scratch.folder, '.git/objects'), { recursive: true });
    mkdirSync(join(scratch.folder, '.git/objects'));
    await expect((await open(scratch)).headRevision()).rejects.toEqual(coded('git-failed'));
    await expect(openRepository(scratch.folder, { environment: { PATH: root } })).rejects.toEqual(coded('git-failed', 'ENOENT'));
  });
});

describe('headRevision', () => {
  it('knows whether the files differ from the commit', async () => {
    const scratch = ScratchRepository.create();
    const commit = scratch.commit({ a: '1', '.gitignore': 'ignored\n' });
    const repository = await open(scratch);
    scratch.write('ignored', 'x');
    scratch.write('.run/plan.json', 'x');
    expect(await repository.headRevision(['.run'])).toEqual({ commit, dirty: false });
    expect((await repository.headRevision()).dirty).toBe(true);
    scratch.write('a', '2');
    expect((await repository.headRevision(['.run'])).dirty).toBe(true);
  });
});

describe('fileAt and filesAt', () => {
  it('read the commit that is named, whatever git replaces it by', async () => {
    const scratch = ScratchRepository.create();
    const commit = scratch.commit({ size: '100' });
    scratch.git('replace', commit, scratch.commit({ size: '900' }));
    expect(scratch.git('show', `${commit}:size`)).toBe('900');
    const repository = await open(scratch);
    expect(await repository.fileAt(commit, 'size')).toBe('100');
    const { folder, release } = await repository.worktree(commit);
    expect(readFileSync(join(folder, 'size'), 'utf8')).toBe('100');
    await release();
  });

  it('read a commit, not the files on disk', async () => {
    const scratch = ScratchRepository.create();
    const commit = scratch.commit({ 'baselines/x/b.json': '{"ü":1}\n', 'baselines/a.json': '2', ...strange });
    scratch.commit({ 'baselines/a.json': '3' });
    const repository = await open(scratch);
    expect(await repository.fileAt(commit, 'baselines/x/b.json')).toBe('{"ü":1}\n');
    expect(await repository.fileAt(commit, 'baselines/a.json')).toBe('2');
    for (const [path, content] of Object.entries(strange)) expect(await repository.fileAt(commit, path)).toBe(content);
    for (const path of ['missing', 'baselines', 'baselines/*.json', 'a b/../baselines/a.json'])
      expect(await repository.fileAt(commit, path)).toBeNull();
    expect(await repository.filesAt(commit, 'baselines')).toEqual(['baselines/a.json', 'baselines/x/b.json']);
    expect(await repository.filesAt(commit, 'nothing')).toEqual([]);
    await expect(repository.fileAt('--output=x', 'a')).rejects.toEqual(coded('base-not-found'));
  });

  it('reads many files at once, each as it would alone', async () => {
    const scratch = ScratchRepository.create();
    const files = { empty: '', 'same as empty': '', 'line\nbreak': 'a\n\nb', ünï: '\u{1f600}\n', ...strange };
    symlinkSync('empty', join(scratch.folder, 'link'));
    const commit = scratch.commit(files);
    const repository = await open(scratch);
    const paths = ['missing', ...Object.keys(files), 'link', '.', './empty', Object.keys(files)[0] ?? ''];
    const alone = await Promise.all(paths.map((path) => repository.fileAt(commit, path)));
    expect(await repository.textsAt(commit, paths)).toEqual(alone);
    expect(alone).toEqual([null, ...Object.values(files), '', null, null, '']);
    expect(await repository.textsAt(commit, ['line\nbreak', 'empty'], 3)).toEqual([null, '']);
    expect(await repository.textsAt(commit, [])).toEqual([]);
  });

  it('follows links as a checkout does: to a file, through a folder, one after the other', async () => {
    const scratch = ScratchRepository.create();
    scratch.write('conf.d/gate.yml', 'a: 1\n');
    for (const [name, target] of [
      ['config', 'conf.d'],
      ['gate.yml', 'config/gate.yml'],
      ['conf.d/again.yml', '../gate.yml'],
      ['dangling.yml', 'conf.d/nothing.yml'],
      ['conf.d/up', '..'],
    ] as const)
      symlinkSync(target, join(scratch.folder, name));
    const commit = scratch.commit({});
    const repository = await open(scratch);
    for (const path of ['gate.yml', 'config/gate.yml', 'config/again.yml', 'conf.d/up/conf.d/gate.yml'])
      expect([path, await repository.fileAt(commit, path)]).toEqual([path, readFileSync(join(scratch.folder, path), 'utf8')]);
    expect(await repository.textsAt(commit, ['dangling.yml', 'config', 'gate.yml', 'config/none.yml'])).toEqual([
      null,
      null,
      'a: 1\n',
      null,
    ]);
    for (const tree of ['working-tree', { commit }] as const)
      expect(await repository.withoutLinks(tree, 'config/again.yml')).toBe('conf.d/gate.yml');
  });

  it('lists what lies behind links', async () => {
    const scratch = ScratchRepository.create();
    scratch.write('elsewhere/x/m.json', '{}');
    symlinkSync('elsewhere', join(scratch.folder, 'baselines'));
    symlinkSync('x', join(scratch.folder, 'elsewhere/y'));
    symlinkSync('x/m.json', join(scratch.folder, 'elsewhere/top.json'));
    // Every one of these leads to all of them.
    for (const name of ['p', 'q', 'r', 's']) symlinkSync('..', join(scratch.folder, 'elsewhere/x', name));
    const commit = scratch.commit({});
    const repository = await open(scratch);
    const listed = await repository.filesAt(commit, 'baselines');
    const files = listed.filter((path) => path.endsWith('.json'));
    expect(files).toEqual(['baselines/top.json', 'baselines/x/m.json', 'baselines/y/m.json']);
    expect(await repository.textsAt(commit, files)).toEqual(['{}', '{}', '{}']);
    expect(listed.length).toBeLessThan(20);
  });

  it.each([
    ['an absolute path', { 'in/link': '/etc/hostname' }, /outside the repository/],
    ['a path above the root', { 'in/link': '../../etc/hostname' }, /outside the repository/],
    ['itself, over another', { 'in/link': 'other', 'in/other': 'link' }, /circle/],
  ] as const)('refuses a link to %s, in a commit as on disk', async (_what, links, says) => {
    const scratch = ScratchRepository.create();
    mkdirSync(join(scratch.folder, 'in'));
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(scratch.folder, name));
    const commit = scratch.commit({});
    const repository = await open(scratch);
    await expect(repository.fileAt(commit, 'in/link')).rejects.toMatchObject({
      code: 'link-invalid',
      message: expect.stringMatching(says),
    });
    for (const tree of ['working-tree', { commit }] as const)
      await expect(repository.withoutLinks(tree, 'in/link/below')).rejects.toMatchObject({
        code: 'link-invalid',
        where: 'in/link/below',
      });
    expect(await repository.filesAt(commit, 'in')).toEqual(Object.keys(links));
  });

  it('tells which files of a commit the working tree no longer has, committed or not', async () => {
    const scratch = ScratchRepository.create();
    const commit = scratch.commit({ kept: '1', committed: '2', moved: '3', deleted: '4', untracked: '5' });
    scratch.git('rm', '--quiet', 'committed');
    scratch.commit({});
    scratch.git('mv', 'moved', 'elsewhere');
    scratch.git('rm', '--quiet', '--cached', 'untracked');
    rmSync(join(scratch.folder, 'deleted'));
    expect(await (await open(scratch)).removedSince(commit)).toEqual(['committed', 'deleted', 'moved']);
  });
});

describe('worktree', () => {
  it('checks a commit out beside others and leaves nothing behind', async () => {
    const scratch = ScratchRepository.create();
    const commit = scratch.commit({ a: 'old', ...strange });
    scratch.commit({ a: 'new' });
    mkdirSync(join(scratch.folder, '.git/hooks'), { recursive: true });
    writeFileSync(join(scratch.folder, '.git/hooks/post-checkout'), `#!/bin/sh\ntouch ${root}/hook-ran\n`, { mode: 0o755 });
    const repository = await open(scratch);
    const trees = await Promise.all([repository.worktree(commit), repository.worktree(commit), repository.worktree(commit)]);
    expect(new Set(trees.map((tree) => tree.folder)).size).toBe(3);
    for (const tree of trees) {
      expect(readFileSync(join(tree.folder, 'a'), 'utf8')).toBe('old');
      expect((await openRepository(tree.folder, { environment })).folder).toBe(tree.folder);
      writeFileSync(join(tree.folder, 'a'), 'changed by a build');
      writeFileSync(join(tree.folder, 'untracked'), '');
    }
    for (const tree of trees) await tree.release();
    await trees[0]?.release();
    expect(trees.some((tree) => existsSync(tree.folder))).toBe(false);
    expect(scratch.git('worktree', 'list').split('\n')).toHaveLength(1);
    expect(existsSync(join(root, 'hook-ran'))).toBe(false);
  });

  it('removes what a killed process left, and keeps what a living one uses', async () => {
    const scratch = ScratchRepository.create();
    const commit = scratch.commit({ a: '1' });
    const script = `import { openRepository } from ${JSON.stringify(join(import.meta.dirname, '../../src/repository/repository.ts'))};
      const repository = await openRepository(${JSON.stringify(scratch.folder)}, { temporary: ${JSON.stringify(root)} });
      console.log((await repository.worktree('${commit}')).folder);
      process.kill(process.pid, 'SIGKILL');`;
    let left = '';
    try {
      execFileSync(process.execPath, ['--input-type=module', '-e', script], { env: environment, encoding: 'utf8' });
    } catch (thrown) {
      left = (thrown as { stdout: string }).stdout.trim();
    }
    expect(existsSync(left)).toBe(true);
    const repository = await open(scratch);
    const one = await repository.worktree(commit);
    expect(existsSync(left)).toBe(false);
    const two = await repository.worktree(commit);
    expect(existsSync(one.folder)).toBe(true);
    await one.release();
    await two.release();
  });

  it('refuses a commit that is not there', async () => {
    const scratch = ScratchRepository.create();
    scratch.commit({ a: '1' });
    const before = readdirSync(root).length;
    await expect((await open(scratch)).worktree('e'.repeat(40))).rejects.toEqual(coded('base-not-found'));
    expect(readdirSync(root)).toHaveLength(before);
  });
});

describe('inputsDigest', () => {
  it('is equal for equal content: committed, modified to the same, or untracked', async () => {
    const scratch = ScratchRepository.create();
    const first = scratch.commit({ 'opt/a.py': '1', other: 'x', ...strange });
    const second = scratch.commit({ 'opt/a.py': '2', 'opt/b.py': '3' });
    const repository = await open(scratch);
    const patterns = ['opt/**', '*.py', 'a b'];
    const at = (tree: 'working-tree' | { commit: string }) => repository.inputsDigest(tree, patterns);
    const digests = [await at({ commit: first }), await at({ commit: second })];
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(digests[0]).not.toBe(digests[1]);
    expect(await at('working-tree')).toBe(digests[1]);
    scratch.git('checkout', '--quiet', first);
    scratch.write('opt/a.py', '2');
    scratch.write('opt/b.py', '3');
    expect(await at('working-tree')).toBe(digests[1]);
    scratch.write('other', 'changed');
    expect(await at('working-tree')).toBe(digests[1]);
    rmSync(join(scratch.folder, 'opt/b.py'));
    scratch.write('opt/a.py', '1');
    expect(await at('working-tree')).toBe(digests[0]);
    rmSync(join(scratch.folder, '-dash.py'));
    expect(await at('working-tree')).not.toBe(digests[0]);
  });

  it('sees names, modes and links, ignores what git ignores, and changes nothing', async () => {
    const scratch = ScratchRepository.create();
    scratch.commit({ 'opt/a': '1', '.gitignore': '*.pyc\n' });
    const repository = await open(scratch);
    const now = () => repository.inputsDigest('working-tree', ['opt']);
    const seen = new Set([await now()]);
    scratch.write('opt/a.pyc', 'x');
    expect(seen.has(await now())).toBe(true);
    chmodSync(join(scratch.folder, 'opt/a'), 0o755);
    seen.add(await now());
    symlinkSync('a', join(scratch.folder, 'opt/l'));
    seen.add(await now());
    rmSync(join(scratch.folder, 'opt/l'));
    symlinkSync('b', join(scratch.folder, 'opt/l'));
    seen.add(await now());
    scratch.write('opt/n\nl', '');
    seen.add(await now());
    expect(seen.size).toBe(5);
    expect(scratch.git('diff', '--cached', '--name-only')).toBe('');
    expect(readdirSync(root).filter((name) => name.startsWith('optimization-gate-index'))).toEqual([]);
  });

  it('counts content as git stores it, whatever the line endings on disk', async () => {
    const scratch = ScratchRepository.create();
    const commit = scratch.commit({ '.gitattributes': '* text=auto\n', 'opt/a': 'x\ny\n' });
    const repository = await open(scratch);
    scratch.write('opt/a', 'x\r\ny\r\n');
    expect(await repository.inputsDigest('working-tree', ['opt'])).toBe(await repository.inputsDigest({ commit }, ['opt']));
  });

  it('names the pattern that matches nothing', async () => {
    const scratch = ScratchRepository.create();
    const commit = scratch.commit({ 'opt/a': '1' });
    const repository = await open(scratch);
    await expect(repository.inputsDigest('working-tree', ['opt/**', 'optmize/**'])).rejects.toEqual(
      coded('config-invalid', '"optmize/**" were looked for in the working tree. Found none: patterns count from the root'),
    );
    await expect(repository.inputsDigest({ commit }, ['x'])).rejects.toEqual(coded('config-invalid', '"x" were looked for in commit'));
    await expect(repository.inputsDigest({ commit }, [])).rejects.toEqual(coded('config-invalid'));
  });
});
