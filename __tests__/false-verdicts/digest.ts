import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { VerdictKind } from '../../src/records/verdict.ts';
import { configuration, model, Project } from '../commands/project.ts';
import type { Situation } from './situation.ts';

type Entry = readonly string[];
type Files = Readonly<Record<string, string>>;

/**
 * A program that answers every round with the JavaScript expression `answer`; `argument` is its
 * first argument.
 */
const program = (answer: string): string => `import { createInterface } from 'node:readline';
const argument = process.argv[2];
let round = 0;
for await (const _ of createInterface({ input: process.stdin })) { round += 1; console.log(${answer}); }
`;
const size = program('JSON.stringify({ size: 100 * Number(argument ?? 1) })');
const metric = (id: string, more = ''): string => `{ id: ${id}, unit: bytes, better: lower, kind: exact${more} }`;

/** An external measurement whose inputs hold none of the programs. */
const measured = (id: string, command: string, ...metrics: readonly string[]): Entry => [
  id,
  `measure: ${command}`,
  'inputs: [data/**]',
  `metrics: [${(metrics.length === 0 ? [metric('size')] : metrics).join(', ')}]`,
];

interface Side {
  readonly entries: readonly Entry[];
  readonly files?: Files;
  readonly rest?: readonly string[];
}
interface Change {
  readonly base: Side;
  readonly head: Side;
  readonly files: Files;
  readonly arguments?: readonly string[];
}

const textsOf = ({ entries, files = {}, rest = [] }: Side): Files => ({
  ...files,
  'optimization-gate.yml': configuration(entries, rest),
});

const projectOf = ({ base, head, files }: Change): Project => {
  const project = Project.make();
  project.commit({ '.gitignore': '.optimization-gate*\n', 'data/a.txt': 'a', ...files, ...textsOf(base) });
  project.commit(textsOf(head));
  return project;
};

/** The change as a project that was gated once, however many rows ask for it. */
const gated = (change: Change): (() => Promise<Project>) => {
  let running: Promise<Project> | null = null;
  const run = async (): Promise<Project> => {
    const project = projectOf(change);
    await project.gate('--base', 'HEAD~1', '--quick', ...(change.arguments ?? []));
    return project;
  };
  return () => {
    running ??= run();
    return running;
  };
};

const metricOf = (project: Project, optimization: string, id: string) => project.cell(optimization).metrics.find((each) => each.id === id);

interface Expected {
  readonly verdict: VerdictKind;
  readonly reason?: RegExp;
  readonly base?: number | null;
  readonly head?: number | null;
}
const expectCell = (project: Project, optimization: string, { verdict, reason, base, head }: Expected, id = 'size'): void => {
  const cell = project.cell(optimization);
  expect([optimization, cell.verdict, cell.reason]).toEqual([
    optimization,
    verdict,
    reason === undefined ? cell.reason : expect.stringMatching(reason),
  ]);
  const found = metricOf(project, optimization, id);
  if (base !== undefined) expect(found?.base).toBe(base);
  if (head !== undefined) expect(found?.head).toBe(head);
};

const commands = gated({
  files: {
    'm.mjs': size,
    'words.mjs': program('`result: {"size": 1}`'),
  },
  base: {
    entries: [
      measured('argument', 'node m.mjs 1'),
      measured('gone', 'node m.mjs'),
      measured('never', 'node nope.mjs'),
      measured('words', 'node words.mjs'),
      measured('same', 'node m.mjs 2'),
    ],
  },
  head: {
    entries: [
      measured('argument', 'node m.mjs 3'),
      measured('gone', 'node nope.mjs'),
      measured('never', 'node nope.mjs'),
      measured('words', 'node words.mjs'),
      measured('same', 'node m.mjs 2'),
    ],
  },
});

