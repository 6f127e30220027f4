import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verdict as verdictSchema } from '../../src/records/verdict.ts';
import { commentBody, commentLimit, summaryMarkdown } from '../../src/report/markdown.ts';
import { hostileText, hostileVerdict, hugeVerdict } from './arbitrary.ts';
import { context, fullGrid, named, passed, regressed, verdictOf } from './fixtures.ts';
import { expectGolden } from './golden.ts';
import { gridVerdict } from './grid.ts';

const pipes = (line: string): number => [...line.matchAll(/\\.|\|/g)].filter(([found]) => found === '|').length;

/** What a reader of the rendered page would suffer from; empty for a sound text. */
const flaws = (text: string): readonly string[] => {
  const found: string[] = [];
  const lines = text.split('\n');
  lines.forEach((line, index) => {
    const before = lines[index - 1] ?? '';
    if (line.startsWith('|') && before.startsWith('|') && pipes(line) !== pipes(before)) found.push(`broken row: ${line}`);
    const outside = line.replace(/(?<!\\)`[^`]*`/g, '').replace(/\]\(https:[^)\s]*\)/g, ']');
    if (/<(?!\/?(?:details|summary|b)>| )/.test(outside)) found.push(`HTML: ${line}`);
    if (/@\w/.test(outside)) found.push(`mention: ${line}`);
    if (/(?<!&)#\w/.test(outside) || /\bGH-\d/i.test(outside)) found.push(`reference: ${line}`);
    if (/:\/\/|www\./i.test(outside)) found.push(`link: ${line}`);
    if ([...outside.matchAll(/\\.|`/g)].some(([tick]) => tick === '`')) found.push(`open code: ${line}`);
    if (/^#/.test(line) && !/^#{3,4} [✅❌⚠➖A-Z]/u.test(line)) found.push(`heading: ${line}`);
  });
  const bare = text.replace(/(?<!\\)`[^`\n]*`/g, '');
  if (bare.split('<details>').length !== bare.split('</details>').length) found.push('unbalanced details');
  // Control characters but the newline.
  if (/[^\n\P{Cc}]/u.test(text)) found.push('control character');
  return found;
};

describe('commentBody', () => {
  it('names the project where there are several', () => {
    expect(commentBody(regressed, { ...context, project: 'packages/a' })).toMatch(/^### ❌ Regressed in `packages\/a`: /);
    expect(commentBody(regressed, context)).toMatch(/^### ❌ Regressed: /);
  });

  for (const [name, verdict] of Object.entries(named)) {
    it(`reads as written down for ${name}`, () => {
      const text = commentBody(verdict, context);
      expect(verdictSchema.safeParse(verdict).success).toBe(true);
      expect(flaws(text)).toEqual([]);
      expectGolden(`comment-${name}.md`, text);
    });
  }

  it('begins with the verdict and puts regressions before everything else', () => {
    const text = commentBody(regressed, context);
    expect(text.startsWith('### ❌ Regressed: ')).toBe(true);
    expect(text.indexOf('#### Regressions')).toBeLessThan(text.indexOf('#### Improvements'));
    expect(text.indexOf('#### Improvements')).toBeLessThan(text.indexOf('<details>'));
    expect(text).toContain('**+8.29 % (+7.11 … +9.48)**');
  });

  it('says aloud that sparser is not faster', () => {
    expect(commentBody(passed, context)).toMatch(
      /Worth knowing[\s\S]*`mini-qwen3-dense\/sparse-network`: ineffective: sparser, not faster/,
    );
  });

  it('says a warning of several launches and cells once, and names each cell once', () => {
    const warned = regressed.cells.map((cell) => ({
      ...cell,
      metrics: cell.metrics.map((metric) =>
        metric.id === 'nll-delta' ? { ...metric, warnings: ['3 of 4 windows drift', '2 of 4 windows drift'] } : metric,
      ),
    }));
    const said = commentBody({ ...regressed, cells: warned }, context)
      .split('\n')
      .filter((line) => line.includes('windows drift'));
    const cells = warned.filter(({ metrics }) => metrics.some(({ id }) => id === 'nll-delta'));
    expect(said).toEqual([expect.stringMatching(/^- `nll-delta@quality` of .*: 3 of 4 windows drift$/)]);
    expect(cells.map(({ id }) => said[0]?.split(`\`${id}\``).length)).toEqual(cells.map(() => 2));
  });

  it('leaves out what there is nothing to say about', () => {
    const text = commentBody(verdictOf([]), { ...context, baseCommit: null, runUrl: null, took: null, staleness: null });
    expect(text).not.toMatch(/Regressions|Improvements|Worth knowing|NaN|undefined|null/);
    expect(text).toContain('against no base');
  });

  it('drops the least important rows first and counts them', () => {
    const text = commentBody(fullGrid, context);
    expect(text.length).toBeLessThanOrEqual(commentLimit);
    expect(text).toMatch(/\d+ less important rows left out/);
    expect(text.match(/❌ regressed/g)?.length).toBeGreaterThanOrEqual(3);
    const shown = (role: string): number => text.split(`| ${role} |`).length - 1;
    expect(shown('✅ passed')).toBeGreaterThan(0);
    const all = summaryMarkdown(fullGrid, context);
    expect(all).not.toContain('left out');
    expect(all.split('| described |').length - 1).toBeGreaterThan(shown('described'));
  });

  it('keeps its limit and its shape under a huge and hostile verdict', () => {
    const verdict = hugeVerdict();
    const text = commentBody(verdict, { ...context, headCommit: '|`@x'.repeat(400), runUrl: 'javascript:alert(1)' });
    expect(text.length).toBeLessThanOrEqual(commentLimit);
    expect(text.length).toBeGreaterThan(commentLimit * 0.9);
    expect(flaws(text)).toEqual([]);
    expect(text).toContain('36 more models');
    const summary = summaryMarkdown(verdict, context);
    expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(1_000_000);
    expect(flaws(summary)).toEqual([]);
  });

  it('is sound for any verdict that fits the schema, and the same each time', () => {
    fc.assert(
      fc.property(hostileVerdict, hostileText, (verdict, url) => {
        const given = { ...context, runUrl: url };
        const text = commentBody(verdict, given);
        expect(flaws(text)).toEqual([]);
        expect(text.length).toBeLessThanOrEqual(commentLimit);
        expect(text).not.toMatch(/\bNaN\b|\bundefined\b|Infinity/);
        expect(commentBody(verdict, given)).toBe(text);
        expect(flaws(summaryMarkdown(verdict, given))).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('is judged by a check that sees harm', () => {
    expect(flaws('| a | b |\n| a \\| b |')).not.toEqual([]);
    expect(flaws('hello <script>')).not.toEqual([]);
    expect(flaws('hello @octocat')).not.toEqual([]);
    expect(flaws('see #12')).not.toEqual([]);
    expect(flaws('<details>')).not.toEqual([]);
    expect(flaws('an open `code')).not.toEqual([]);
    expect(flaws('`@octocat <b> #12`')).toEqual([]);
  });
});

describe('every optimization on every miniature', () => {
  const verdict = gridVerdict();

  it('read as written down: the verdict, what regressed, one collapsed block per model, the coverage', () => {
    const text = commentBody(verdict, context);
    expect(verdictSchema.safeParse(verdict).success).toBe(true);
    expect(flaws(text)).toEqual([]);
    expect(text.length).toBeLessThanOrEqual(commentLimit);
    expect(text).not.toContain('left out');
    expect(text.match(/<details><summary><b>mini-/g)).toHaveLength(4);
    expect(text).toContain('<details><summary>Coverage: judged ');
    for (const name of ['`goodput`', '`settling-steps`', '`found-latency`', '`time-to-first-token`', '`adaptive-goodput`'])
      expect(text).toContain(name);
    expectGolden('comment-44-cells.md', text);
  });
});

describe('summaryMarkdown', () => {
  it('holds every row of the full grid and the coverage', () => {
    const text = summaryMarkdown(fullGrid, context);
    expect(text).toContain('<summary>Coverage: judged ');
    expectGolden('summary-full-grid.md', text);
  });
});
