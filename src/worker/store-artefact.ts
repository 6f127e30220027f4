import { artefactBytes, artefactDigest, unusedFiles } from '../models/artefact.ts';
import { buildReference } from '../models/reference.ts';
import type { ArtefactRef, FromWorker, ToWorker } from '../records/protocol.ts';
import type { Json } from '../records/words.ts';
import { fileDigest, inStore } from '../store/disk.ts';
import type { Store } from '../store/store.ts';
import { openPlannedModel } from './planned-model.ts';

type Stored = Extract<FromWorker, { type: 'stored' }>;
type Made = Pick<ArtefactRef, 'folder' | 'stages' | 'serve' | 'spare'>;

/** Builds the reference model from its weights into the store. */
export const prepareReference = async (request: Extract<ToWorker, { type: 'prepare' }>, store: Store): Promise<Stored> => {
  const source = openPlannedModel(request.model, request.digest);
  const folder = await store.staging();
  const made = { folder, stages: await inStore(store.root, async () => buildReference(source, folder)), serve: {}, spare: 0 };
  const closed = await store.closeStaging(folder);
  return keep(made, await artefactDigest(made.folder, made.stages, made.serve), store, closed);
};

/**
 * Reads what a subject wrote as hostile input, digests it and moves it into the store. Where the store has other files of that digest,
 * `open` must accept the subject's own: the runtime refuses some ways of storing what it takes in others, and no launch opens files of
 * a cell that is unchanged. Throws the errors of reading ONNX and of `open`.
 */
export const sealArtefact = async (
  { folder, stages, serve, views, given }: Extract<ToWorker, { type: 'seal' }>,
  store: Store,
  open: (made: Made) => Promise<void>,
): Promise<Stored> => {
  const closed = await store.closeStaging(folder, [views]);
  const spare = given === null ? 0 : await spareBytes({ folder, stages }, given);
  const made = { folder, stages, serve, spare };
  const digest = await artefactDigest(folder, stages, serve, spare);
  const others = await store.contents(digest);
  const kept = await keep(made, digest, store, closed);
  const { content } = kept.artefact;
  if (others.some((other) => other !== content)) await open(kept.artefact);
  return kept;
};

/** A log or a list of versions varies from build to build; weights do not fit in. */
const spareStep = 65_536;

/**
 * Bytes that no graph uses, in whole steps of 64 KiB: they would be served all the same. Of a file
 * that the subject was given and hands on as it is, what no graph uses any more is its saving, as
 * long as some graph uses the rest.
 */
const spareBytes = async ({ folder, stages }: Pick<Made, 'folder' | 'stages'>, given: readonly string[]): Promise<number> => {
  let spare = 0;
  for (const { path, bytes, used } of unusedFiles(folder, stages)) if (!used || !given.includes(await fileDigest(path))) spare += bytes;
  return Math.floor(spare / spareStep) * spareStep;
};

const keep = async ({ folder, stages, serve, spare }: Made, digest: string, store: Store, closed: string): Promise<Stored> => {
  const bytes = artefactBytes(folder, stages) + spare;
  const about: Json = JSON.parse(JSON.stringify({ stages, serve, spare, bytes }));
  return { type: 'stored', artefact: { digest, ...(await store.addArtefact(folder, digest, about, closed)), stages, serve, spare }, bytes };
};
