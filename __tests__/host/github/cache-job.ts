import { mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { workflowCache } from '../../../src/host/github/cache.ts';
import { cacheLimits } from '../../../src/host/github/cache-process.ts';
import { builtPrograms } from '../../testkit/built-programs.ts';
import { testFolder } from '../../testkit/folder.ts';
import { type ResultsService, startResultsService } from '../../testkit/results-service.ts';

const files = { 'blobs/ab/model.bin': Buffer.alloc(300_000, 'weights'), 'index.json': Buffer.from('{}'), empty: Buffer.alloc(0) };

/** A folder to keep. */
export const filledFolder = async (): Promise<string> => {
  const folder = testFolder();
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
    await utimes(join(folder, path), 1_700_000_000, 1_700_000_000);
  }
  await utimes(join(folder, 'blobs', 'ab'), 1_600_000_000, 1_600_000_000);
  return folder;
};

export const expectFiles = async (folder: string): Promise<void> => {
  for (const [path, content] of Object.entries(files)) expect((await readFile(join(folder, path))).equals(content)).toBe(true);
  expect((await stat(join(folder, 'index.json'))).mtimeMs).toBe(1_700_000_000_000);
  expect((await stat(join(folder, 'blobs', 'ab'))).mtimeMs).toBe(1_600_000_000_000);
};

export const serve = async (): Promise<ResultsService> => {
  const started = await startResultsService(join(testFolder(), 'blobs'));
  onTestFinished(() => started.close());
  return started;
};

/** A transfer must move 100 kB in a second here. */
const limits = { ...cacheLimits, windowBytes: 100_000, windowSeconds: 1 };

/** The cache of one job with the program that is shipped, and what it said. */
export const openCache = async (
  environment: Readonly<Record<string, string>>,
  changed: Partial<typeof cacheLimits> = {},
  cacheProgram: string | null = null,
) => {
  const said: string[] = [];
  const program = cacheProgram ?? join(await builtPrograms(), 'cache-worker.js');
  const temporary = testFolder();
  const around = { PATH: process.env['PATH'] ?? '', RUNNER_TEMP: temporary, ...environment };
  const cache = workflowCache(around, { program, limits: { ...limits, ...changed }, say: (text) => said.push(text) });
  return {
    said,
    temporary,
    save: cache.save,
    restore: async (folder: string, ...prefixes: readonly string[]) => {
      const found = await cache.restore(prefixes, folder);
      return found.status === 'nothing' ? 'nothing' : `${found.status} ${found.key}`;
    },
  };
};
