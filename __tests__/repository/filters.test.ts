import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { isLfsPointer, isLfsPointerFile } from '../../src/records/lfs-pointer.ts';
import type { NeededFiles } from '../../src/repository/filters.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { hasLfs, LfsRepository } from './lfs-repository.ts';
import { environment, removeRoot, root, ScratchRepository } from './scratch-repository.ts';

afterAll(removeRoot);

const none: NeededFiles = { declared: [], possible: [], lfs: false };

/** Base's worktree beside a checkout. */
const worktreeOf = async (scratch: ScratchRepository, needed: NeededFiles, base = 'HEAD~1') => {
  const repository = await openRepository(scratch.folder, { environment, temporary: root });
  const worktree = await repository.worktree(scratch.git('rev-parse', base), needed);
  onTestFinished(() => worktree.release());
  return { ...worktree, repository, bytesOf: (path: string): number => statSync(join(worktree.folder, path)).size };
};

describe('a pointer', () => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n';
  it('is known by its first line, and by being short', () => {
    const is = (text: string): boolean => isLfsPointer(Buffer.from(text));
    expect(is(pointer)).toBe(true);
    expect(is(pointer.replaceAll('\n', '\r\n'))).toBe(true);
    expect(is(`${pointer}${'x'.repeat(1024)}`)).toBe(false);
    expect(is(` ${pointer}`)).toBe(false);
    expect(is('version https://git-lfs.github.com/spec/v10\n')).toBe(false);
    expect(is('')).toBe(false);
    expect(isLfsPointerFile(root)).toBe(false);
    expect(isLfsPointerFile(join(root, 'missing'))).toBe(false);
  });
});

describe('a filter of one’s own', () => {
  /** `upper` turns what is stored into capitals on disk, and notes each file that it is run for. */
  const filtered = (): { readonly scratch: ScratchRepository; readonly log: string; readonly ran: () => string } => {
    const scratch = ScratchRepository.create();
    const log = join(scratch.folder, '.git', 'ran');
    scratch.git('config', 'filter.upper.smudge', `sh -c 'echo %f >> ${log}; tr a-z A-Z'`);
    scratch.git('config', 'filter.upper.clean', 'tr A-Z a-z');
    scratch.commit({ '.gitattributes': '*.txt filter=upper\n', 'in/a.txt': 'one\n', 'out/b.txt': 'one\n' });
    scratch.commit({ 'in/a.txt': 'two\n', 'out/b.txt': 'two\n' });
    rmSync(join(scratch.folder, 'in/a.txt'));
    scratch.git('checkout', '--', 'in/a.txt');
    rmSync(log, { force: true });
    return { scratch, log, ran: () => (existsSync(log) ? readFileSync(log, 'utf8') : '') };
  };

  it('is run for needed files where it was run in the checkout, and nowhere else', async () => {
    const { scratch, ran } = filtered();
    const unneeded = await worktreeOf(scratch, none);
    expect([readFileSync(join(unneeded.folder, 'in/a.txt'), 'utf8'), ran()]).toEqual(['one\n', '']);
    const worktree = await worktreeOf(scratch, { ...none, declared: ['in/**'] });
    expect(readFileSync(join(worktree.folder, 'in/a.txt'), 'utf8')).toBe('ONE\n');
    expect(readFileSync(join(worktree.folder, 'out/b.txt'), 'utf8')).toBe('one\n');
    expect(ran()).toBe('in/a.txt\n');
    scratch.write('in/a.txt', 'two\n');
    const raw = await worktreeOf(scratch, { ...none, declared: ['in/**'] });
    expect(readFileSync(join(raw.folder, 'in/a.txt'), 'utf8')).toBe('one\n');
  });

  it('that fails is an error, not a file that was left as it is stored', async () => {
    const { scratch } = filtered();
    scratch.git('config', 'filter.upper.smudge', 'false');
    scratch.git('config', 'filter.upper.required', 'true');
    await expect(worktreeOf(scratch, { ...none, declared: ['in/**'] })).rejects.toMatchObject({
      code: 'git-failed',
      message: expect.stringContaining('in/a.txt'),
    });
  });
});

describe('line endings and encodings', () => {
  it('are those of the attributes, as in the checkout', async () => {
    const scratch = ScratchRepository.create();
    scratch.commit({ '.gitattributes': '*.crlf text eol=crlf\n*.utf16 text working-tree-encoding=UTF-16LE\n', a: '1' });
    scratch.commit({ 'x.crlf': 'a\r\nb\r\n' });
    const { bytesOf } = await worktreeOf(scratch, none, 'HEAD');
    expect(bytesOf('x.crlf')).toBe(6);
  });
});

describe.skipIf(!hasLfs)('Git LFS', () => {
  const sized = (bytes: number): string => 'x'.repeat(bytes);
  const seed = (): LfsRepository => {
    const made = LfsRepository.make();
    made.commit({ 'in/t.bin': sized(5000), 'out/picture.bin': sized(3000) });
    made.commit({ 'in/t.bin': sized(9000) });
    return made;
  };
  const needed: NeededFiles = { ...none, declared: ['in/**'] };

  it('leaves pointers on both sides of a checkout of pointers, which are refused where inputs need them', async () => {
    const clone = seed().cloneOfPointers();
    const worktree = await worktreeOf(clone, needed);
    expect(worktree.bytesOf('in/t.bin')).toBeLessThan(200);
    const { repository, folder, said } = worktree;
    for (const [at, side] of [
      [folder, 'base'],
      [clone.folder, 'head'],
    ] as const)
      await expect(repository.refusePointers(at, side, needed, said)).rejects.toMatchObject({
        code: 'lfs-pointer',
        where: `in/t.bin of ${side}`,
      });
    await repository.refusePointers(folder, 'base', { ...none, declared: ['other/**'] }, '');
    expect(await repository.pointers(folder)).toEqual(['in/t.bin', 'out/picture.bin']);
  });

  it('fetches for base the needed files that the checkout has, and no others', async () => {
    const worktree = await worktreeOf(seed().cloneOfFiles(), needed);
    expect(worktree.bytesOf('in/t.bin')).toBe(5000);
    expect(worktree.bytesOf('out/picture.bin')).toBeLessThan(200);
    await worktree.repository.refusePointers(worktree.folder, 'base', needed, worktree.said);
  });
});
