import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sourceFile } from '../architecture/source-file.ts';
import { type JobPromise, promises, type ShownBy } from './job-fault.ts';
import { jobFaults, tableText } from './table.ts';
import { testsIn } from './test-titles.ts';

const tests = join(import.meta.dirname, '..');
const text = (file: string): string => readFileSync(join(tests, file), 'utf8');

/** What runs the command line instead; see `Project`. */
const commandLine = /\.gate\w*\(/;

/** Modules that run `dist/action.js`. */
const runners = ['__tests__/action/scene.ts', '__tests__/testkit/run-action.ts', '__tests__/acceptance/engine-scene.ts'];

describe('the table of attacks and faults', () => {
  it.each(Object.keys(promises) as JobPromise[])('has a reported row of the kind %s', (promise) => {
    expect(jobFaults.some((row) => row.promise === promise && row.source === 'reported')).toBe(true);
  });

  it('names every row once', () => {
    const names = jobFaults.map(({ what }) => what);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });

  it('names a test file that is there, and is run as one', () => {
    const files = jobFaults.map(({ shownBy }) => shownBy.file);
    expect(files.filter((file) => !file.endsWith('.test.ts') || !existsSync(join(tests, file)))).toEqual([]);
  });

  const files = Map.groupBy(jobFaults, ({ shownBy }) => shownBy.file);
  it.each([...files])('names tests that are in %s, each by a title that is there once', (file, rows) => {
    const found = testsIn(text(file));
    expect(rows.filter(({ shownBy: { title } }) => found(title).length !== 1)).toEqual([]);
  });

  it('says of each row whether its test runs the action', () => {
    const byAction = ({ file, title }: ShownBy): boolean =>
      sourceFile(`__tests__/${file}`, text(file)).imports.some(({ target }) => runners.includes(target)) &&
      !testsIn(text(file))(title).some((source) => commandLine.test(source));
    expect(jobFaults.filter(({ shownBy, notByAction }) => notByAction === undefined && !byAction(shownBy))).toEqual([]);
  });

  it('stands in __tests__/golden as it is', async () => {
    await expect(tableText()).toMatchFileSnapshot('../golden/job-faults.md');
  });
});

describe('a title', () => {
  const found = testsIn(`
    // it('in a comment', () => {});
    const cases = { 'of a table': 1, short: 2 };
    it('plain', () => {});
    it.skip('skipped', () => {});
    it.skipIf(true)('perhaps', () => {});
    describe.skip('group', () => { it('within', () => {}); });
    it.each(Object.entries(cases))('case %s', () => {});
    it.each([['one', 1], ['two', 2]])('%s of %i (all)', () => {});
  `);
  it.each([
    ['plain', 1],
    ['perhaps', 1],
    ['in a comment', 0],
    ['skipped', 0],
    ['within', 0],
    ['case of a table', 1],
    ['case short', 1],
    ['case %s', 1],
    ['case plain', 0],
    ['one of 2 (all)', 1],
    ['three of 2 (all)', 0],
  ])('%s stands there %i times', (title, times) => {
    expect(found(title)).toHaveLength(times);
  });
});
