import { lstatSync, readdirSync, truncateSync } from 'node:fs';
import { join, relative } from 'node:path';
import { GateError } from '../errors.ts';
import type { Plan, PlannedBuild } from '../records/plan.ts';
import type { BuiltLine } from '../records/sample.ts';
import { globTest } from '../repository/glob.ts';

/**
 * Base's builds that came out like head's although the code differs, one per optimization: either the edit changes nothing,
 * or both sides ran the same installed copy of the code. Building once more with the declared inputs empty tells which.
 */
export const leakSuspects = (plan: Plan, built: ReadonlyMap<string, BuiltLine>): readonly PlannedBuild[] => {
  const suspects = new Map<string, PlannedBuild>();
  for (const base of plan.builds) {
    if (base.arm !== 'base' || base.subject.inputs.length === 0 || suspects.has(base.optimization)) continue;
    const head = plan.builds.find((build) => build.arm === 'head' && build.cell === base.cell && build.variant === base.variant);
    if (head === undefined || head.subject.code === base.subject.code) continue;
    const artefact = built.get(base.key)?.artefact ?? null;
    if (artefact !== null && artefact === built.get(head.key)?.artefact) suspects.set(base.optimization, base);
  }
  return [...suspects.values()];
};

/** The error of a build that does not depend on what it says it depends on. */
export const leak = (build: PlannedBuild): GateError =>
  new GateError(
    'inputs-leak',
    `with ${build.subject.inputs.join(', ')} emptied the same artefact comes out: another copy of the code was run`,
    {
      where: build.cell,
    },
  );

/** Truncates every regular file below `folder` that a pattern matches; git's own files stay. */
export const emptyInputs = (folder: string, patterns: readonly string[]): void => {
  const tests = patterns.map((pattern) => globTest(pattern, 'inputs'));
  const visit = (at: string): void => {
    for (const name of readdirSync(at)) {
      const path = join(at, name);
      const inside = relative(folder, path).split('\\').join('/');
      const stats = lstatSync(path);
      if (inside === '.git') continue;
      if (stats.isDirectory()) visit(path);
      else if (stats.isFile() && tests.some((test) => test(inside))) truncateSync(path, 0);
    }
  };
  visit(folder);
};
