import { asGateError, asSentence } from '../errors.ts';
import { type Evicted, evict } from '../store/eviction.ts';
import type { Store } from '../store/store.ts';
import type { CommandContext } from './context.ts';

/** Removes the longest unused of a store until it keeps to `--store-budget`. */
export const cleanStore = ({ options }: Pick<CommandContext, 'options'>, store: Store): Promise<Evicted> =>
  evict(store, { maxBytes: options.storeBudget * 2 ** 20, minFreeBytes: 0 });

/** The same at the end of a run, which it cannot fail: what is measured is measured. */
export const keepToBudget = async (context: CommandContext, store: Store): Promise<Evicted['records']> => {
  try {
    const { removed, records, freedBytes } = await cleanStore(context, store);
    if (removed.length + records.length > 0)
      context.host.log.info(
        `The store kept to its budget of ${context.options.storeBudget} MiB: ${removed.length} artefacts and ${records.length} records were removed, ${Math.round(freedBytes / 2 ** 20)} MiB.`,
      );
    return records;
  } catch (thrown) {
    const { code, message } = asGateError(thrown);
    context.host.log.warn(`The store was not cleaned (${code}). ${asSentence(message)} The verdict does not depend on it.`);
    return [];
  }
};
