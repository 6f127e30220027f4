import { configurationLine, takesModel } from '../config/config.ts';
import { modelEntryId, type ResolvedOptimization } from '../config/resolve.ts';
import type { ConfiguredSides } from '../config/selection.ts';
import type { Workload } from '../contract/benchmark.ts';
import type { ModelFacts } from '../records/serving.ts';
import { cellIdOf } from '../records/words.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from '../run/context.ts';
import { configurationIn, largestBytes } from './configuration-file.ts';
import { type EntrySources, usableSide } from './measurable-entries.ts';
import { findModelFolder, openModel } from './model-folder.ts';
import { workloadOf } from './plan-cells.ts';

/** Everything that either side configures, selected for the run or not. */
export interface ConfiguredCells {
  /** Ids of the cells. */
  readonly ids: readonly string[];
  /** What is measured of a cell on either side; null where its model is not there to be asked, or the cell is not. */
  workloadsOf(cell: string): readonly Workload[] | null;
}

export const configuredCells = (sides: ConfiguredSides, sources: EntrySources, { root, packageRoot }: CommandContext): ConfiguredCells => {
  const entries = new Map<string, { readonly model: string | null; readonly of: ResolvedOptimization[] }>();
  for (const config of sides.base === null ? [sides.head] : [sides.head, sides.base]) {
    const { models, optimizations } = usableSide(config, { ...sources, catalogue: { ...sources.catalogue, models: null } }).config;
    for (const entry of optimizations)
      for (const model of takesModel(entry) ? models.map(modelEntryId) : [null]) {
        const id = cellIdOf(model, entry.id);
        const cell = entries.get(id) ?? { model, of: [] };
        cell.of.push(entry);
        entries.set(id, cell);
      }
  }
  const opened = new Map<string, ModelFacts | null>(sources.models.map((facts) => [facts.id, facts]));
  const factsOf = (id: string): ModelFacts | null => {
    const known = opened.get(id);
    if (known !== undefined) return known;
    const facts = findModelFolder(id, root, packageRoot) === null ? null : openModel(id, root, packageRoot).facts;
    opened.set(id, facts);
    return facts;
  };
  return {
    ids: [...entries.keys()],
    workloadsOf: (id) => {
      const cell = entries.get(id);
      if (cell === undefined) return null;
      const facts = cell.model === null ? null : factsOf(cell.model);
      if (cell.model !== null && facts === null) return null;
      return cell.of.map((entry) => workloadOf(entry, facts, sources.benchmarkOf).workload);
    },
  };
};

/** Ids of the cells of every configuration that some commits hold: projects may share a file of acceptances. */
export const cellsAnywhere = async (repository: Repository, commits: readonly string[]): Promise<ReadonlySet<string>> => {
  const ids = new Set<string>();
  for (const commit of commits) {
    const paths = await repository.filesWith(commit, configurationLine, ['**/*.yml', '**/*.yaml', '**/*.json']);
    for (const text of await repository.textsAt(commit, paths, largestBytes)) {
      const config = text === null ? null : configurationIn(text, commit);
      for (const entry of config?.optimizations ?? [])
        for (const model of takesModel(entry) ? (config?.models ?? []).map(modelEntryId) : [null]) ids.add(cellIdOf(model, entry.id));
    }
  }
  return ids;
};
