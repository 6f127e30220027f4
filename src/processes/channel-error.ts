import { type ErrorCode, GateError } from '../errors.ts';
import { lastOutput, telling } from './last-output.ts';
import { describeEnd, type GroupEnd } from './process-group.ts';

/** Whose process it is, which says how its failures are coded: a `launch` measures, a `subject` is user code. */
export type ProcessRole = 'launch' | 'subject';

const codes = {
  launch: { crashed: 'launch-crashed', timeout: 'launch-timeout', memory: 'launch-memory' },
  subject: { crashed: 'subject-crashed', timeout: 'subject-timeout', memory: 'subject-memory' },
} as const satisfies Record<ProcessRole, Record<string, ErrorCode>>;

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** In the largest unit that needs at most two decimals: `4 GiB`, `1.5 GiB`, `150000000 bytes`. */
const sizeText = (bytes: number): string => {
  const power = units.findLastIndex((_, at) => bytes >= 1024 ** at && Number.isInteger((100 * bytes) / 1024 ** at));
  return power < 0 ? `${bytes} bytes` : `${bytes / 1024 ** power} ${units[power]}`;
};

/** The limit of memory as an error names it. */
export const memoryLimit = (bytes: number | null): string => (bytes === null ? '' : `limits.memory allows ${sizeText(bytes)}`);

/** An end that nobody asked for. */
export interface Ending {
  readonly role: ProcessRole;
  readonly where: string;
  readonly end: GroupEnd;
  readonly stderr: string;
  /** Whether the process had said anything. */
  readonly answered: boolean;
  /** Where it was, or the limit that it met. */
  readonly detail?: string;
}

/**
 * The coded error for it, with the last output of the process. A process that was too slow or too
 * large was not stopped by its start.
 */
export const channelError = ({ role, where, end, stderr, answered, detail = '' }: Ending): GateError => {
  const kind = end.status === 'timeout' || end.status === 'memory' ? end.status : 'crashed';
  const output = telling({ stderr });
  const limited = end.status === 'timeout' || end.status === 'memory';
  const happened = `${describeEnd(end)}${detail === '' ? '' : `${limited ? ':' : ''} ${detail}`}`;
  const printed = output === '' ? 'It printed nothing to standard error.' : lastOutput(output);
  const message = `${role === 'launch' ? 'The measuring process' : 'The program'} ${happened}. ${printed}`;
  return new GateError(codes[role][kind], message, { where, starting: kind === 'crashed' && !answered });
};
