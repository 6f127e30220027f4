import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { identifyProcess, markedProcesses } from '../../src/processes/process-tree.ts';

it.skipIf(process.platform !== 'linux')('finds a process by its mark, however long the environment before it is', async () => {
  const environment = { LONG: 'x'.repeat(100_000), MARK: 'process-tree-test' };
  const child = spawn(process.execPath, ['-e', 'console.log(); setInterval(() => {}, 1000);'], { env: environment });
  try {
    await once(child.stdout, 'data');
    const self = identifyProcess(child.pid ?? 0);
    expect(self).not.toBeNull();
    expect(markedProcesses('MARK=process-tree-test')).toEqual([self]);
    // A part of an entry is none.
    expect(markedProcesses('MARK=process-tree')).toEqual([]);
  } finally {
    child.kill('SIGKILL');
  }
});
