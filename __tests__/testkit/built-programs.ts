import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';

/** Whether this call has made the folder: nobody had before. */
const begins = (folder: string): boolean => {
  try {
    mkdirSync(folder);
    return true;
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST') return false;
    throw thrown;
  }
};

/** The folder once something has filled it: whoever asks first does, and where that fails, it fails for all. */
export const filledOnce = async (folder: string, fill: (folder: string) => Promise<void>): Promise<string> => {
  const failure = `${folder}.failed`;
  if (!begins(`${folder}.begun`)) {
    while (!existsSync(folder)) {
      if (existsSync(failure)) throw new Error(readFileSync(failure, 'utf8'));
      await sleep(50);
    }
    return folder;
  }
  const partial = `${folder}.partial`;
  try {
    mkdirSync(partial);
    await fill(partial);
    renameSync(partial, folder);
  } catch (thrown) {
    writeFileSync(`${failure}.partial`, String(thrown));
    renameSync(`${failure}.partial`, failure);
    throw thrown;
  }
  return folder;
};

/**
 * The programs as they are shipped, built from the sources of this moment: once in a run of the
 * tests, by the first file that asks. The folder is shared, so nobody writes in it.
 */
export const builtPrograms = (): Promise<string> =>
  filledOnce(join(inject('sharedFolder'), 'dist'), async (folder) => {
    const { buildPrograms } = await import('../../scripts/build.ts');
    await buildPrograms(folder);
  });
