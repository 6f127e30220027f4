import type { ConfigDefaults } from '../config/schema.ts';
import type { Optimization } from '../contract/optimization.ts';
import { miniatures } from '../models/miniatures.ts';
import { builtinOptimizations } from '../optimizations/registry.ts';

/** Returns what a configuration that names nothing measures: every miniature with every one of these optimizations. */
export const configDefaultsOf = (optimizations: readonly Pick<Optimization, 'benchmark'>[]): ConfigDefaults => ({
  models: miniatures,
  optimizations: optimizations.map(({ benchmark }) => benchmark.id),
});

/** The same with the optimizations that ship. */
export const configDefaults: ConfigDefaults = configDefaultsOf(builtinOptimizations);