const answers: Readonly<Record<string, readonly [what: string, answer: string, reason: RegExp]>> = {
  lacking: ['lacks one metric', 'JSON.stringify({ size: 1 })', /subject-protocol.*other is not there: \{"size":1\}/s],
  named: ['calls its metrics otherwise', 'JSON.stringify({ bytes: 1, other: 1 })', /subject-protocol.*"bytes" is too many/s],
  quoted: ['gives a number as a string', `JSON.stringify({ size: '1', other: 1 })`, /subject-protocol.*size is no finite number/s],
  nan: ['gives NaN', '`{"size": NaN, "other": 1}`', /subject-protocol.*not one line of JSON.*NaN/s],
  infinite: ['gives an infinite number', '`{"size": 1e999, "other": 1}`', /subject-protocol.*size is no finite number/s],
  twice: ['gives two objects in a line', '`{"size": 1, "other": 1}{"size": 2, "other": 1}`', /subject-protocol.*not one line of JSON/s],
  repeated: ['gives a number twice', '`{"size": 1, "size": 3, "other": 1}`', /subject-protocol.*a key is repeated/s],
  list: ['gives a list', '`[{"size": 1, "other": 1}]`', /subject-protocol.*got a list: /s],
  silent: ['gives an empty line', '``', /subject-protocol.*not one line of JSON.*""/s],
  ahead: [
    'answers the next round too',
    '`{"size": 1, "other": 1}\\n{"size": 1, "other": 1}`',
    /subject-protocol.*output before any question/s,
  ],
  late: ['stops after some rounds', 'round < 9 ? `{"size": 1, "other": 1}` : process.exit(0)', /subject-crashed/s],
};
const unread = gated({
  files: Object.fromEntries(Object.entries(answers).map(([id, [, answer]]) => [`${id}.mjs`, program(answer)])),
  base: { entries: Object.keys(answers).map((id) => measured(id, `node ${id}.mjs`, metric('size'), metric('other'))) },
  head: { entries: Object.keys(answers).map((id) => measured(id, `node ${id}.mjs`, metric('size'), metric('other'))) },
});

const controller = (step: number): string => `import { createInterface } from 'node:readline';
const most = Number(process.argv[2] ?? ${step});
for await (const line of createInterface({ input: process.stdin })) {
  const { do: what, observation } = JSON.parse(line);
  console.log(JSON.stringify({ ok: what === 'next' ? { batch: Math.max(1, Math.min(observation.waiting, most)) } : {} }));
}
`;
const policy = (id: string, door: string, ...more: readonly string[]): Entry => [
  id,
  'like: adaptive-batching',
  door,
  'inputs: [data/**]',
  ...more,
];
const policyModule = (setting: string): string => `import { most } from './policy/limit.mjs';
export const start = async ({ options }) => ({
  next: async ({ waiting }) => ({ batch: Math.max(1, Math.min(waiting, ${setting})) }),
});
`;

const policies = gated({
  arguments: ['--set', 'budget.minutes=10'],
  files: {
    'serve.mjs': controller(16),
    'babble.mjs': controller(16).replace('Math.max(1,', '-Math.max(1,'),
    'policy.mjs': policyModule('most'),
    'copy.mjs': policyModule('most'),
    'policy/limit.mjs': 'export const most = 16;\n',
  },
  base: {
    entries: [
      policy('served', 'serve: node serve.mjs 16'),
      policy('stopped', 'serve: node serve.mjs'),
      policy('imported', 'module: policy.mjs'),
      policy('renamed', 'module: policy.mjs'),
      policy('babbling', 'serve: node babble.mjs'),
    ],
  },
  head: {
    files: { 'policy/limit.mjs': 'export const most = 1;\n' },
    entries: [
      policy('served', 'serve: node serve.mjs 1'),
      policy('stopped', 'serve: node nope.mjs'),
      policy('imported', 'module: policy.mjs'),
      policy('renamed', 'module: gone.mjs'),
      policy('babbling', 'serve: node babble.mjs'),
    ],
  },
});

