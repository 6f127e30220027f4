import type { CommandResult } from '../processes/run-command.ts';

/**
 * What a command printed last, at most about 6,000 characters. The line that most likely says what went wrong comes first, because
 * a table shows one line: a traceback begins with nothing of interest.
 */
export const saidBy = ({ stdout, stderr }: Pick<CommandResult, 'stdout' | 'stderr'>): string => {
  const whole = `${stdout.toString('utf8').slice(-2000)}${stderr.slice(-4000)}`.trim();
  const lines = whole.split('\n').map((line) => line.trim());
  const telling = lines.findLast((line) => /^[\w.:]*(Error|Exception|Interrupt)\b/.test(line));
  return telling === undefined || lines[0] === telling ? whole : `${telling}\n${whole}`;
};
