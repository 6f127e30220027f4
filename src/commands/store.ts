import { verbOf } from '../config/command-table.ts';
import { GateError } from '../errors.ts';
import type { CommandContext } from '../run/context.ts';
import { requireOwnable } from '../run/own-folder.ts';
import { cleanStore } from '../run/store-budget.ts';
import { recordParts } from '../store/record-files.ts';
import { openStore, type Store } from '../store/store.ts';
import { storeUsage } from '../store/usage.ts';
import { aligned, type CommandOutput } from './command-output.ts';

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/**
 * `store show` tells what the store holds; `store verify` reads every file of it and removes what is
 * damaged; `store clean` removes what no running job uses until the store keeps to `--store-budget`.
 * Throws `usage-unknown-command`, `folder-refused`, `store-unwritable` and `disk-full`.
 */
export const storeCommand = async (operands: readonly string[], context: CommandContext): Promise<CommandOutput> => {
  const [word, extra] = operands;
  const verb = verbOf('store', word);
  if (extra !== undefined)
    throw new GateError('usage-bad-value', `Expected nothing after "${verb}", got "${extra}".`, { where: `store ${verb}` });
  switch (verb) {
    case 'show':
      return show(context);
    case 'verify':
      return opened(context, verify);
    case 'clean':
      return opened(context, (store) => clean(context, store));
  }
};

const opened = async (context: CommandContext, work: (store: Store) => Promise<CommandOutput>): Promise<CommandOutput> => {
  const { storeRoot: path, root } = context;
  await requireOwnable({ path, noun: 'store', option: 'store' }, root);
  if (!(await storeUsage(path)).exists) return { exitCode: 0, text: `There is no store at ${path} yet.`, json: { path, exists: false } };
  const store = await openStore(path, { clock: () => context.now().getTime() });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
};

const show = async ({ storeRoot: path, options }: CommandContext): Promise<CommandOutput> => {
  const usage = await storeUsage(path);
  const budgetBytes = options.storeBudget * 2 ** 20;
  const rows = [
    ['store', `${path}${usage.exists ? '' : ' (not there yet)'}${usage.writable ? '' : ' (this user may not write there)'}`],
    ['artefacts', `${usage.artefacts.count}, ${mebibytes(usage.artefacts.bytes)}`],
    ...recordParts.map((part) => [`records of ${part}`, `${usage.records[part].count}, ${mebibytes(usage.records[part].bytes)}`]),
    ['together', `${mebibytes(usage.bytes)} of a budget of ${mebibytes(budgetBytes)}`],
    ['free on its disk', mebibytes(usage.freeBytes)],
  ];
  const { exists, writable, bytes, freeBytes, artefacts } = usage;
  const records = Object.fromEntries(recordParts.map((part) => [part, { ...usage.records[part] }]));
  const json = { path, exists, writable, budgetBytes, bytes, freeBytes, artefacts: { ...artefacts }, records };
  return { exitCode: 0, text: aligned(rows), json };
};

const verify = async (store: Store): Promise<CommandOutput> => {
  const damaged: string[] = [];
  const entries = await store.entries();
  for (const entry of entries)
    await store.verify(entry).catch((thrown: unknown) => {
      if (!(thrown instanceof GateError) || thrown.code !== 'store-corrupt') throw thrown;
      damaged.push(thrown.message);
    });
  const text = [
    `${entries.length - damaged.length} of ${entries.length} artefacts are whole.`,
    ...damaged.map((each) => `Removed: ${each}`),
  ];
  return { exitCode: damaged.length === 0 ? 0 : 3, text: text.join('\n'), json: { artefacts: entries.length, damaged } };
};

const clean = async (context: CommandContext, store: Store): Promise<CommandOutput> => {
  const { removed, records, freedBytes, keptBytes } = await cleanStore(context, store);
  const text = `Removed ${removed.length} artefacts and ${records.length} records, ${mebibytes(freedBytes)}. ${mebibytes(keptBytes)} stay; the budget is ${mebibytes(context.options.storeBudget * 2 ** 20)}.`;
  return { exitCode: 0, text, json: { removed: [...removed], records: records.length, freedBytes, keptBytes } };
};
