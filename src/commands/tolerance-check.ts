import type { Config } from '../config/config.ts';
import { type Catalogue, type ResolvedConfig, resolveConfig } from '../config/resolve.ts';
import type { Sides } from '../config/selection.ts';
import { checkTolerances, toleranceOf, unknownTolerances } from '../config/tolerance.ts';
import type { Bench } from '../optimizations/contract.ts';
import type { MetricSpec } from '../records/metric.ts';
import type { PlannedCell } from '../records/plan.ts';
import type { ModelFacts } from '../records/serving.ts';
import type { CommandContext } from './context.ts';
import { findModelFolder, openModel } from './model-folder.ts';
import { workloadOf } from './plan-cells.ts';

/** What is selected for this run. */
export interface Selected {
  readonly head: ResolvedConfig;
  readonly cells: readonly PlannedCell[];
  readonly models: readonly ModelFacts[];
  readonly catalogue: Catalogue;
  readonly benchOf: (id: string) => Bench;
}

/**
 * Checks `gate.tolerance` of head's configuration against the metrics of everything that either side configures, selected for
 * this run or not. Throws `config-unknown-key` for a key that means no metric, and `config-invalid` for a percentage where a
 * metric can be zero. Base's is not checked: a change that corrects it would fail by it.
 */
export const checkHeadTolerances = (sides: Sides, selected: Selected, context: CommandContext): void => {
  const { gate } = sides.head;
  for (const metric of metricsOf(selected.head, selected.models, selected)) toleranceOf(gate, metric);
  const measured = idsOf(selected.cells.flatMap(({ metrics }) => metrics));
  // What is not selected is opened only where a key is of that or of nothing.
  if (unknownTolerances(gate, measured).length > 0) checkTolerances(gate, [...measured, ...allMetrics(sides, selected, context)]);
};

const idsOf = (metrics: readonly MetricSpec[]): readonly string[] => [...new Set(metrics.map(({ id }) => id))];

const metricsOf = ({ optimizations }: ResolvedConfig, models: readonly ModelFacts[], { benchOf }: Selected): readonly MetricSpec[] =>
  models.flatMap((model) => optimizations.flatMap((entry) => workloadOf(entry, model, benchOf).workload.metrics));

const allMetrics = ({ head, base }: Sides, selected: Selected, context: CommandContext): readonly string[] => {
  const sides = base === null ? [head] : [head, base];
  const models = [...selected.models, ...otherModels(sides, selected.models, context)];
  // Which models exist is not asked here.
  const resolved = sides.map((config) => resolveConfig({ ...config, models: [] }, selected.catalogue));
  return idsOf(resolved.flatMap((config) => metricsOf(config, models, selected)));
};

const otherModels = (
  sides: readonly Config[],
  known: readonly ModelFacts[],
  { root, packageRoot }: CommandContext,
): readonly ModelFacts[] => {
  const ids = new Set(sides.flatMap(({ models }) => models.flatMap((entry) => (entry.kind === 'id' ? [entry.id] : []))));
  return [...ids]
    .filter((id) => !known.some((model) => model.id === id) && findModelFolder(id, root, packageRoot) !== null)
    .map((id) => openModel(id, root, packageRoot).facts);
};
