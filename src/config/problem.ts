import type { z } from 'zod';
import { asSentence, GateError } from '../errors.ts';
import type { Place } from './document.ts';

type Issue = z.core.$ZodIssue;
interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly unknownKey: boolean;
}

/** `optimizations[0].with` */
const pathText = (path: readonly PropertyKey[]): string =>
  path.map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`)).join('');

/** Of an alternative that nothing fits, the branch that fits furthest: its own complaint says more than "none fits". */
const branchOf = (issue: Extract<Issue, { code: 'invalid_union' }>): readonly Issue[] =>
  issue.errors.find(
    (branch) => branch.length > 0 && branch.every((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'),
  ) ?? [];

const problemsOf = (issue: Issue, prefix: readonly PropertyKey[] = []): readonly Problem[] => {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'invalid_union') {
    const inner = branchOf(issue).flatMap((one) => problemsOf(one, path));
    if (inner.length > 0) return inner;
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key, index) => ({
      path: [...path, key],
      message: index === 0 ? issue.message : `Unknown key "${key.slice(0, 80)}".`,
      unknownKey: true,
    }));
  }
  return [{ path, message: issue.message, unknownKey: false }];
};

const mostShown = 10;

/** What is wrong with one part of a configuration. */
export interface ConfigProblem {
  /** Of an unknown key with the key itself as its end. */
  readonly path: readonly PropertyKey[];
  readonly unknownKey: boolean;
  /** `FILE:LINE:COLUMN` */
  readonly where: string;
  readonly text: string;
}

/** The issues of a schema, unknown keys first: a misspelt key explains the missing one. */
export const configProblems = (issues: readonly Issue[], place: Place): readonly ConfigProblem[] => {
  const found = issues.flatMap((issue) => problemsOf(issue));
  const problems = [...found.filter((problem) => problem.unknownKey), ...found.filter((problem) => !problem.unknownKey)];
  return problems.map(({ path, message, unknownKey }) => {
    const subject = unknownKey ? path.slice(0, -1) : path;
    return {
      path,
      unknownKey,
      where: place(path, unknownKey ? 'key' : 'value'),
      text: `${subject.length === 0 ? '' : `${pathText(subject)}: `}${asSentence(message)}`,
    };
  });
};

/** Problems as one coded error: the first in `where` and the message, the others each on a line with its own place. */
export const configError = (problems: readonly ConfigProblem[], place: Place): GateError => {
  const [first, ...others] = problems;
  const rest = others.slice(0, mostShown - 1).map(({ where, text }) => `\n  ${where}: ${text}`);
  const hidden = problems.length - mostShown;
  return new GateError(
    first?.unknownKey === true ? 'config-unknown-key' : 'config-invalid',
    `${first?.text ?? 'The file is not a configuration.'}${rest.join('')}${hidden > 0 ? `\n  And ${hidden} more mistakes.` : ''}`,
    { where: first?.where ?? place([]) },
  );
};
