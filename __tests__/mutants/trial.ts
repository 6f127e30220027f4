import { catalogues } from './catalogue.ts';
import type { Clone } from './clone.ts';
import { type Outcome, outcomeOfMutant, outcomeOfPlacebo } from './outcome.ts';
import { entryOf, modelOf, type Placed } from './together.ts';

/** Runs of so many cells at most: a run that ends badly says nothing of any of them. */
export const mostTogether = 6;

export interface TriedOne {
  readonly trial: Placed;
  readonly outcome: Outcome;
  /** Its share of the time. */
  readonly seconds: number;
}

/** Everything in the catalogue of one kind. */
export const placed = (kind: 'mutants' | 'placebos'): readonly Placed[] =>
  catalogues.flatMap(({ optimization, [kind]: all }) => all.map((planted) => ({ optimization, planted })));

/** Plants some things in the clone, runs the cells that they concern, and takes them out again. `without`: metrics that are switched off. */
export const tryTogether = async (
  clone: Clone,
  group: readonly Placed[],
  seed: string,
  without: readonly string[] = [],
): Promise<{ readonly tried: readonly TriedOne[]; readonly said: string }> => {
  const started = performance.now();
  try {
    await clone.edit(group.flatMap(({ planted }) => planted.edits));
    const [models, entries] = [[...new Set(group.map(modelOf))].join(), group.map(entryOf).join()];
    const scope = ['--models', models, '--optimizations', entries, '--base', 'HEAD', '--seed', seed, '--quick'];
    const name = `${seed}+${group.map(({ planted }) => planted.id).join('+')}`.slice(0, 200);
    const { report, errors, text } = await clone.gateExactly(name, without, ...scope);
    const seconds = (performance.now() - started) / 1000 / group.length;
    const tried = group.map((trial) => {
      const { planted } = trial;
      const cells = (report?.cells ?? []).filter(({ optimization }) => optimization === entryOf(trial));
      const outcome = 'noticedBy' in planted ? outcomeOfMutant(planted, cells) : outcomeOfPlacebo(cells);
      return { trial, outcome, seconds };
    });
    return { tried, said: `${errors}\n${text}` };
  } finally {
    clone.mend();
  }
};
