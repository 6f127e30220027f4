import { GateError } from '../errors.ts';
import { modelFolderOf } from '../planning/plan.ts';
import { digestOf } from '../records/decode.ts';
import type { Plan } from '../records/plan.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import { type CommandContext, workerProgram } from '../run/context.ts';
import { askWorker } from '../run/worker-process.ts';
import { inLanes } from './lanes.ts';
import { findBuild, keepBuild, type Stock, storeLimits } from './stored-build.ts';

/** Model → its graphs as they are, before any optimization. */
export type References = ReadonlyMap<string, ArtefactRef>;

/** Prepares the graphs of every model of a plan, and keeps them. Takes over those that the store has. */
export const prepareReferences = async (context: CommandContext, plan: Plan, stock: Stock): Promise<References> => {
  const references = new Map<string, ArtefactRef>();
  await inLanes(plan.models, context.signal, async (model) => {
    references.set(model.id, await prepareReference(context, plan, stock, model));
  });
  return references;
};

const prepareReference = async (
  context: CommandContext,
  plan: Plan,
  stock: Stock,
  { id, digest, folder }: Plan['models'][number],
): Promise<ArtefactRef> => {
  const key = digestOf(JSON.stringify(['reference', 1, digest]));
  const known = await findBuild(stock, key);
  if (known !== null) return known.ref;
  const request = { type: 'prepare' as const, model: modelFolderOf(context, folder), digest, store: context.storeRoot };
  const { artefact } = await askWorker(workerProgram(context), request, 'stored', storeLimits(plan), id);
  await keepBuild(stock, key, { artefact: artefact.digest, content: artefact.content, seconds: null, facts: {} });
  await stock.store.artefact(artefact);
  return artefact;
};

/** The graphs of a model. Throws `internal` for a model that no plan named. */
export const referenceOf = (references: References, model: string): ArtefactRef => {
  const reference = references.get(model);
  if (reference === undefined) throw new GateError('internal', `There are no files of model ${model}.`);
  return reference;
};
