import { describe, expect, it } from 'vitest';
import { buildSeconds } from '../../src/gate/build-cost.ts';
import type { Plan, PlannedCell } from '../../src/records/plan.ts';
import { cell, digest, planOf, samplesOf } from './fixtures.ts';

/** Variants of one arm: what each is built on, and how long it took. */
type Variants = Readonly<Record<string, { readonly on?: string; readonly seconds: number | null }>>;

const costOf = (variants: Variants, comparators: PlannedCell['comparators'] = {}): number | null => {
  const names = Object.keys(variants);
  const keyOf = (name: string): string => digest('0123456789abcdef'.charAt(names.indexOf(name)));
  const arm = { id: 'head' as const, builds: Object.fromEntries(names.map((name) => [name, keyOf(name)])), policy: null, options: null };
  const own = cell('mini/pruning', { arms: [{ ...arm, code: digest('c') }], comparators });
  const builds = names.map((name) => {
    const on = variants[name]?.on;
    return { key: keyOf(name), on: on === undefined ? null : keyOf(on) };
  }) as unknown as Plan['builds'];
  const line = { line: 'built', status: 'built', artefact: digest('a'), bytes: 1, repeatSeconds: null, facts: {}, error: null } as const;
  const built = new Map(names.map((name) => [keyOf(name), { ...line, key: keyOf(name), seconds: variants[name]?.seconds ?? null }]));
  return buildSeconds(planOf([own], { builds }), own, 'head', samplesOf([], [], { built }));
};

describe('what an arm costs to build', () => {
  it('is its main, without what only a comparator serves, on it or beside it', () => {
    expect(costOf({ main: { seconds: 3 } })).toBe(3);
    expect(costOf({ main: { seconds: 3 }, window: { seconds: 50 } }, { 'comparator:fixed-window': 'window' })).toBe(3);
    expect(costOf({ main: { seconds: 3 }, zeros: { on: 'main', seconds: 50 } }, { 'comparator:zeros': 'zeros' })).toBe(3);
    expect(costOf({ main: { seconds: 3 }, window: { seconds: null } }, { 'comparator:fixed-window': 'window' })).toBe(3);
  });

  it('is its main although a comparator serves that too, and what it is built on', () => {
    expect(costOf({ main: { seconds: 3 } }, { 'comparator:again': 'main', 'comparator:reference': null })).toBe(3);
    expect(costOf({ first: { seconds: 4 }, main: { on: 'first', seconds: 3 } })).toBe(7);
    expect(costOf({ first: { seconds: 4 }, main: { on: 'first', seconds: 3 } }, { 'comparator:first': 'first' })).toBe(7);
  });

  it('is the whole pool of a search, without its comparators', () => {
    const pool = { small: { seconds: 1 }, large: { seconds: 2 }, cut: { on: 'large', seconds: 4 } };
    expect(costOf(pool)).toBe(7);
    expect(costOf({ ...pool, comparator: { seconds: 50 } }, { 'comparator:comparator': 'comparator' })).toBe(7);
  });

  it('is not known where a build has no duration, and none where nothing is built', () => {
    expect(costOf({ main: { seconds: null } })).toBeNull();
    expect(costOf({ small: { seconds: 1 }, large: { seconds: null } })).toBeNull();
    expect(costOf({})).toBeNull();
    expect(costOf({ comparator: { seconds: 50 } }, { 'comparator:comparator': 'comparator' })).toBeNull();
  });
});
