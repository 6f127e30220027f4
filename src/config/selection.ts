import { GateError } from '../errors.ts';
import { suggestion } from '../records/nearest.ts';
import type { Config } from './config.ts';
import { modelEntryId } from './resolve.ts';

export interface Selection {
  readonly models: readonly string[] | null;
  readonly optimizations: readonly string[] | null;
}

export interface ConfiguredSides {
  readonly head: Config;
  readonly base: Config | null;
}

const refuseUnknown = (
  names: readonly string[] | null,
  known: readonly string[],
  code: 'model-unknown' | 'optimization-unknown',
  where: string,
): void => {
  const ids = [...new Set(known)];
  for (const name of names ?? [])
    if (!ids.includes(name)) throw new GateError(code, `The configuration lists no "${name}".${suggestion(name, ids)}`, { where });
};

/**
 * Keeps the named models and optimizations (`--models`, `--optimizations`) of both sides, in the order of their configurations; null
 * keeps all. A name may be of either side, and either name of an entry that was renamed stands for both.
 * Throws `model-unknown` or `optimization-unknown`.
 */
export const selectConfigs = (
  { head, base }: ConfiguredSides,
  renamed: ReadonlyMap<string, string>,
  selection: Selection,
): ConfiguredSides => {
  const sides = base === null ? [head] : [head, base];
  const models = sides.flatMap((side) => side.models.map(modelEntryId));
  const optimizations = sides.flatMap((side) => side.optimizations.map(({ id }) => id));
  refuseUnknown(selection.models, models, 'model-unknown', 'models');
  refuseUnknown(selection.optimizations, optimizations, 'optimization-unknown', 'optimizations');
  const pairs = [...renamed].filter((pair) => pair.some((id) => selection.optimizations?.includes(id)));
  const wanted = selection.optimizations === null ? null : new Set([...selection.optimizations, ...pairs.flat()]);
  const kept = (config: Config): Config => ({
    ...config,
    models: config.models.filter((entry) => selection.models === null || selection.models.includes(modelEntryId(entry))),
    optimizations: config.optimizations.filter(({ id }) => wanted === null || wanted.has(id)),
  });
  return { head: kept(head), base: base === null ? null : kept(base) };
};
