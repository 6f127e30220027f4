import { GateError } from '../errors.ts';
import type { Baseline } from '../records/baseline.ts';
import { baselinePath } from './path.ts';

export interface SelectedBaseline {
  /** The stored numbers that may be compared with this runner's; null where there are none. */
  readonly baseline: Baseline | null;
  /** Runner classes that have numbers of this model, none of them comparable; sorted. */
  readonly otherClasses: readonly string[];
}

/**
 * Finds the baseline of a model for one runner class among the files below baselines/ (path → content). Numbers of another
 * runner class are never returned: they are named only. Throws `baseline-invalid` when a file holds what its path does not say.
 */
export const selectBaselines = (files: Readonly<Record<string, Baseline>>, runnerClass: string, model: string): SelectedBaseline => {
  const path = baselinePath(runnerClass, model);
  const otherClasses: string[] = [];
  for (const [where, file] of Object.entries(files)) {
    if (file.model !== model && where !== path) continue;
    if (where !== baselinePath(file.runnerClass, file.model)) {
      throw new GateError('baseline-invalid', `the file says runner class ${file.runnerClass} and model ${file.model}`, {
        where: `baselines/${where}`,
      });
    }
    if (where !== path) otherClasses.push(file.runnerClass);
  }
  return { baseline: files[path] ?? null, otherClasses: otherClasses.sort() };
};
