import { type Config, configFileName, parseConfig } from '../config/config.ts';
import { refuseFlaws } from '../config/flaw.ts';
import { configDefaults } from '../planning/config-defaults.ts';
import { usableSide } from '../planning/measurable-entries.ts';
import { openModel } from '../planning/model-folder.ts';
import { benchmarkOf, configurable } from '../planning/plan.ts';

/**
 * Reads a proposed text as a run reads it, and returns what it says. Throws what a run would throw of
 * it: every part must be usable.
 * @param root working directory of the project
 * @param models ids of the models that a configuration there can name
 */
export const checkedConfiguration = (text: string, root: string, packageRoot: string, models: readonly string[]): Config => {
  const config = parseConfig(text, configFileName, configDefaults);
  const named = config.models.flatMap((entry) => (entry.kind === 'id' ? [openModel(entry.id, root, packageRoot).facts] : []));
  const { flaws } = usableSide(config, { models: named, catalogue: { optimizations: configurable, models }, benchmarkOf });
  refuseFlaws(flaws);
  return config;
};
