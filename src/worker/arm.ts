import { GateError } from '../errors.ts';
import type { ArtefactRef, LaunchRequest } from '../records/protocol.ts';
import type { ArmId } from '../records/words.ts';

/** An error of one arm's model: the arm is named so that a broken base is not held against head. */
export class ArmError extends Error {
  readonly arm: ArmId;

  constructor(arm: ArmId, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'ArmError';
    this.arm = arm;
  }
}

/** Does something for one arm; what goes wrong is that arm's, unless an arm is named already. */
export const forArm = async <T>(arm: ArmId, work: () => T | Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    throw thrown instanceof ArmError ? thrown : new ArmError(arm, thrown);
  }
};

/** What an arm serves. */
export const armArtefact = (request: LaunchRequest, arm: ArmId): ArtefactRef => {
  const artefact = request.artefacts[arm]?.['main'];
  if (artefact === undefined) throw new GateError('internal', `There are no files of ${arm}.`, { where: request.launch });
  return artefact;
};
