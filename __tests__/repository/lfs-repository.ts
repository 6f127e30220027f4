import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ScratchRepository } from './scratch-repository.ts';

/** Whether Git LFS is installed here. */
export const hasLfs = ((): boolean => {
  try {
    execFileSync('git-lfs', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

const settings = [
  'filter.lfs.clean=git-lfs clean -- %f',
  'filter.lfs.smudge=git-lfs smudge -- %f',
  'filter.lfs.process=git-lfs filter-process',
  'filter.lfs.required=true',
];
const skipping = settings.map((setting) =>
  setting.replace('smudge --', 'smudge --skip --').replace('filter-process', 'filter-process --skip'),
);

/** A repository whose `*.bin` Git LFS keeps, and clones of it as a checkout step makes them. */
export class LfsRepository extends ScratchRepository {
  static make(): LfsRepository {
    const made = new LfsRepository(ScratchRepository.create().folder);
    for (const setting of settings) made.git('config', ...split(setting));
    made.write('.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
    return made;
  }

  /** `lfs: false`, the default of the checkout step: pointers. */
  cloneOfPointers(): ScratchRepository {
    const clone = this.clone(...skipping.flatMap((setting) => ['-c', setting]));
    for (const setting of settings) clone.git('config', ...split(setting));
    return clone;
  }

  /** `lfs: true`: the files of the commit that is checked out, and no others. */
  cloneOfFiles(): ScratchRepository {
    return this.clone(...settings.flatMap((setting) => ['-c', setting]));
  }

  /** The server loses all files. */
  lose(): void {
    rmSync(join(this.folder, '.git/lfs'), { recursive: true, force: true });
  }
}

const split = (setting: string): readonly string[] => [setting.slice(0, setting.indexOf('=')), setting.slice(setting.indexOf('=') + 1)];