const parts = gated({
  files: {
    'm.mjs': size,
    'other.mjs': size,
    'sub/run.sh': 'exec node m.mjs "$1"\n',
    'package.json': '{"version": "1.0.0"}\n',
    'version.mjs': program(
      `JSON.stringify({ size: Number((await import('node:fs')).readFileSync('package.json', 'utf8').match(/\\d+/)[0]) })`,
    ),
  },
  base: {
    entries: [
      measured('script', 'node other.mjs'),
      measured('through', 'sh sub/run.sh 1'),
      measured('installed', 'node version.mjs'),
      measured('more', 'node m.mjs'),
      measured('fewer', 'node more.mjs', metric('size'), metric('other')),
    ],
    files: { 'more.mjs': program('JSON.stringify({ size: 1, other: 1 })') },
    rest: ['setup: node --version'],
  },
  head: {
    entries: [
      measured('script', 'node other.mjs'),
      measured('through', 'sh sub/run.sh 1'),
      measured('installed', 'node version.mjs'),
      measured('more', 'node added.mjs', metric('size'), metric('other')),
      measured('fewer', 'node more.mjs', metric('size')),
    ],
    files: {
      'other.mjs': size.replace('100', '300'),
      'sub/run.sh': 'exec node m.mjs 4\n',
      'package.json': '{"version": "2.0.0"}\n',
      'added.mjs': program('JSON.stringify({ size: 100, other: 5 })'),
      'more.mjs': program('JSON.stringify({ size: 1 })'),
    },
    rest: ['setup: node --version'],
  },
});

const row = (
  kind: Situation['kind'],
  source: Situation['source'],
  speed: Situation['speed'],
  [example, before, now]: readonly [string, string, string],
  check: Situation['check'],
): Situation => ({ kind, example, before, now, source, speed, check });

const run = (source: Situation['source'], speed: Situation['speed'], words: readonly [string, string, string], check: Situation['check']) =>
  row('what-is-run', source, speed, words, check);
const nothing = (
  source: Situation['source'],
  speed: Situation['speed'],
  words: readonly [string, string, string],
  check: Situation['check'],
) => row('nothing-measured', source, speed, words, check);

const spent = 'budget: { minutes: 0.00001 }';

