import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { seededRandom, shuffled } from '../../src/statistics/random.ts';
import { Clone } from './clone.ts';
import { mutantsConfiguration } from './configuration.ts';
import { type Placed, reachOf, together } from './together.ts';
import { placed, tryTogether } from './trial.ts';

const repository = join(import.meta.dirname, '..', '..');
const clone = new Clone({ 'optimization-gate.yml': mutantsConfiguration });
afterAll(() => clone.remove());

const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: repository, encoding: 'utf8' }).trim();
/** So many are told apart in one run. */
const handful = 3;

const page = readFileSync(join(repository, 'docs', 'mutants.md'), 'utf8');
/** What is to become of it: what the page says, where that gives a reason for it. */
const expected = ({ planted }: Placed): string =>
  new RegExp(`\\| \`${planted.id}\` \\|[^|]*\\| ([a-z-]+) \\|`).exec(page)?.[1] ?? ('noticedBy' in planted ? 'caught' : 'left-alone');

it('of a handful that the commit draws, each becomes what the page says', { timeout: 600_000 }, async () => {
  const drawn = shuffled([...placed('mutants'), ...placed('placebos')], seededRandom(Number.parseInt(commit.slice(0, 8), 16)));
  const [group = []] = together(drawn, await reachOf(), handful).filter(({ length }) => length === handful);
  const { tried, said } = await tryTogether(clone, group, '1');
  expect(tried).toHaveLength(handful);
  for (const { trial, outcome } of tried) {
    const { id, what } = trial.planted;
    expect(outcome.kind, `${trial.optimization}, ${id} (${what}): ${outcome.by}\n${said}`).toBe(expected(trial));
  }
});
