import type { Subject } from '../../contract/optimization.ts';
import { decodeValue } from '../../records/decode.ts';
import { searchObservation, searchSetting } from './exchange.ts';
import { improvementSearch } from './expected-improvement.ts';
import { type AutomlOptions, automlOptions } from './options.ts';

/** Searches settings of the runtime and optimizations of the model for the fastest that keeps a bound on quality. */
export const automl: Subject<AutomlOptions> = {
  start: async (episode) => {
    const options = automlOptions.parse(episode.options, 'options');
    const search = improvementSearch(decodeValue(searchSetting, episode.setting, 'setting'), options);
    return { next: async (seen) => search(decodeValue(searchObservation, seen, 'observation')) };
  },
};
