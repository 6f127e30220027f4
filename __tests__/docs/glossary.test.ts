import { describe, expect, it } from 'vitest';
import { textOf } from './documentation.ts';

interface Entry {
  readonly words: readonly string[];
  readonly sentences: readonly string[];
}

const entriesOf = (page: string): readonly Entry[] =>
  [...page.matchAll(/^- (\*\*.*?):[^:](.*(?:\n {2}.*)*)$/gm)].map(([, words = '', text = '']) => ({
    words: [...words.matchAll(/\*\*(.+?)\*\*/g)].map(([, word = '']) => word.replaceAll('`', '')),
    sentences: text
      .replace(/\s+/g, ' ')
      .split(/(?<=[.!?]) /)
      .filter((each) => each !== ''),
  }));

const faultsOf = (entries: readonly Entry[]): readonly string[] => [
  ...entries.flatMap(({ words: [first = ''] }, at) => {
    const before = entries[at - 1]?.words[0];
    return before !== undefined && before.localeCompare(first, 'en') > 0 ? [`${first} stands after ${before}`] : [];
  }),
  ...entries.flatMap(({ words: [first = ''], sentences }) => [
    ...(sentences.length > 0 && sentences.length <= 3 ? [] : [`${first} has ${sentences.length} sentences`]),
    ...sentences.filter((each) => each.split(' ').length > 25).map((each) => `${first}: ${each}`),
  ]),
];

describe('the glossary', () => {
  const entries = entriesOf(textOf('docs/glossary.md'));

  it('is alphabetical, in short sentences', () => {
    expect(entries.length).toBeGreaterThan(50);
    expect(faultsOf(entries)).toEqual([]);
  });

  it.each([
    'arm',
    'artefact',
    'baseline',
    'benchmark',
    'cell',
    'comparator',
    'episode',
    'launch',
    'metric',
    'reference',
    'round',
    'runner class',
    'self-check',
    'session options',
    'tolerance',
    'tuning',
    'verdict',
    'warning',
  ])('has %s, once', (word) => {
    expect(entries.filter(({ words }) => words.includes(word))).toHaveLength(1);
  });

  it('would be seen to be out of order, or long-winded', () => {
    expect(faultsOf(entriesOf('- **b**: One.\n- **a**: One. Two. Three. Four.\n'))).toEqual(['a stands after b', 'a has 4 sentences']);
    expect(faultsOf(entriesOf(`- **a**: ${'word '.repeat(26)}.\n`))).toHaveLength(1);
  });
});
