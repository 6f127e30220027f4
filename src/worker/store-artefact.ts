import { join } from 'node:path';
import { GateError } from '../errors.ts';
import { artefactBytes, artefactDigest } from '../models/artefact.ts';
import { buildReference } from '../models/reference.ts';
import type { ArtefactRef, FromWorker, ToWorker } from '../records/protocol.ts';
import type { Json } from '../records/words.ts';
import { fileDigest } from '../store/disk.ts';
import type { ArtefactManifest } from '../store/manifest.ts';
import type { Store } from '../store/store.ts';
import { openPlannedModel } from './planned-model.ts';

type Stored = Extract<FromWorker, { type: 'stored' }>;
type Made = Pick<ArtefactRef, 'folder' | 'stages' | 'serve'>;

/** Builds the untouched model from its weights into the store. */
export const prepareReference = async (request: Extract<ToWorker, { type: 'prepare' }>, store: Store): Promise<Stored> => {
  const source = openPlannedModel(request.model, request.digest);
  const folder = await store.staging();
  const made = { folder, stages: buildReference(source, folder), serve: {} };
  return keep(made, await artefactDigest(made.folder, made.stages, made.serve), store);
};

/**
 * Reads what a subject wrote as hostile input, digests it and moves it into the store. Where the store has an artefact of that digest
 * whose graphs are other bytes, `open` must accept the subject's own: the runtime refuses some ways of storing what it takes in others,
 * and no launch opens files that are dropped. Throws the errors of reading ONNX and of `open`.
 */
export const sealArtefact = async (
  { folder, stages, serve }: Extract<ToWorker, { type: 'seal' }>,
  store: Store,
  open: (made: Made) => Promise<void>,
): Promise<Stored> => {
  const made = { folder, stages, serve };
  const digest = await artefactDigest(folder, stages, serve);
  if (await isWrittenOtherwise(made, await storedManifest(digest, store))) await open(made);
  return keep(made, digest, store);
};

/** Null where there is none, or a damaged one, which the store has then removed. */
const storedManifest = async (digest: string, store: Store): Promise<ArtefactManifest | null> => {
  try {
    return await store.manifest(digest);
  } catch (thrown) {
    if (thrown instanceof GateError && thrown.code === 'store-corrupt') return null;
    throw thrown;
  }
};

const isWrittenOtherwise = async ({ folder, stages }: Made, stored: ArtefactManifest | null): Promise<boolean> => {
  if (stored === null) return false;
  const known = new Set(stored.files.map(({ sha256 }) => sha256));
  for (const { graph } of stages) if (!known.has(await fileDigest(join(folder, graph)))) return true;
  return false;
};

const keep = async ({ folder, stages, serve }: Made, digest: string, store: Store): Promise<Stored> => {
  const bytes = artefactBytes(folder, stages);
  const about: Json = JSON.parse(JSON.stringify({ stages, serve, bytes }));
  const kept = await store.addArtefact(folder, digest, about);
  return { type: 'stored', artefact: { digest, folder: kept, stages, serve }, bytes };
};
