import type { CommandResult } from '../processes/run-command.ts';

/** Characters of standard output that are searched. */
const longest = 64 * 1024;

/**
 * What a command printed last, at most about 8,000 characters. The line that most likely says what went wrong comes first, because
 * a table shows one line: a traceback begins with nothing of interest.
 */
export const saidBy = ({ stdout, stderr }: Pick<CommandResult, 'stdout' | 'stderr'>): string => {
  const printed = stdout.toString('utf8');
  const whole = `${printed.slice(-2000)}${stderr.slice(-4000)}`.trim();
  const lines = whole.split('\n').map((line) => line.trim());
  // What is printed after an error, such as a usage text, must not push it out.
  const all = `${printed.slice(-longest)}\n${stderr}`.split('\n').map((line) => line.trim());
  const telling = all.findLast((line) => /^[\w.:]*(Error|Exception|Interrupt)\b/.test(line))?.slice(0, 2000);
  return telling === undefined || lines[0] === telling ? whole : `${telling}\n${whole}`;
};

/** The same in a message, at its end. */
export const lastOutput = (said: string): string => (said === '' ? 'It printed nothing.' : `Its last output: ${said}`);
