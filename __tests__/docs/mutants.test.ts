import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalogues } from '../mutants/catalogue.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'mutants.md'), 'utf8');

/** Cells of the rows that say what became of something planted. */
const rows = page
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(({ length }) => length === 7)
  .map(([, optimization = '', id = '', what = '', outcome = '']) => ({
    optimization: optimization.replaceAll('`', ''),
    id: id.replaceAll('`', ''),
    what,
    outcome,
  }))
  .filter(({ id }) => id !== 'Planted' && !id.startsWith('-'));

describe('docs/mutants.md', () => {
  it('has a row for all that is in the catalogue, and for nothing else', () => {
    const planted = catalogues.flatMap(({ optimization, mutants, placebos }) =>
      [...mutants, ...placebos].map(({ id, what }) => ({ optimization, id, what })),
    );
    const named = ({ optimization, id, what }: { optimization: string; id: string; what: string }): string =>
      `${optimization} ${id}: ${what}`;
    expect(rows.map(named).toSorted()).toEqual(planted.map(named).toSorted());
  });

  it('adds up, to a score that is good enough', () => {
    const [, caught, mutants, left, placebos] =
      /Caught by the right metric: (\d+) of (\d+) .*Placebos left alone: (\d+) of (\d+)/.exec(page)?.map(Number) ?? [];
    const count = (outcome: string): number => rows.filter((row) => row.outcome === outcome).length;
    expect([caught, left]).toEqual([count('caught'), count('left-alone')]);
    expect((mutants ?? 0) + (placebos ?? 0)).toBe(rows.length);
    expect((caught ?? 0) / (mutants ?? 1)).toBeGreaterThanOrEqual(0.95);
    expect(left).toBe(placebos);
  });

  it('gives a reason for whatever is missed', () => {
    for (const { id, outcome } of rows) if (outcome !== 'caught' && outcome !== 'left-alone') expect(page, id).toContain(`- \`${id}\`: `);
  });
});
