import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, cutAtWord, padded, shortNames, width, wrapped } from '../../src/report/columns.ts';
import { listedMetrics } from '../../src/report/listed-metric.ts';
import { commentBody } from '../../src/report/markdown.ts';
import { screenLines, summaryText } from '../../src/report/text.ts';
import { hostileText, hostileVerdict, hugeVerdict } from './arbitrary.ts';
import { context, failed, fullGrid, named, regressed, verdictOf } from './fixtures.ts';
import { expectGolden } from './golden.ts';
import { gridVerdict } from './grid.ts';

const misfits = (text: string, columns: number): readonly string[] => {
  const lines = stripVTControlCharacters(text).replace(/\n$/, '').split('\n');
  return [...lines.filter((line) => width(line) > columns), ...(lines.length > screenLines ? [`${lines.length} lines`] : [])];
};

describe('summaryText', () => {
  for (const [name, verdict] of Object.entries(named)) {
    it(`reads as written down for ${name}`, () => {
      const text = summaryText(verdict, { columns: 100, colour: false, report: '.optimization-gate/report/index.html' });
      expect(misfits(text, 100)).toEqual([]);
      expectGolden(`summary-${name}.txt`, text);
    });
  }

  it('fits 80 columns too, grid and all', () => {
    const text = summaryText(fullGrid, { columns: 80, colour: false, report: 'report/index.html' });
    expect(misfits(text, 80)).toEqual([]);
    expectGolden('summary-full-grid-80.txt', text);
  });

  it('shows every cell with what each optimization is known by, and the coverage, on one screen', () => {
    const text = summaryText(gridVerdict(), { columns: 100, colour: false, report: '.optimization-gate/report/index.html' });
    expect(misfits(text, 100)).toEqual([]);
    expect(text).toMatch(/^adaptive-batching +goodput × +/m);
    expect(text).toMatch(/^feedback-control +settling-steps × +/m);
    expect(text).toMatch(/^metrics +qwen3-dense/m);
    expectGolden('summary-44-cells.txt', text);
    for (const columns of [60, 72, 80, 90, 132])
      expect(misfits(summaryText(gridVerdict(), { columns, colour: false }), columns)).toEqual([]);
  });

  it('names what regressed with its numbers, and where the report is, last', () => {
    const text = summaryText(regressed, { columns: 160, colour: false, report: '/runs/7/report/index.html' });
    expect(text).toMatch(/^REGRESSED/);
    expect(text).toMatch(/decode-latency@decode-b1: 1\.49 → 1\.61 ms, \+8\.29 % \(\+7\.11 … \+9\.48\), tolerance 2 %, p \.002/);
    expect(text.trimEnd().endsWith('Report: /runs/7/report/index.html')).toBe(true);
    expect(summaryText(regressed, { columns: 120, colour: false })).not.toContain('Report:');
  });

  it('says why something passed that is worse, or that head no longer has', () => {
    const [worse] = listedMetrics(regressed, 'regressed');
    const accepted = { ...worse!.metric, verdict: 'passed' as const, reason: 'accepted until 2027-01-31 up to 0.1: a safer kernel' };
    const kept = { ...worse!.cell, verdict: 'passed' as const, metrics: [accepted] };
    const retired = {
      ...worse!.cell,
      id: 'mini/old',
      verdict: 'passed' as const,
      reason: 'retired until 2027-01-31: replaced',
      metrics: [],
    };
    const passing = verdictOf([kept, retired]);
    for (const report of [summaryText(passing, { columns: 160, colour: false }), commentBody(passing, context)]) {
      const text = report.replace(/\s+/g, ' ');
      expect(text).toContain('accepted until 2027-01-31 up to 0.1: a safer kernel');
      expect(text).toContain('+8.29 %');
      expect(text).toContain('retired until 2027-01-31: replaced');
    }
  });

  it('names what became better beside what regressed, however much regressed', () => {
    const [worse] = listedMetrics(fullGrid, 'regressed');
    const [better] = listedMetrics(fullGrid, 'improved');
    const points = Array.from({ length: 40 }, (_, at) => ({ ...worse!.metric, point: `point-${at}` }));
    const cells = [{ ...worse!.cell, metrics: [...points, better!.metric] }];
    const lines = summaryText({ ...fullGrid, cells }, { columns: 160, colour: false }).split('\n');
    const marked = lines.filter((line) => /^[✗↑]/.test(line)).map(([mark]) => mark);
    expect(marked.slice(0, 5)).toEqual(['✗', '✗', '✗', '↑', '✗']);
    expect(lines.find((line) => line.startsWith('↑'))).toContain(`${better!.metric.id}@`);
  });

  it('has a headline of one line with the number of the worst metric in it, however narrow the terminal and long the names', () => {
    const summary =
      'Regressed: prefill-latency +123.4 % in mini-glm4-moe-lite/structured-pruning-of-many-experts and 11 more metrics; 3 cells missing';
    for (let columns = 40; columns <= 200; columns++) {
      const text = summaryText({ ...regressed, summary }, { columns, colour: false });
      expect(misfits(text, columns)).toEqual([]);
      const [headline = '', counts = ''] = text.split('\n');
      expect(headline).toMatch(/^REGRESSED {2}prefill-latency \+123\.4 %/);
      expect(counts).toMatch(/^\d+ cells: /);
    }
  });

  it('colours only when asked, and colour changes nothing else', () => {
    const plainText = summaryText(failed, { columns: 100, colour: false });
    const coloured = summaryText(failed, { columns: 100, colour: true });
    expect(plainText).not.toContain('\u001b');
    expect(coloured).toContain('\u001b[31m');
    expect(stripVTControlCharacters(coloured)).toBe(plainText);
  });

  it('fits a screen for any verdict that fits the schema', () => {
    fc.assert(
      fc.property(hostileVerdict, fc.integer({ min: 40, max: 200 }), fc.boolean(), hostileText, (verdict, columns, colour, report) => {
        const text = summaryText(verdict, { columns, colour, report });
        expect(misfits(text, columns)).toEqual([]);
        if (!colour) expect(text).not.toContain('\u001b');
        expect(text).not.toMatch(/\bNaN\b|\bundefined\b|Infinity/);
      }),
      { numRuns: 60 },
    );
    expect(misfits(summaryText(hugeVerdict(), { columns: 100, colour: false, report: 'x' }), 100)).toEqual([]);
    expect(misfits(summaryText(verdictOf([]), { columns: 40, colour: false }), 40)).toEqual([]);
  });
});

