import { describe, expect, it } from 'vitest';
import { settleCell } from '../../src/gate/settled-cell.ts';
import type { PlannedBuild } from '../../src/records/plan.ts';
import type { BuiltLine } from '../../src/records/sample.ts';
import { buildOf, cell, digest, planOf } from './fixtures.ts';

const keys = { base: digest('6'), head: digest('7') } as const;

/** A cell whose arms build one variant each, of which some failed. */
const settled = (mayFail: PlannedBuild['mayFail'], ...failed: readonly ('base' | 'head')[]) => {
  const arms = cell('mini/search').arms.map((arm) => ({ ...arm, builds: { factored: keys[arm.id] } }));
  const searching = cell('mini/search', { arms });
  const builds = (['base', 'head'] as const).map((arm) => ({
    ...buildOf(arm),
    key: keys[arm],
    cell: searching.id,
    variant: 'factored',
    mayFail,
  }));
  const built = new Map(
    (['base', 'head'] as const).map(
      (arm): [string, BuiltLine] =>
        [
          keys[arm],
          failed.includes(arm)
            ? {
                line: 'built',
                key: keys[arm],
                status: 'failed',
                artefact: null,
                error: { code: 'build-failed', message: 'no', arm },
                seconds: 1,
              }
            : { line: 'built', key: keys[arm], status: 'built', artefact: digest('8'), error: null, seconds: 1 },
        ] as never,
    ),
  );
  const { status, error } = settleCell(planOf([searching], { builds }), searching, built);
  return [status, error?.arm ?? null];
};

describe('a build that failed', () => {
  it.each([
    ['never', 'base', ['failed', 'base']],
    ['never', 'head', ['failed', 'head']],
    ['always', 'base', ['changed', null]],
    ['always', 'head', ['changed', null]],
    ['where-base-does', 'base', ['changed', null]],
    ['where-base-does', 'head', ['failed', 'head']],
  ] as const)('of a variant that %s may fail, of %s', (mayFail, arm, outcome) => {
    expect(settled(mayFail, arm)).toEqual(outcome);
  });

  it('of both sides alike changes nothing where it may', () => {
    expect(settled('where-base-does', 'base', 'head')).toEqual(['unchanged', null]);
    expect(settled('always', 'base', 'head')).toEqual(['unchanged', null]);
    expect(settled('never', 'base', 'head')[0]).toBe('failed');
  });
});
