import type { SessionOptions } from '../../contract/generation.ts';
import type { AutomlOptions } from './options.ts';

export type OptionValue = string | number | boolean;
/** One value of every option. */
export type Configuration = Readonly<Record<string, OptionValue>>;

/** Something to choose: the first value is the default. */
export interface OptionRange {
  readonly id: string;
  readonly values: readonly OptionValue[];
}

/** The option that chooses the model. */
export const modelOption = 'variant';
/** The reference model. */
export const fullModel = 'main';

/** What there is to choose, of models that were built and settings with more than one value. */
export const spaceOf = (options: AutomlOptions, built: readonly string[]): readonly OptionRange[] => {
  const { variants, threads, 'graph-optimization': graph, arena, 'memory-pattern': pattern, spinning } = options;
  const ranges: readonly OptionRange[] = [
    { id: modelOption, values: [fullModel, ...variants.filter((name) => built.includes(name))] },
    { id: 'threads', values: threads },
    { id: 'graph-optimization', values: graph },
    { id: 'arena', values: arena },
    { id: 'memory-pattern', values: pattern },
    { id: 'spinning', values: spinning },
  ];
  return ranges.map(({ id, values }) => ({ id, values: [...new Set(values)] }));
};

/** Every combination, the default first. */
export const configurationsOf = (space: readonly OptionRange[]): readonly Configuration[] =>
  space.reduce<readonly Configuration[]>(
    (all, { id, values }) => all.flatMap((each) => values.map((value) => ({ ...each, [id]: value }))),
    [{}],
  );

/** Equal for equal configurations, whatever the order of their options. */
export const keyOf = (configuration: Configuration): string =>
  JSON.stringify(Object.entries(configuration).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The model of a configuration, and the settings of its session. */
export const servedAs = (configuration: Configuration): { readonly variant: string; readonly sessionOptions: SessionOptions } => {
  const { variant, threads, 'graph-optimization': graph, arena, 'memory-pattern': pattern, spinning } = configuration;
  const levels = ['disabled', 'basic', 'extended', 'all'] as const;
  const level = levels.find((each) => each === graph);
  return {
    variant: typeof variant === 'string' ? variant : fullModel,
    sessionOptions: {
      ...(typeof threads === 'number' ? { threads } : {}),
      ...(level === undefined ? {} : { graphOptimization: level }),
      ...(typeof arena === 'boolean' ? { arena } : {}),
      ...(typeof pattern === 'boolean' ? { memoryPattern: pattern } : {}),
      ...(typeof spinning === 'boolean' ? { spinning } : {}),
    },
  };
};
