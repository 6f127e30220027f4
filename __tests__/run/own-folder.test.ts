import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { claimFolder } from '../../src/run/own-folder.ts';
import { removeRoot, ScratchRepository } from '../repository/scratch-repository.ts';
import { testFolder } from '../testkit/folder.ts';

afterAll(removeRoot);

const claim = (path: string, around: string): Promise<void> => claimFolder({ path, noun: 'run folder', option: 'run-dir' }, around);
const refused = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'folder-refused', message: expect.stringMatching(message), where: expect.stringMatching(/^run-dir /) });

describe('a folder', () => {
  it('is made, marked, ignored by git, and taken again', async () => {
    const scratch = ScratchRepository.create();
    const folder = join(scratch.folder, 'out', 'run');
    await claim(folder, scratch.folder);
    expect(readdirSync(folder).sort()).toEqual(['.gitignore', 'optimization-gate.txt']);
    writeFileSync(join(folder, 'plan.json'), '{}');
    mkdirSync(join(folder, 'models'));
    await claim(folder, scratch.folder);
    expect(scratch.git('status', '--porcelain')).toBe('');
  });

  it('is taken when it is empty', async () => {
    const folder = testFolder();
    await claim(folder, folder);
    expect(existsSync(join(folder, 'optimization-gate.txt'))).toBe(true);
  });

  it('is taken when it is a store, and nothing else lies in it', async () => {
    const folder = testFolder();
    for (const name of ['artefacts', 'leases', 'locks', 'records']) mkdirSync(join(folder, name));
    await expect(claim(folder, folder)).rejects.toEqual(refused(/did not make: artefacts, leases, locks and 1 more/));
    mkdirSync(join(folder, 'staging'));
    await claim(folder, folder);
    expect(existsSync(join(folder, 'optimization-gate.txt'))).toBe(true);
  });

  it('is refused when it holds anything else, which stays as it is', async () => {
    const scratch = ScratchRepository.create();
    scratch.write('models/mine/weights.bin', 'precious');
    await expect(claim(scratch.folder, scratch.folder)).rejects.toEqual(refused(/files that the gate did not make: \.git, models\./));
    await expect(claim(join(scratch.folder, 'models'), scratch.folder)).rejects.toEqual(refused(/did not make: mine\./));
    await expect(claim(join(scratch.folder, '..'), scratch.folder)).rejects.toEqual(refused(/did not make/));
    await expect(claim(join(scratch.folder, 'models/mine/weights.bin'), scratch.folder)).rejects.toEqual(refused(/it is a file/));
    expect(readFileSync(join(scratch.folder, 'models/mine/weights.bin'), 'utf8')).toBe('precious');
    expect(readdirSync(scratch.folder).sort()).toEqual(['.git', 'models']);
  });

  it('is refused when a commit brings it, mark and all', async () => {
    const scratch = ScratchRepository.create();
    const folder = join(scratch.folder, '.optimization-gate');
    await claim(folder, scratch.folder);
    scratch.write('.optimization-gate/samples.jsonl', '');
    scratch.git('add', '--force', '.optimization-gate');
    await expect(claim(folder, scratch.folder)).rejects.toEqual(
      refused(/files of the repository: \.optimization-gate\/\.gitignore, \.optimization-gate\/optimization-gate\.txt, /),
    );
  });

  it('is refused behind a link of the checkout, whether it leads out or stays inside', async () => {
    const scratch = ScratchRepository.create();
    const outside = mkdtempSync(join(tmpdir(), 'outside-'));
    symlinkSync(outside, join(scratch.folder, '.optimization-gate'));
    await expect(claim(join(scratch.folder, '.optimization-gate'), scratch.folder)).rejects.toEqual(refused(/is a symbolic link/));
    await expect(claim(join(scratch.folder, '.optimization-gate', 'run'), scratch.folder)).rejects.toEqual(refused(/is a symbolic link/));
    symlinkSync('nowhere', join(scratch.folder, 'dangling'));
    await expect(claim(join(scratch.folder, 'dangling'), scratch.folder)).rejects.toEqual(refused(/dangling is a symbolic link/));
    // From outside, by a link that is the user's own, into the checkout and through one of its links.
    const here = testFolder();
    symlinkSync(scratch.folder, join(here, 'checkout'));
    await expect(claim(join(here, 'checkout', '.optimization-gate'), scratch.folder)).rejects.toEqual(refused(/is a symbolic link/));
    await claim(join(here, 'checkout', 'run'), scratch.folder);
    expect(existsSync(join(scratch.folder, 'run', 'optimization-gate.txt'))).toBe(true);
    expect(readdirSync(outside)).toEqual([]);
  });

  it('is refused when a link lies in it, through which the gate would write', async () => {
    const scratch = ScratchRepository.create();
    const folder = join(scratch.folder, 'run');
    await claim(folder, scratch.folder);
    symlinkSync('/etc/hostname', join(folder, 'samples.jsonl'));
    await expect(claim(folder, scratch.folder)).rejects.toEqual(refused(/samples\.jsonl in it is a symbolic link/));
  });

  it('is refused where it cannot be made', async () => {
    const folder = testFolder();
    writeFileSync(join(folder, 'file'), '');
    await expect(claim(join(folder, 'file', 'run'), folder)).rejects.toEqual(refused(/it cannot be read/));
  });
});
