import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ProposedFile, requireRoom, writeFiles } from '../../src/init/new-files.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { environment, removeRoot, ScratchRepository } from '../repository/scratch-repository.ts';
import { testFolder } from '../testkit/folder.ts';

afterAll(removeRoot);

const files: readonly ProposedFile[] = [
  { path: 'optimization-gate.yml', text: 'new\n', why: '' },
  { path: '.github/workflows/a.yml', text: 'a\n', why: '' },
];

/** Looks for room and writes; returns the error's code and place, or null. */
const attempt = async (scene: ScratchRepository, force = false): Promise<string | null> => {
  try {
    await requireRoom(await openRepository(scene.folder, { environment }), files, force);
    writeFiles(scene.folder, files);
    return null;
  } catch (thrown) {
    const { code, where } = thrown as { code: string; where: string };
    return `${code} ${where}`;
  }
};

describe('files that are written', () => {
  it('are all there', async () => {
    const scene = ScratchRepository.create();
    expect(await attempt(scene)).toBeNull();
    expect(files.map(({ path }) => readFileSync(join(scene.folder, path), 'utf8'))).toEqual(['new\n', 'a\n']);
  });

  it.each([
    ['a file', (scene: ScratchRepository) => scene.write('.github/workflows/a.yml', 'old\n'), 'init-file-exists .github/workflows/a.yml'],
    [
      'a folder',
      (scene: ScratchRepository) => mkdirSync(join(scene.folder, 'optimization-gate.yml')),
      'init-file-exists optimization-gate.yml',
    ],
    ['its other name', (scene: ScratchRepository) => scene.write('optimization-gate.yaml', ''), 'init-file-exists optimization-gate.yaml'],
    ['a file in place of a folder', (scene: ScratchRepository) => scene.write('.github', ''), 'init-file-exists .github'],
    [
      'a link to nothing',
      (scene: ScratchRepository) => symlinkSync('nowhere', join(scene.folder, 'optimization-gate.yml')),
      'init-file-exists optimization-gate.yml',
    ],
  ])('are none where there is %s', async (_name, make, error) => {
    const scene = ScratchRepository.create();
    make(scene);
    expect(await attempt(scene)).toBe(error);
    expect(existsSync(join(scene.folder, 'optimization-gate.yml')) && lstatSync(join(scene.folder, 'optimization-gate.yml')).isFile()).toBe(
      false,
    );
  });

  it('never lie behind a link, which may lead out of the repository', async () => {
    const [scene, outside] = [ScratchRepository.create(), testFolder()];
    symlinkSync(outside, join(scene.folder, '.github'));
    expect(await attempt(scene, true)).toBe('link-invalid .github');
    expect(existsSync(join(outside, 'workflows'))).toBe(false);
  });

  it('are taken back where one cannot be written', async () => {
    const scene = ScratchRepository.create();
    mkdirSync(join(scene.folder, '.github'));
    scene.write('.github/workflows/other.yml', '');
    const { folder } = scene;
    expect(() => writeFiles(folder, [...files, { path: '.github/workflows/other.yml/b.yml', text: '', why: '' }])).toThrow();
    expect(existsSync(join(folder, 'optimization-gate.yml'))).toBe(false);
    expect(existsSync(join(folder, '.github/workflows/a.yml'))).toBe(false);
    expect(existsSync(join(folder, '.github/workflows/other.yml'))).toBe(true);
  });

  it.skipIf(process.getuid?.() === 0)('are none in a folder that may not be written', async () => {
    const scene = ScratchRepository.create();
    chmodSync(scene.folder, 0o555);
    expect(await attempt(scene)).toContain('folder-unwritable');
    chmodSync(scene.folder, 0o755);
  });
});

describe('with force', () => {
  it('a committed file without changes is replaced', async () => {
    const scene = ScratchRepository.create();
    scene.commit({ 'optimization-gate.yml': 'old\n' });
    expect(await attempt(scene, true)).toBeNull();
    expect(readFileSync(join(scene.folder, 'optimization-gate.yml'), 'utf8')).toBe('new\n');
  });

  it.each([
    ['untracked', (scene: ScratchRepository) => scene.write('optimization-gate.yml', 'old\n')],
    [
      'ignored',
      (scene: ScratchRepository) => {
        scene.write('optimization-gate.yml', 'old\n');
        scene.write('.gitignore', 'optimization-gate.yml\n');
      },
    ],
    [
      'added only',
      (scene: ScratchRepository) => {
        scene.write('optimization-gate.yml', 'old\n');
        scene.git('add', '--all');
      },
    ],
    [
      'changed',
      (scene: ScratchRepository) => {
        scene.commit({ 'optimization-gate.yml': 'older\n' });
        scene.write('optimization-gate.yml', 'old\n');
      },
    ],
    [
      'changed where git is told not to look',
      (scene: ScratchRepository) => {
        scene.commit({ 'optimization-gate.yml': 'older\n' });
        scene.git('update-index', '--assume-unchanged', 'optimization-gate.yml');
        scene.write('optimization-gate.yml', 'old\n');
      },
    ],
  ])('a file that git could not give back stays: %s', async (_name, make) => {
    const scene = ScratchRepository.create();
    make(scene);
    expect(await attempt(scene, true)).toBe('init-file-exists optimization-gate.yml');
    expect(readFileSync(join(scene.folder, 'optimization-gate.yml'), 'utf8')).toBe('old\n');
  });
});
