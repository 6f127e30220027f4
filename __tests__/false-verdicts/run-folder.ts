import { existsSync } from 'node:fs';
import { expect } from 'vitest';
import { changedEngine, sizeProgram } from './measured-run.ts';
import type { Situation } from './situation.ts';

export const situations: readonly Situation[] = [
  {
    kind: 'contradiction',
    example: 'Two runs of different plans begin in one folder, the second while the first measures',
    before: 'document-invalid, both',
    now: 'each with its own verdict',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const project = changedEngine(sizeProgram(10), sizeProgram(20));
      project.commit({ 'engine.mjs': sizeProgram(15) });
      const first = project.gate('--base', 'HEAD~2');
      await expect.poll(() => existsSync(project.samplesFile), { timeout: 60_000, interval: 50 }).toBe(true);
      const [worse, better] = await Promise.all([first, project.gate('--base', 'HEAD~1')]);
      expect([worse.code, worse.stdout], worse.stderr).toEqual([1, expect.stringContaining('10 → 15 B')]);
      expect([better.code, better.stdout], better.stderr).toEqual([0, expect.stringContaining('20 → 15 B')]);
      expect(better.stderr).toContain('Waiting for another run in the same folder');
    },
  },
];
