import { GateError } from '../errors.ts';

/** The refusal of samples that no run writes. @param where names the line, launch or build */
export const contradiction = (where: string, what: string): GateError =>
  new GateError('samples-contradictory', `The samples were held against the plan. They contradict it or themselves: ${what}.`, { where });
