import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testFolder } from '../../testkit/folder.ts';
import { truncateBlob } from '../../testkit/results-service.ts';
import { expectFiles, filledFolder, openCache, serve } from './cache-job.ts';

test('an entry is found by prefix and gives the bytes that were saved; a key is taken once; a truncated entry is damaged', async () => {
  const service = await serve();
  const here = await filledFolder();
  const there = testFolder();
  const { save, said, temporary } = await openCache(service.environment());
  expect([await save('models-1', here), await save('models-1', here)]).toEqual(['saved', 'exists']);
  const pull = await openCache(service.environment('refs/pull/7/merge'));
  expect(await pull.restore(testFolder(), 'other')).toBe('nothing');
  expect(await pull.restore(there, 'nothing-', 'models-')).toBe('restored models-1');
  await expectFiles(there);
  expect([...said, ...pull.said]).toEqual([]);
  for (const entry of service.state.entries) await truncateBlob(entry, 40);
  expect(await pull.restore(testFolder(), 'models-')).toBe('damaged models-1');
  expect(pull.said).toEqual([
    expect.stringMatching(
      /^The workflow cache was not read: its content does not unpack \(".+"\)\..* may write to the cache replaces the entry/,
    ),
  ]);
  expect([await readdir(temporary), await readdir(pull.temporary)]).toEqual([[], []]);
});

test('a process that is ended or says nothing of use fails the operation alone', async () => {
  const program = join(testFolder(), 'program.mjs');
  const cache = await openCache({ ACTIONS_RESULTS_URL: 'http://127.0.0.1:1/' }, {}, program);
  await writeFile(
    program,
    'process.send({ restored: 7 }); console.log("::error::%0A::stop-commands::x"); process.kill(process.pid, "SIGKILL");',
  );
  expect(await cache.restore(testFolder(), 'k')).toBe('nothing');
  await writeFile(program, 'process.kill(process.pid, "SIGKILL")');
  expect(await cache.save('k', testFolder())).toBe('off');
  expect(cache.said).toEqual([
    expect.stringContaining('not read: the operation failed'),
    expect.stringContaining('not written: the operation failed (the process of the cache was ended by SIGKILL'),
  ]);
});

test('the process gets the token of the service, and no other secret', async () => {
  const program = join(testFolder(), 'program.mjs');
  await writeFile(program, 'process.send({ thrown: Object.keys(process.env).sort().join(" ") })');
  const secrets = { GITHUB_TOKEN: 'x', 'INPUT_GITHUB-TOKEN': 'x', GITHUB_ENV: '/x', MY_SECRET: 'x' };
  const cache = await openCache({ ACTIONS_RESULTS_URL: 'http://127.0.0.1:1/', ACTIONS_RUNTIME_TOKEN: 'x', ...secrets }, {}, program);
  await cache.restore(testFolder(), 'k');
  const [said = ''] = cache.said;
  expect(said).toMatch(/ACTIONS_RESULTS_URL ACTIONS_RUNTIME_TOKEN/);
  for (const name of Object.keys(secrets)) expect(said).not.toContain(name);
});
