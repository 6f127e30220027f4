/** The names of all entries of the workflow cache: docs/cache.md has the table. */
import { digestOf } from '../records/decode.ts';
import type { HostEvent } from '../records/event.ts';
import { measuringDigest, type Plan } from '../records/plan.ts';
import type { RecordPart } from '../store/record-files.ts';

/** Whose entries they are: those of the default branch, or of one change, which no other reads. */
export const cacheOwner = (part: RecordPart, event: HostEvent, { head }: Pick<Plan, 'head'>): string =>
  // Some events run beside the default branch, where GitHub shows the entries of one change to all others.
  part === 'changes' ? `${part}-${(event.kind === 'change' ? event.number : null) ?? head.commit.slice(0, 12)}` : part;

/** What an entry of the store is found by: one of the same plan, else the newest of the same machine, models and project. */
export interface StoreKeys {
  readonly plan: string;
  readonly newest: string;
}

const short = (value: unknown): string => digestOf(JSON.stringify(value)).slice(0, 16);

/**
 * What decides what is worth keeping in the store: the machine (see `storedBuildKey`), the models,
 * the project, the builds, the programs that were seen to work, and what measured them, since memory
 * that is only shown is taken over too. An older store of the same machine and models is a start.
 */
export const storeKeys = (
  plan: Pick<Plan, 'models' | 'builds' | 'cells' | 'runtime' | 'folders'>,
  owner: string,
  cpu: string,
): StoreKeys => {
  const machine = short([process.platform, process.arch, cpu, plan.runtime.ort]);
  const models = short([plan.models.map(({ digest }) => digest).sort(), plan.folders.head]);
  const builds = plan.builds.map(({ key }) => key).sort();
  const programs = plan.cells.flatMap(({ arms }) => arms.flatMap(({ policy, code }) => (policy === null ? [] : [code]))).sort();
  const newest = `optimization-gate-${owner}-${machine}-${models}-`;
  return { plan: `${newest}${short([measuringDigest(plan.runtime), process.version, builds, programs])}-`, newest };
};

/** The digest of its records that the key of an entry of the store names; null where it names none. */
export const recordsNamed = (key: string): string | null => /-\d{1,9}-([0-9a-f]{64})$/.exec(key)?.[1] ?? null;

/** The key of a new entry. Entries never change, so one that takes the place of another has the next number. */
export const nextStoreKey = ({ plan }: StoreKeys, replaced: string | null, records: string): string => {
  const [, number = '0'] = replaced?.startsWith(plan) === true ? (/-(\d{1,9})-[0-9a-f]{64}$/.exec(replaced) ?? []) : [];
  return `${plan}${Number(number) + 1}-${records}`;
};

/** How the entries begin that hold samples of a plan, measured on this class of runner. The digest of the samples follows. */
export const samplesKey = (plan: string, runnerClass: string): string =>
  `optimization-gate-samples-${digestOf(JSON.stringify([plan, runnerClass]))}-`;
