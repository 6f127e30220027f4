import type { Subject } from '../../contract/optimization.ts';
import { decodeValue } from '../../records/decode.ts';
import { variantController } from './controller.ts';
import { buildShape } from './elastic.ts';
import { episodeSetting, searchObservation, serveObservation } from './exchange.ts';
import { frontSearch } from './front-search.ts';
import { type SearchOptions, searchOptions, shape } from './options.ts';

/** Cuts the variants of the pool, searches the front among them, and serves a drifting budget from what it found. */
export const architectureSearch: Subject<SearchOptions> = {
  build: async (context) => buildShape(context, decodeValue(shape, context.variant.options, 'variant.options')),
  start: async (episode) => {
    const options = searchOptions.parse(episode.options, 'options');
    const setting = decodeValue(episodeSetting, episode.setting, 'setting');
    if (setting.task === 'search') {
      const search = frontSearch(setting);
      return { next: async (seen) => search(decodeValue(searchObservation, seen, 'observation')) };
    }
    const choose = variantController(setting, options);
    return { next: async (seen) => ({ serve: choose(decodeValue(serveObservation, seen, 'observation')) }) };
  },
};