export const situations: readonly Situation[] = [
  run(
    'reported',
    'fast',
    ['only an argument in the command line of `measure:` changes, and the size triples', 'unchanged', 'regressed'],
    async () => expectCell(await commands(), 'argument', { verdict: 'regressed', base: 100, head: 300 }),
  ),
  run('reported', 'fast', ['the command line of `measure:` names a file that does not exist', 'unchanged', 'failed'], async () =>
    expectCell(await commands(), 'gone', { verdict: 'failed', reason: /^error\[subject-crashed\] of head/ }),
  ),
  nothing('reported', 'fast', ['the program of `measure:` does not exist on either side', 'unchanged, judged', 'failed'], async () =>
    expectCell(await commands(), 'never', {
      verdict: 'failed',
      reason: /^base runs the same and fails too: error\[subject-crashed\]/,
      head: null,
    }),
  ),
  nothing('reported', 'fast', ['a program writes words around its JSON on both sides', 'unchanged, judged', 'failed'], async () =>
    expectCell(await commands(), 'words', { verdict: 'failed', reason: /subject-protocol.*result: /s }),
  ),
  nothing(
    'neighbour',
    'fast',
    ['an unchanged program beside changed ones was never run before', 'unchanged, no number', 'unchanged, measured'],
    async () => {
      const project = await commands();
      expectCell(project, 'same', { verdict: 'unchanged', head: 200 });
      expect(project.samples().launches.filter(({ cell }) => cell === 'same')).toHaveLength(1);
      expect(project.verdict()).toMatchObject({ exitCode: 1, coverage: { judged: 2, total: 5, byReason: { failed: 3 } } });
    },
  ),
  nothing(
    'neighbour',
    'slow',
    ['an unchanged program that an earlier run has seen, beside a changed one', 'unchanged, no number', 'unchanged by that date'],
    async () => {
      const project = projectOf({
        files: { 'm.mjs': size, 'k.mjs': size },
        base: { entries: [measured('argument', 'node m.mjs 1'), measured('known', 'node k.mjs 7')] },
        head: { entries: [measured('argument', 'node m.mjs 2'), measured('known', 'node k.mjs 7')] },
      });
      await project.gate('--base', 'HEAD', '--quick');
      expectCell(project, 'known', { verdict: 'unchanged', head: 700 });
      await project.gate('--base', 'HEAD~1', '--quick');
      expectCell(project, 'known', { verdict: 'unchanged', head: null });
      expect(metricOf(project, 'known', 'size')?.reason).toMatch(/it worked on \d{4}-\d\d-\d\d/);
      expect(project.samples().launches.filter(({ cell }) => cell === `${model}/known`)).toEqual([]);
      expect(project.verdict().coverage).toMatchObject({ judged: 2, total: 2 });
      // Decided again from the files alone, without the store.
      const verdict = project.text('verdict.json');
      rmSync(join(project.store, 'records', 'local', 'seen'), { recursive: true });
      await project.gate('gate');
      expect(project.text('verdict.json')).toBe(verdict);
    },
  ),
  nothing(
    'neighbour',
    'slow',
    ['the budget ends before an unchanged program was ever run', 'unchanged, passed', 'inconclusive, then passed once it was seen'],
    async () => {
      const entries = [measured('cut', 'node m.mjs 9')];
      const project = projectOf({ files: { 'm.mjs': size }, base: { entries, rest: [spent] }, head: { entries, rest: [spent] } });
      const { code } = await project.gate('--base', 'HEAD~1');
      expect(code).toBe(3);
      expectCell(project, 'cut', {
        verdict: 'inconclusive',
        reason: /^the time of `budget: minutes` ran out: .*nothing shows that it works/,
        head: null,
      });
      expect(project.verdict().coverage).toMatchObject({ judged: 0, total: 1 });
      project.commit({ 'optimization-gate.yml': configuration(entries) });
      expect((await project.gate('--base', 'HEAD')).code).toBe(0);
      project.commit({ 'optimization-gate.yml': configuration(entries, [spent]) });
      expect((await project.gate('--base', 'HEAD~2')).code).toBe(0);
      expect(project.samples().launches).toEqual([]);
      expectCell(project, 'cut', { verdict: 'unchanged', head: null });
    },
  ),
  ...Object.entries(answers).map(([id, [what, , reason]]) =>
    nothing('neighbour', 'slow', [`an unchanged program ${what}`, 'unchanged, judged', 'failed'], async () =>
      expectCell(await unread(), id, { verdict: 'failed', reason, head: null }),
    ),
  ),
  run(
    'reported',
    'slow',
    ['only an argument in the command line of `serve:` changes, and the queue grows', 'unchanged', 'compared'],
    async () => {
      const cell = (await policies()).cell('served');
      expect(['regressed', 'inconclusive']).toContain(cell.verdict);
    },
  ),
  run('reported', 'slow', ['the command line of `serve:` names a file that does not exist', 'unchanged', 'failed'], async () =>
    expectCell(await policies(), 'stopped', { verdict: 'failed', reason: /of head/ }),
  ),
  run(
    'neighbour',
    'slow',
    ['a file that a module imports changes, and no glob of `inputs` matches it', 'unchanged', 'compared'],
    async () => {
      const cell = (await policies()).cell('imported');
      expect(['regressed', 'inconclusive']).toContain(cell.verdict);
    },
  ),
  run('neighbour', 'slow', ['`module:` names a file that does not exist', 'unchanged', 'failed'], async () =>
    expectCell(await policies(), 'renamed', { verdict: 'failed', reason: /of head/ }),
  ),
  run(
    'neighbour',
    'slow',
    ['the program that the command line names changes, and no glob of `inputs` matches it', 'unchanged', 'regressed'],
    async () => expectCell(await parts(), 'script', { verdict: 'regressed', base: 100, head: 300 }),
  ),
  run('neighbour', 'slow', ['a shell script that the command line names passes another argument on', 'unchanged', 'regressed'], async () =>
    expectCell(await parts(), 'through', { verdict: 'regressed', base: 100, head: 400 }),
  ),
  run('neighbour', 'slow', ['a manifest that `setup` installs from changes', 'unchanged', 'regressed'], async () =>
    expectCell(await parts(), 'installed', { verdict: 'regressed', base: 1, head: 2 }),
  ),
  run('neighbour', 'slow', ['program and configuration gain a metric', 'failed', 'passed'], async () =>
    expectCell(await parts(), 'more', { verdict: 'passed', base: 100, head: 100 }),
  ),
  nothing('neighbour', 'slow', ['program and configuration lose a metric that base judges', 'failed', 'failed'], async () =>
    expectCell(await parts(), 'fewer', { verdict: 'failed', reason: /other is not there/ }),
  ),
  nothing('neighbour', 'slow', ['an unchanged policy answers with actions that are none', 'unchanged, judged', 'failed'], async () =>
    expectCell(
      await policies(),
      'babbling',
      { verdict: 'failed', reason: /^base runs the same and fails too: .*subject-protocol/s },
      'none',
    ),
  ),
];
