import type { CommandResult } from './run-command.ts';

/** Characters of standard output that are searched. */
const longest = 64 * 1024;

/** A report that has one line shows about as much of it (characters). */
const shown = 300;

/** How languages begin the line that says what went wrong: JavaScript, Python, Java, C++, Go, Rust, compilers and git. */
const errorLine = /^([\w.:]*(Error|Exception|Interrupt)\b|(fatal )?(error|panic)(\[\w+\])?: |fatal: |thread '.*' panicked\b)/;

/**
 * What a program printed last, at most about 8,000 characters. The line that most likely says what went wrong comes first, because
 * a table shows one line: a traceback begins with nothing of interest. It is the last one that begins as errors do; without one, of
 * long output, the last of all.
 */
export const telling = ({ stdout, stderr }: Partial<Pick<CommandResult, 'stdout'>> & Pick<CommandResult, 'stderr'>): string => {
  const printed = stdout?.toString('utf8') ?? '';
  const whole = `${printed.slice(-2000)}${stderr.slice(-4000)}`.trim();
  const lines = whole.split('\n').map((line) => line.trim());
  // What is printed after an error, such as a usage text, must not push it out.
  const all = `${printed.slice(-longest)}\n${stderr}`.split('\n').map((line) => line.trim());
  const last = whole.length > shown ? lines.at(-1) : undefined;
  const telling = (all.findLast((line) => errorLine.test(line)) ?? last)?.slice(0, 2000);
  return telling === undefined || lines[0] === telling ? whole : `${telling}\n${whole}`;
};

/** The same in a message, at its end. */
export const lastOutput = (said: string): string => (said === '' ? 'It printed nothing.' : `Its last output: ${said}`);
