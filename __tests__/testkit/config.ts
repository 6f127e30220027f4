/** Configurations read as the program reads them: with its own models and optimizations where a text names none. */
import * as configuration from '../../src/config/config.ts';
import * as override from '../../src/config/override.ts';
import * as usable from '../../src/config/usable-config.ts';
import { configDefaults } from '../../src/planning/config-defaults.ts';

export const parseConfig = (text: string, where: string) => configuration.parseConfig(text, where, configDefaults);
export const defaultConfig = () => configuration.defaultConfig(configDefaults);
export const applyOverrides = (config: configuration.Config, overrides: readonly string[]) =>
  override.applyOverrides(config, overrides, configDefaults);
export const readUsableConfig = (text: string, where: string) => usable.readUsableConfig(text, where, configDefaults);
export const findUsableConfig = (text: string, where: string) => usable.findUsableConfig(text, where, configDefaults);
