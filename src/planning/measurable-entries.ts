import { type Config, takesModel } from '../config/config.ts';
import type { Flaw } from '../config/flaw.ts';
import { type Catalogue, entryFlaw, type ResolvedOptimization, resolveUsable, type UsableResolvedConfig } from '../config/resolve.ts';
import type { Benchmark } from '../contract/benchmark.ts';
import { GateError } from '../errors.ts';
import type { ModelFacts } from '../records/serving.ts';
import { workloadOf } from './plan-cells.ts';

export interface EntrySources {
  readonly models: readonly ModelFacts[];
  readonly catalogue: Catalogue;
  readonly benchmarkOf: (id: string) => Benchmark;
}

/** Throws `config-invalid` where an entry cannot be measured on a model, whatever the other side says. */
const requireMeasurable = (entry: ResolvedOptimization, model: ModelFacts | null, benchmarkOf: EntrySources['benchmarkOf']): void => {
  const { benchmark } = workloadOf(entry, model, benchmarkOf);
  if (benchmark.needs.includes('policy') && entry.door.kind === 'command')
    throw new GateError(
      'config-invalid',
      `\`like: ${entry.like}\` judges a program that takes decisions. Start it by \`module\` or \`serve\`, not by \`command\`.`,
      {
        where: `optimizations: ${entry.id}`,
      },
    );
};

/** `resolveUsable` without the entries that cannot be measured on one of these models, each of which is a flaw. */
export const usableSide = (config: Config, { models, catalogue, benchmarkOf }: EntrySources): UsableResolvedConfig => {
  const resolved = resolveUsable(config, catalogue);
  const flaws: Flaw[] = [];
  const optimizations = resolved.config.optimizations.filter((entry) => {
    try {
      for (const model of takesModel(entry) ? models : [null]) requireMeasurable(entry, model, benchmarkOf);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof GateError)) throw thrown;
      flaws.push(entryFlaw(entry, thrown));
      return false;
    }
  });
  return { config: { ...resolved.config, optimizations }, flaws: [...resolved.flaws, ...flaws] };
};