describe('columns', () => {
  it('counts what a terminal shows', () => {
    expect(width('abc')).toBe(3);
    expect(width('漢字')).toBe(4);
    expect(width('e\u0301')).toBe(1);
    expect(cut('abcdef', 4)).toBe('abc…');
    expect(cut('漢字漢字', 4)).toBe('漢…');
    expect(cut('abc', 0)).toBe('');
    expect(wrapped('one two three four', 9, 2)).toEqual(['one two', '  three …']);
    expect([...shortNames(['mini-a-x', 'mini-a', 'mini-b']).values()]).toEqual(['a-x', 'a', 'b']);
    expect([...shortNames(['mini-a', 'mini-a']).values()]).toEqual(['mini-a']);
    expect(wrapped('one two three', 40, 2)).toEqual(['one two three']);
    expect(cutAtWord('one 23.4 % more', 8)).toBe('one …');
    expect(cutAtWord('verylongword 5', 6)).toBe('veryl…');
    expect(wrapped('a verylongword b', 6, 3)).toEqual(['a', '  ver…', '  b']);
  });

  it('counts and cuts characters of several code points as one', () => {
    const family = '👨\u200d👩\u200d👧';
    expect([family, '🇩🇪', '❤\ufe0f', 'ｶﾞ', '\u001b[31mred\u001b[39m', '𠮷', 'a\u200bb'].map(width)).toEqual([2, 2, 2, 2, 3, 2, 2]);
    expect(cut(`a${family}bc`, 4)).toBe(`a${family}…`);
    expect(cut(`a${family}bc`, 3)).toBe('a…');
    expect(cut('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…');
    expect(padded('漢字', 6)).toBe('漢字  ');
    expect(padded('\u001b[31mred\u001b[39m', 4, true)).toBe(' \u001b[31mred\u001b[39m');
  });
});
