import { GateError } from '../errors.ts';
import { decodeValue, digestOf } from '../records/decode.ts';
import type { Plan } from '../records/plan.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import { artefactAbout, type BuildRecord, buildRecord } from '../records/stored.ts';
import { fixedLimits, type WorkerLimits } from '../run/worker-process.ts';
import type { RecordBook } from '../store/record-book.ts';
import type { Store } from '../store/store.ts';

/** The artefacts of a store, and the records that a run believes. */
export interface Stock {
  readonly store: Store;
  readonly records: RecordBook;
}

export interface StoredBuild extends BuildRecord {
  readonly ref: ArtefactRef;
  readonly bytes: number;
}

/** Limits of preparing a model, and of checking and keeping a build. Large models take longer, and are given a longer `limits.seconds`. */
export const storeLimits = ({ limits }: Pick<Plan, 'limits'>): WorkerLimits =>
  limits.seconds > 600 ? { ...fixedLimits(limits.seconds), named: 'limits.seconds' } : fixedLimits(600);

/**
 * What the store knows a planned build by: besides its own key what the machine adds, because a build may use activations, whose last bits depend
 * on the processor and on the version of ONNX Runtime.
 */
export const storedBuildKey = (key: string, cpu: string, ort: string | null): string => digestOf(JSON.stringify(['build', key, cpu, ort]));

/** What was built under a key before and is still here, leased; else null. What was damaged is removed, and counts as not here. */
export const findBuild = async ({ store, records }: Stock, key: string): Promise<StoredBuild | null> => {
  const record = records.read('build', key, buildRecord);
  if (record === null) return null;
  const id = { digest: record.artefact, content: record.content };
  const folder = await store.artefact(id).catch(absentWhenDamaged);
  const manifest = folder === null ? null : await store.manifest(id);
  if (folder === null || manifest === null) return null;
  const { stages, serve, spare, bytes } = decodeValue(artefactAbout, manifest.about, folder);
  return { ...record, bytes, ref: { ...id, folder, stages, serve, spare } };
};

/** Bytes of an artefact that the store has. */
export const storedBytes = async (store: Store, artefact: ArtefactRef): Promise<number> => {
  const manifest = await store.manifest(artefact);
  return manifest === null ? Number.POSITIVE_INFINITY : decodeValue(artefactAbout, manifest.about, artefact.folder).bytes;
};

/** The digests of its files. */
export const storedFiles = async (store: Store, artefact: ArtefactRef): Promise<readonly string[]> =>
  (await store.manifest(artefact))?.files.map(({ sha256 }) => sha256) ?? [];

const absentWhenDamaged = (thrown: unknown): null => {
  if (thrown instanceof GateError && thrown.code === 'store-corrupt') return null;
  throw thrown;
};

export const keepBuild = ({ records }: Stock, key: string, record: BuildRecord): Promise<void> => records.write('build', key, record);
