import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { soloProgram } from '../../src/launching/solo-program.ts';
import { askWorker } from '../../src/run/worker-process.ts';
import { testFolder } from '../testkit/folder.ts';

it('starts Node with one thread for JavaScript, an allocator that gives back, and the rest of its environment', async () => {
  const folder = testFolder();
  const program = join(folder, 'worker.mjs');
  writeFileSync(
    program,
    `process.on('message', () => process.send({ type: 'failed', error: { code: 'internal', message: JSON.stringify([process.execArgv, process.env]), arm: null } }));\n`,
  );
  const worker = soloProgram({ program, environment: { PATH: '/bin', ORT_PATH: 'here' }, cwd: folder });
  const limits = { seconds: 60, silenceSeconds: 60, memoryBytes: null, named: 'limits.seconds' };
  const thrown = await askWorker(worker, { type: 'probe', provider: 'cpu', threads: 1 }, 'probed', limits, 'solo').catch(
    (error: Error) => error,
  );
  const [execArgv, environment] = JSON.parse((thrown as Error).message);
  expect(execArgv).toEqual(['--single-threaded']);
  expect(environment).toMatchObject({
    ORT_PATH: 'here',
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '65536',
    MALLOC_TRIM_THRESHOLD_: '65536',
  });
});
