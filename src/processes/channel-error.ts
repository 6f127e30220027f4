import { type ErrorCode, GateError } from '../errors.ts';
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

/** The coded error for an end that nobody asked for, with the last output of the process. `detail`: where it was, or the limit that it met. */
export const channelError = (role: ProcessRole, where: string, end: GroupEnd, stderr: string, detail = ''): GateError => {
  const kind = end.status === 'timeout' || end.status === 'memory' ? end.status : 'crashed';
  const output = stderr.trim();
  const message = `it ${describeEnd(end)}${detail === '' ? '' : `, ${detail}`}${output === '' ? ' (no output on standard error)' : `; its last output:\n${output}`}`;
  return new GateError(codes[role][kind], message, { where });
};
