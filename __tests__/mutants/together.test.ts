import { describe, expect, it } from 'vitest';
import { catalogues } from './catalogue.ts';
import { entryOf, modelOf, type Placed, reachOf, together } from './together.ts';

const placed = catalogues.flatMap(({ optimization, mutants, placebos }) =>
  [...mutants, ...placebos].map((planted): Placed => ({ optimization, planted })),
);
const reach = await reachOf();
const idsOf = (trials: readonly Placed[]): readonly string[] => trials.map(({ planted }) => planted.id);

describe('what is planted together', () => {
  const groups = together(placed, reach, 6);

  it('is everything, once', () => {
    expect(groups.flatMap(idsOf).toSorted()).toEqual(idsOf(placed).toSorted());
    expect(Math.max(...groups.map(({ length }) => length))).toBe(6);
    expect(groups.length).toBeLessThan(placed.length / 2);
  });

  it('is of one model, and shows in one cell each', () => {
    for (const group of groups) {
      expect(new Set(group.map(modelOf)).size).toBe(1);
      expect(new Set(group.map(entryOf)).size).toBe(group.length);
      for (const one of group)
        for (const other of group)
          for (const { file } of one.planted.edits)
            if (one !== other)
              expect(reach.subjects.get(other.optimization)?.has(file) ?? false, `${one.planted.id} in ${file}`).toBe(false);
    }
  });

  it('keeps alone what serves all arms', () => {
    expect(reach.serving.has('src/runtime/cache-window.ts')).toBe(true);
    expect(reach.serving.has('src/optimizations/streaming/subject.ts')).toBe(false);
    const loop = groups.find((group) => idsOf(group).includes('loop-keeps-the-oldest'));
    expect(loop).toHaveLength(1);
  });

  it('knows whose passes a pipeline of modules is made of', () => {
    expect(reach.subjects.get('modular-components')).toContain('src/optimizations/structured-pruning/feed-forward.ts');
    expect(reach.subjects.get('streaming')).not.toContain('src/optimizations/structured-pruning/feed-forward.ts');
  });
});
