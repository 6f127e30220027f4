import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openTemporaryFolder } from '../../src/building/temporary-folder.ts';
import { openTrees } from '../../src/building/trees.ts';
import { allowedEnvironment } from '../../src/processes/environment.ts';
import { openRepository } from '../../src/repository/repository.ts';
import type { CommandContext } from '../../src/run/context.ts';
import { planOf } from '../gate/fixtures.ts';
import { ScratchRepository } from '../repository/scratch-repository.ts';
import { testFolder } from '../testkit/folder.ts';

test('each side has a temporary folder of its own as long as the run, in its setup too', async () => {
  const scratch = ScratchRepository.create();
  const base = scratch.commit({ who: 'base\n' });
  const head = scratch.commit({ who: 'head\n' });
  const plan = planOf([], {
    head: { commit: head, dirty: false },
    base: { commit: base, dirty: false },
    setup: { head: `sh -c 'cp who "$TMPDIR"'`, base: `sh -c 'cp who "$TMP"'` },
  });
  const host = { log: { info: () => {} }, event: { kind: 'developer' }, subjectEnvironment: allowedEnvironment(process.env) };
  const trees = await openTrees(
    {
      root: scratch.folder,
      packageRoot: '/',
      ortPath: null,
      searchesLibraries: true,
      storeRoot: '/nowhere',
      options: { runDir: 'run', config: null },
      host,
    } as unknown as CommandContext,
    plan,
    null,
  );
  const folders: string[] = [];
  try {
    for (const arm of ['head', 'base'] as const) {
      await trees.root(arm);
      const { TMPDIR: folder = '', TEMP, TMP, PATH } = await trees.environment(arm);
      expect([TEMP, TMP, PATH]).toEqual([folder, folder, process.env['PATH']]);
      expect(readFileSync(join(folder, 'who'), 'utf8')).toBe(`${arm}\n`);
      folders.push(folder);
    }
  } finally {
    await trees.release();
  }
  expect(folders.map((folder) => existsSync(folder))).toEqual([false, false]);
});

test('a relative temporary folder is the same one from every tree', async () => {
  vi.stubEnv('TMPDIR', relative(process.cwd(), testFolder()));
  try {
    const temporary = await openTemporaryFolder(tmpdir());
    expect(isAbsolute(temporary.folder)).toBe(true);
    await temporary.release();
    const scratch = ScratchRepository.create();
    const commit = scratch.commit({ who: 'base\n' });
    const worktree = await (await openRepository(scratch.folder)).worktree(commit);
    expect(isAbsolute(worktree.folder)).toBe(true);
    await worktree.release();
  } finally {
    vi.unstubAllEnvs();
  }
});
