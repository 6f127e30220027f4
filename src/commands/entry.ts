import { GateError } from '../errors.ts';

/** Throws `node-too-old` on a Node that lacks what the gate is written for. */
export const checkNode = (version: string): void => {
  const major = Number(version.split('.')[0]);
  if (!(major >= 24)) throw new GateError('node-too-old', `this is Node ${version}; Node 24 or newer is needed`);
};
