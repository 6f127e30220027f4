import { type ErrorCode, GateError } from '../errors.ts';
import { describeEnd, type GroupEnd } from './process-group.ts';

/** Whose process it is, which says how its failures are coded: a `launch` measures, a `subject` is user code. */
export type ProcessRole = 'launch' | 'subject';

const codes = {
  launch: { crashed: 'launch-crashed', timeout: 'launch-timeout', memory: 'launch-memory' },
  subject: { crashed: 'subject-crashed', timeout: 'subject-timeout', memory: 'subject-memory' },
} as const satisfies Record<ProcessRole, Record<string, ErrorCode>>;

/** An end that nobody asked for. */
export interface Ending {
  readonly role: ProcessRole;
  readonly where: string;
  readonly end: GroupEnd;
  readonly stderr: string;
  /** Whether the process had said anything. */
  readonly answered: boolean;
  readonly detail?: string;
}

/**
 * The coded error for it, with the last output of the process. A process that was too slow or too
 * large was not stopped by its start.
 */
export const channelError = ({ role, where, end, stderr, answered, detail = '' }: Ending): GateError => {
  const kind = end.status === 'timeout' || end.status === 'memory' ? end.status : 'crashed';
  const output = stderr.trim();
  const message = `it ${describeEnd(end)}${detail === '' ? '' : `, ${detail}`}${output === '' ? ' (no output on standard error)' : `; its last output:\n${output}`}`;
  return new GateError(codes[role][kind], message, { where, starting: kind === 'crashed' && !answered });
};
