import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';

/**
 * The programs as they are shipped, built from the sources of this moment: once in a run of the
 * tests, by the first file that asks. The folder is shared, so nobody writes in it.
 */
export const builtPrograms = async (): Promise<string> => {
  const folder = join(inject('sharedFolder'), 'dist');
  const building = `${folder}.partial`;
  try {
    mkdirSync(building);
  } catch {
    while (!existsSync(folder)) await sleep(50);
    return folder;
  }
  const { buildPrograms } = await import('../../scripts/build.ts');
  await buildPrograms(building);
  // The empty folder stays: it says that the programs are built.
  renameSync(building, folder);
  mkdirSync(building);
  return folder;
};
