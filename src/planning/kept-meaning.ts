import type { ResolvedOptimization } from '../config/resolve.ts';
import { GateError } from '../errors.ts';

type Metric = ResolvedOptimization['metrics'][number];

const inWords = ({ unit, better }: Metric): string => `${unit} (${better} is better)`;

/**
 * Throws `config-invalid` where head gives a metric of base another unit or direction: its numbers
 * mean something else then, and no difference from base's says which side is worse.
 */
export const requireSameMeaning = (base: ResolvedOptimization, head: ResolvedOptimization, where: string): void => {
  for (const metric of base.metrics) {
    const other = head.metrics.find(({ id }) => id === metric.id);
    if (other === undefined || inWords(other) === inWords(metric)) continue;
    throw new GateError(
      'config-invalid',
      `The numbers of both sides were to be compared. Expected ${metric.id} in ${inWords(metric)}, as base has it, got ${inWords(other)}. Keep the unit and the direction of a metric, or give the entry another id and retire the former one in baselines/accepted.json.`,
      { where },
    );
  }
};
