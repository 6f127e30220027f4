import { artefactBytes, artefactDigest } from '../models/artefact.ts';
import { buildReference } from '../models/reference.ts';
import type { FromWorker, ToWorker } from '../records/protocol.ts';
import type { Json } from '../records/words.ts';
import type { Store } from '../store/store.ts';
import { openPlannedModel } from './planned-model.ts';

type Stored = Extract<FromWorker, { type: 'stored' }>;

/** Builds the untouched model from its weights into the store. */
export const prepareReference = async (request: Extract<ToWorker, { type: 'prepare' }>, store: Store): Promise<Stored> => {
  const source = openPlannedModel(request.model, request.digest);
  const folder = await store.staging();
  const stages = buildReference(source, folder);
  return keep(folder, { stages, serve: {} }, store);
};

/** Reads what a subject wrote as hostile input, digests it and moves it into the store. */
export const sealArtefact = async (request: Extract<ToWorker, { type: 'seal' }>, store: Store): Promise<Stored> =>
  keep(request.folder, { stages: request.stages, serve: request.serve }, store);

const keep = async (folder: string, made: Pick<Stored['artefact'], 'stages' | 'serve'>, store: Store): Promise<Stored> => {
  const digest = await artefactDigest(folder, made.stages, made.serve);
  const bytes = artefactBytes(folder, made.stages);
  const about: Json = JSON.parse(JSON.stringify({ ...made, bytes }));
  const kept = await store.addArtefact(folder, digest, about);
  return { type: 'stored', artefact: { digest, folder: kept, stages: made.stages, serve: made.serve }, bytes };
};
