import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { basename } from 'node:path';

const config = 'vitest.acceptance.config.ts';

/** The shard that a commit runs, 0 to `shards` − 1: it rotates with the commit's id. */
export const shardOf = (commit: string, shards: number): number => Number.parseInt(commit.slice(0, 8), 16) % shards;

/** A test as vitest lists it. */
export interface ListedTest {
  readonly name: string;
  readonly file: string;
}

/** Files whose tests build on each other, or on one long run: each is in one shard as a whole. */
export const stories = [
  'exit-status',
  'faults',
  'own-doors',
  'own-variants',
  'pull-request',
  'python-command',
  'requirements',
  'resume',
  'untrained',
].map((name) => `${name}.test.ts`);

/** Names of the tests of one shard: every n-th test or story, of all tests in vitest's own order. */
export const testsOf = (tests: readonly ListedTest[], shard: number, shards: number): readonly string[] => {
  const units = Map.groupBy(tests, ({ name, file }) => (stories.includes(basename(file)) ? file : `${file} ${name}`));
  return [...units.values()].filter((_, at) => at % shards === shard).flatMap((unit) => unit.map(({ name }) => name));
};

/** A pattern for `--testNamePattern` that matches these tests and no other. Vitest matches names whose parts are joined by a space. */
export const patternOf = (names: readonly string[]): string =>
  `^(?:${names.map((name) => name.replaceAll(' > ', ' ').replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')})$`;

/** Runs one shard of the acceptance tests and returns vitest's exit status; `report` is the file for its JSON report. */
const run = (shards: number, commit: string, report: string): number => {
  const list = `${report}.list`;
  const listed = spawnSync('vitest', ['list', '--config', config, `--json=${list}`], { stdio: ['ignore', 2, 2] });
  if (listed.status !== 0) return listed.status ?? 1;
  const tests = JSON.parse(readFileSync(list, 'utf8')) as readonly ListedTest[];
  rmSync(list);
  const shard = shardOf(commit, shards);
  const chosen = testsOf(tests, shard, shards);
  console.log(`Acceptance tests, shard ${shard + 1} of ${shards}: ${chosen.length} of ${tests.length} tests`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const args = ['run', '--config', config, '--testNamePattern', patternOf(chosen), ...reporters];
  return spawnSync('vitest', args, { stdio: ['ignore', 'inherit', 'inherit'] }).status ?? 1;
};

if (import.meta.main) {
  const [, , shards = '1', commit = '', report = ''] = process.argv;
  process.exitCode = run(Number(shards), commit, report);
}
