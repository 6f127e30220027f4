import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseModelConfig, readJsonFile } from '../../src/models/config.ts';
import { modelFacts } from '../../src/models/facts.ts';
import { builtinOptimizations } from '../../src/optimizations/registry.ts';
import { programFiles } from '../../src/run/imported-files.ts';
import { isSubject } from '../../src/run/serving-code.ts';
import type { Mutant, Placebo } from './mutant.ts';

const repository = join(import.meta.dirname, '..', '..');
const source = join(repository, 'src');

const read = async (paths: readonly string[]): Promise<readonly (string | null)[]> =>
  paths.map((path) => {
    try {
      return readFileSync(join(source, path), 'utf8');
    } catch {
      return null;
    }
  });

const pathsOf = (files: readonly { readonly path: string }[]): ReadonlySet<string> => new Set(files.map(({ path }) => `src/${path}`));

const usualModel = 'mini-qwen3-dense';

/** Something planted, with where it shows. */
export interface Placed {
  readonly optimization: string;
  readonly planted: Mutant | Placebo;
}

export const entryOf = ({ optimization, planted }: Placed): string => planted.entry ?? optimization;
export const modelOf = ({ planted }: Placed): string => planted.model ?? usualModel;

/** Which files of the source decide what. */
export interface Reach {
  /** What serves and measures every arm. */
  readonly serving: ReadonlySet<string>;
  /** What the arms of an optimization are made and led by, by its id; makers of its variants included. */
  readonly subjects: ReadonlyMap<string, ReadonlySet<string>>;
}

export const reachOf = async (): Promise<Reach> => {
  const own = new Map<string, ReadonlySet<string>>();
  for (const { benchmark } of builtinOptimizations)
    own.set(benchmark.id, pathsOf(await programFiles(`optimizations/${benchmark.id}/subject.ts`, read)));
  const config = parseModelConfig(readJsonFile(join(repository, 'models', usualModel, 'config.json')), usualModel);
  const facts = modelFacts(usualModel, '', config, true);
  const subjects = builtinOptimizations.map(({ benchmark }) => {
    const { variants } = benchmark.workload(facts, benchmark.options.parse({}, 'with'));
    const makers = [benchmark.id, ...Object.values(variants).flatMap(({ optimization }) => optimization ?? [])];
    return [benchmark.id, new Set(makers.flatMap((maker) => [...(own.get(maker) ?? [])]))] as const;
  });
  return { serving: pathsOf(await programFiles('worker.ts', read, isSubject)), subjects: new Map(subjects) };
};

const filesOf = ({ planted }: Placed): readonly string[] => planted.edits.map(({ file }) => file);

/**
 * What can be planted at once and is told apart by its cell: things of one model, each in a cell of its own, that reach no other cell of the
 * group. What serves all arms stays alone. In the order given, at most `most` in a group.
 */
export const together = <T extends Placed>(trials: readonly T[], { serving, subjects }: Reach, most: number): readonly (readonly T[])[] => {
  const isAlone = (trial: T): boolean => filesOf(trial).some((file) => serving.has(file));
  const reaches = (trial: T, other: T): boolean => filesOf(trial).some((file) => subjects.get(other.optimization)?.has(file) === true);
  const groups: T[][] = [];
  for (const trial of trials) {
    const group = isAlone(trial)
      ? undefined
      : groups.find(
          (each) =>
            each.length < most &&
            each.every(
              (other) =>
                !isAlone(other) &&
                modelOf(other) === modelOf(trial) &&
                entryOf(other) !== entryOf(trial) &&
                !reaches(trial, other) &&
                !reaches(other, trial),
            ),
        );
    if (group === undefined) groups.push([trial]);
    else group.push(trial);
  }
  return groups;
};
