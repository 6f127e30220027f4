import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Kind, kinds } from './situation.ts';
import { tableText, topics } from './table.ts';

const folder = import.meta.dirname;
const slowFolder = join(folder, '..', 'acceptance', 'false-verdicts');
const rows = Object.values(topics).flat();

/** What the test files of a folder import, in one text. */
const testsIn = (of: string): string =>
  readdirSync(of)
    .filter((name) => name.endsWith('.test.ts') && name !== 'table.test.ts')
    .map((name) => readFileSync(join(of, name), 'utf8'))
    .join('\n');

describe('the table of false verdicts', () => {
  it.each(Object.keys(kinds) as Kind[])('has a reported row and two neighbours of the kind %s', (kind) => {
    const found = rows.filter((row) => row.kind === kind).map(({ source }) => source);
    expect(found.filter((source) => source === 'reported').length).toBeGreaterThanOrEqual(1);
    expect(found.filter((source) => source === 'neighbour').length).toBeGreaterThanOrEqual(2);
  });

  it('names every row once', () => {
    const names = rows.map(({ kind, example, before, now }) => `${kind} ${example}: ${before} → ${now}`);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });

  it('runs every row: each module with rows of a speed is imported by a test of that speed', () => {
    const tests = { fast: testsIn(folder), slow: testsIn(slowFolder) };
    const unrun = Object.entries(topics).flatMap(([topic, own]) =>
      (['fast', 'slow'] as const).filter((speed) => own.some((row) => row.speed === speed) && !tests[speed].includes(`/${topic}.ts'`)),
    );
    expect(unrun).toEqual([]);
  });

  it('stands in __tests__/golden as it is', async () => {
    await expect(tableText()).toMatchFileSnapshot('../golden/false-verdicts.md');
  });
});
