import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, textOf } from './documentation.ts';

/** A word that had two meanings, or none that a reader knows, and is not to come back. */
interface Retired {
  readonly found: RegExp;
  /** Where the word has another meaning, which stays. */
  readonly lawful?: RegExp;
  readonly instead: string;
}

const retired: Readonly<Record<string, Retired>> = {
  untouched: { found: /untouched/i, instead: 'reference, or unchanged' },
  yardstick: { found: /yardstick/i, instead: 'reference or comparator' },
  'fair pair': { found: /\bfair pairs?\b/i, instead: 'comparator' },
  control: {
    found: /\bcontrols?\b/i,
    lawful:
      /\bfeedback[- ]control|\bcontrol[- ](loops?|steps?|characters?|flow|theory|lists?)\b|\bversion control\b|\b(closed|open)[- ]loop control\b|\bconst control =|\bcontrol\(|\bconst controls =|\(controls,|\bcontrol, formatting|\bcontrol and escape/i,
    instead: 'comparator, or self-check',
  },
  bench: {
    found: /\bthe bench\b|\b(a|its|own|each|every) bench\b|benches\b|\bBench\b/,
    instead: 'benchmark',
  },
  tuning: { found: /\btuning\??: SessionOptions|\bsettings? tuning\b/, instead: 'session options' },
  reference: { found: /\breference implementations?\b/i, instead: 'built-in' },
  'accuracy-preservation': { found: /accuracy-preservation/, instead: 'perplexity-ratio' },
  doubt: { found: /\bdoubts?\b/i, instead: 'warning' },
  flops: { found: /\bflops\b/i, instead: 'MACs' },
  'pre → post': { found: /\bpre ?(→|->) ?post\b|\bpre\/post\b|\bpre and post\b/i, instead: 'reference and head' },
  'so-manieth': { found: /so-manieth/i, instead: 'every k-th' },
  screens: { found: /\bscreens\b/i, lawful: /\b(launch|one|that) (that )?screens\b/i, instead: 'screening launches' },
  measurement: { found: /`?\bmeasurement\/`?/, lawful: /external-measurement\//, instead: 'launching/' },
};

/** Lines of a text with a retired word, each with what stands there instead. */
const findings = (path: string, text: string): readonly string[] =>
  text.split('\n').flatMap((line, at) =>
    Object.entries(retired).flatMap(([word, { found, lawful, instead }]) => {
      const rest = lawful === undefined ? line : line.replaceAll(new RegExp(lawful, `${lawful.flags}g`), '');
      return found.test(rest) ? [`${path}:${at + 1}: ${word} (say ${instead}): ${line.trim().slice(0, 160)}`] : [];
    }),
  );

const below = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|js|mjs|py|md|yml|json|txt)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !/onnx\/proto\//.test(path));

const written = [
  'README.md',
  'CONTRIBUTING.md',
  'action.yml',
  'optimization-gate.yml',
  'optimization-gate.targets.yml',
  'baselines/README.md',
  'models/README.md',
  ...['src', 'docs', 'schemas', 'examples', 'scripts', '__tests__/golden'].flatMap(below),
].filter((path) => readdirSync(join(root, path, '..')).includes(path.split('/').at(-1) ?? ''));

describe('retired words', () => {
  it('are looked for in code, pages, schemas, examples and reports', () => {
    for (const path of [
      'src/errors.ts',
      'docs/adr/0006-episodes.md',
      'schemas/plan.schema.json',
      '__tests__/golden/report/comment-passed.md',
    ])
      expect(written).toContain(path);
  });

  it('do not come back', () => {
    expect(written.flatMap((path) => findings(path, textOf(path)))).toEqual([]);
  });

  it.each([
    ['untouched', 'the untouched model'],
    ['yardstick', 'choose their own yardstick'],
    ['fair pair', 'measured as a fair pair'],
    ['control', 'as a control, batch 1'],
    ['control', 'the A/A controls of feedback-control'],
    ['bench', 'the options of the bench'],
    ['tuning', 'session(variant, tuning?: SessionOptions)'],
    ['reference', 'the reference implementation here'],
    ['doubt', 'a metric in doubt'],
    ['accuracy-preservation', '`accuracy-preservation` in percent'],
    ['flops', 'flops-per-token'],
    ['pre → post', 'pre → post'],
    ['so-manieth', 'every so-manieth position'],
    ['screens', 'the screens sent it to confirmation'],
    ['measurement', '`measurement/` switches on the kind'],
  ])('are seen: %s in "%s"', (word, line) => {
    expect(findings('a.md', line)).toEqual([expect.stringContaining(`a.md:1: ${word} (say `)]);
  });

  it.each([
    'like: feedback-control',
    'a control loop',
    'control characters are removed',
    'restore it from version control',
    'one that screens',
    'npm run bench',
  ])('are no other meanings: %s', (line) => {
    expect(findings('a.md', line)).toEqual([]);
  });

  it('have a line each that shows it', () => {
    expect(Object.keys(retired)).toHaveLength(14);
  });
});
