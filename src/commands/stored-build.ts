import { GateError } from '../errors.ts';
import { decodeValue, digestOf } from '../records/decode.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import { artefactAbout, type BuildRecord, buildRecord } from '../records/stored.ts';
import type { Store } from '../store/store.ts';

export interface StoredBuild extends BuildRecord {
  readonly ref: ArtefactRef;
  readonly bytes: number;
}

/**
 * What the store knows a planned build by: besides its own key what the machine adds, because a build may use activations, whose last bits depend
 * on the processor and on the version of ONNX Runtime.
 */
export const storedBuildKey = (key: string, cpu: string, ort: string): string => digestOf(JSON.stringify(['build', key, cpu, ort]));

/** What was built under a key before and is still here, leased; else null. What was damaged is removed, and counts as not here. */
export const findBuild = async (store: Store, key: string): Promise<StoredBuild | null> => {
  const record = await store.record('build', key, buildRecord);
  return record === null ? null : findRecorded(store, record);
};

/** What a record of a build tells of, where that is still here, leased; else null. */
export const findRecorded = async (store: Store, record: BuildRecord): Promise<StoredBuild | null> => {
  const folder = await store.artefact(record.artefact).catch(absentWhenDamaged);
  const manifest = folder === null ? null : await store.manifest(record.artefact);
  if (folder === null || manifest === null) return null;
  const { stages, serve, bytes } = decodeValue(artefactAbout, manifest.about, folder);
  return { ...record, bytes, ref: { digest: record.artefact, folder, stages, serve } };
};

/** Bytes of an artefact that the store has. */
export const storedBytes = async (store: Store, { digest, folder }: ArtefactRef): Promise<number> => {
  const manifest = await store.manifest(digest);
  return manifest === null ? Number.POSITIVE_INFINITY : decodeValue(artefactAbout, manifest.about, folder).bytes;
};

const absentWhenDamaged = (thrown: unknown): null => {
  if (thrown instanceof GateError && thrown.code === 'store-corrupt') return null;
  throw thrown;
};

export const keepBuild = (store: Store, key: string, record: BuildRecord): Promise<void> => store.putRecord('build', key, record);
