import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openScene, type SceneOptions } from '../action/scene.ts';
import { ScratchRepository } from '../repository/scratch-repository.ts';
import { git } from '../testkit/git.ts';
import { forgetHistory, moveRemote } from './checkout.ts';
import { engineConfiguration } from './engine-configuration.ts';
import { engineProgram, expectError, expectRegressed, openEngineScene, said } from './engine-scene.ts';

const nowhere = 'file:///nonexistent/no-credentials.git';

/** The checkout of a job that may ask its remote no more. */
const cutOff = (workspace: string): Promise<void> => moveRemote(workspace, nowhere);

/** Takes base's program out of the objects of a clone. */
const loseBase = async (workspace: string): Promise<void> => {
  const objects = join(workspace, '.git', 'objects');
  const lost = (await git(workspace, ['rev-parse', 'HEAD^1:bench.mjs'])).trim();
  const packs = readdirSync(join(objects, 'pack')).filter((name) => name.endsWith('.pack'));
  const contents = packs.map((name) => readFileSync(join(objects, 'pack', name)));
  rmSync(join(objects, 'pack'), { recursive: true });
  for (const input of contents) await git(workspace, ['unpack-objects', '-q'], { input });
  rmSync(join(objects, lost.slice(0, 2), lost.slice(2)));
};

interface Situation {
  readonly clone?: SceneOptions['clone'];
  /** What an earlier step did to the checkout. */
  readonly step: (workspace: string) => unknown;
  readonly code: string;
  readonly says: RegExp;
}

const situations: Readonly<Record<string, Situation>> = {
  'a partial clone without blobs and without credentials': {
    clone: ['--filter=blob:none', '--no-checkout'],
    step: cutOff,
    code: 'objects-missing',
    says: /persist-credentials: true/,
  },
  'a partial clone without trees and without credentials': {
    clone: ['--filter=tree:0', '--no-checkout'],
    step: cutOff,
    code: 'objects-missing',
    says: /persist-credentials: true/,
  },
  'a shallow clone that cannot be deepened': {
    step: async (workspace) => {
      await forgetHistory(workspace);
      await cutOff(workspace);
    },
    code: 'shallow-clone',
    says: /fetch-depth: 0/,
  },
  'a clone that lost an object': {
    step: async (workspace) => {
      await loseBase(workspace);
      await cutOff(workspace);
    },
    code: 'objects-missing',
    says: /persist-credentials: true/,
  },
  'a tree that git does not lay out': {
    step: (workspace) => writeFileSync(join(workspace, '.git', 'worktrees'), 'in the way'),
    code: 'base-unavailable',
    says: /git worktree add/,
  },
};

describe('base that cannot be had fails the job on worse code, with the way out', { timeout: 300_000 }, () => {
  it.each(Object.entries(situations))('%s', async (_, { clone = [], step, code, says }) => {
    const scene = await openEngineScene({}, { clone });
    try {
      scene.step(step);
      expectError(scene, await scene.change({}), { code, exit: 3, says });
      // The same change where base can be had.
      scene.step(() => {});
      expectRegressed(scene, await scene.change({}));
    } finally {
      await scene.close();
    }
  });

  it("a submodule's new commit, of which base pins the old one", async () => {
    const library = ScratchRepository.create();
    const old = library.commit({ 'bench.mjs': engineProgram(100) });
    const young = library.commit({ 'bench.mjs': engineProgram(900) });
    const modules = `[submodule "bench"]\n\tpath = bench\n\turl = file://${library.folder}\n`;
    const config = engineConfiguration().replaceAll('bench.mjs', 'bench/bench.mjs');
    const scene = await openScene({ 'optimization-gate.yml': config, '.gitmodules': modules });
    try {
      await scene.commit('main', 'Pin', { bench: { submodule: old } });
      await scene.commit('younger', 'Pin a younger one', { bench: { submodule: young } });
      const update = async (workspace: string, ...more: readonly string[]): Promise<void> => {
        await git(workspace, ['-c', 'protocol.file.allow=always', 'submodule', 'update', '--quiet', '--init', ...more]);
      };
      const elsewhere = `${library.folder}.moved`;
      scene.step(async (workspace) => {
        await update(workspace, '--depth=1');
        renameSync(library.folder, elsewhere);
      });
      const run = await scene.pullRequest(6, 'younger');
      expectError(scene, { run, number: 6 }, { code: 'submodule-missing', exit: 3, says: /fetch-depth: 0/ });
      renameSync(elsewhere, library.folder);
      scene.step((workspace) => update(workspace));
      const whole = await scene.pullRequest(6, 'younger');
      expect([whole.code, whole.outputs['verdict']], said(whole)).toEqual([1, 'regressed']);
    } finally {
      await scene.close();
    }
  });

  it('a partial clone without blobs and without credentials, for built-ins alone', async () => {
    const text = (ratio: string): string =>
      `models: [mini-qwen3-dense]\noptimizations: [{ id: structured-pruning, with: { ratio: ${ratio} } }]\n`;
    const scene = await openScene({ 'optimization-gate.yml': text('0.25') }, { clone: ['--filter=blob:none', '--no-checkout'] });
    try {
      await scene.commit('ratio', 'Other ratio', { 'optimization-gate.yml': text('0.3') });
      scene.step(cutOff);
      const run = await scene.pullRequest(5, 'ratio');
      expectError(scene, { run, number: 5 }, { code: 'objects-missing', exit: 3, says: /persist-credentials: true/ });
    } finally {
      await scene.close();
    }
  });
});
