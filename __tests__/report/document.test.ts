import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { annotationLimit, annotations } from '../../src/report/annotations.ts';
import { fill } from '../../src/report/budget.ts';
import { coverageDocument, coverageDocumentSchema, gapsOf } from '../../src/report/coverage.ts';
import { coverageSections } from '../../src/report/coverage-table.ts';
import { reportDocumentSchema } from '../../src/report/document.ts';
import { html, linkTarget, plain, prose } from '../../src/report/escape.ts';
import { failures } from '../../src/report/failure.ts';
import { reportDocument } from '../../src/report/json.ts';
import { listedMetrics } from '../../src/report/listed-metric.ts';
import { hostileText, hostileVerdict, hugeVerdict } from './arbitrary.ts';
import { cell, failed, fullGrid, metric, named, passed, regressed, unchanged, verdictOf } from './fixtures.ts';
import { expectGolden } from './golden.ts';
import { gridVerdict } from './grid.ts';

const coverageMarkdown = (document: ReturnType<typeof coverageDocument>, limit = 600_000): string =>
  fill(coverageSections(document, { grid: 0, gap: 1 }), limit);

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

describe('reportDocument', () => {
  for (const name of ['regressed', 'inconclusive', 'failed'] as const) {
    it(`reads as written down for ${name}, and fits its schema`, () => {
      const document = reportDocument(named[name], { seconds: 1103.4, waitedSeconds: 12.5 });
      expect(reportDocumentSchema.parse(JSON.parse(json(document)))).toEqual(document);
      expectGolden(`report-${name}.json`, json(document));
    });
  }

  it('has a reason wherever there is no number, and never a number that is none', () => {
    fc.assert(
      fc.property(hostileVerdict, (verdict) => {
        const document = reportDocument(verdict, null);
        expect(reportDocumentSchema.safeParse(JSON.parse(json(document))).success).toBe(true);
        for (const one of document.cells.flatMap(({ metrics }) => metrics)) if (one.head === null) expect(typeof one.reason).toBe('string');
      }),
      { numRuns: 30 },
    );
    const broken = verdictOf([
      cell('a', 'b', 'failed', [metric('x', 'y', { head: Number.NaN, change: { estimate: Number.NaN, lower: null, upper: null } })]),
    ]);
    const found = reportDocument(broken, { seconds: Number.NaN, waitedSeconds: 0 });
    expect(found.cells[0]?.metrics[0]).toMatchObject({ head: null, change: null, reason: 'measured, but not a finite number' });
    expect(found.durationSeconds).toBeNull();
  });

  it('marks the cells whose claims are not borne out by a word that scripts can look for', () => {
    const ineffective = reportDocument(passed, null).cells.filter(({ warnings }) =>
      warnings.some((text) => text.startsWith('ineffective: ')),
    );
    expect(ineffective.map(({ optimization }) => optimization)).toEqual(['sparse-network']);
  });

  it('keeps an environment that is no object, and refuses unknown names', () => {
    expect(reportDocument(verdictOf([], { environment: 'a laptop' }), null).environment).toEqual({
      details: 'a laptop',
      runnerClass: 'cpu-xeon-2c-ort1.30-5f2a',
    });
    expect(reportDocument(verdictOf([], { environment: { runnerClass: 'forged' } }), null).environment.runnerClass).toBe(
      'cpu-xeon-2c-ort1.30-5f2a',
    );
    expect(reportDocumentSchema.safeParse({ ...reportDocument(passed, null), extra: 1 }).success).toBe(false);
  });
});

describe('coverage', () => {
  it('states every metric of every cell, with reasons', () => {
    const document = coverageDocument(failed);
    expect(coverageDocumentSchema.parse(JSON.parse(json(document)))).toEqual(document);
    const states = document.cells.flatMap(({ metrics }) => metrics);
    expect(states).toHaveLength(failed.cells.flatMap(({ metrics }) => metrics).length);
    for (const one of states) if (one.state !== 'measured') expect(one.reason).not.toBeNull();
    expectGolden('coverage-failed.json', json(document));
    expectGolden('coverage-failed.md', `${coverageMarkdown(document)}\n`);
    expectGolden('coverage-full-grid.md', `${coverageMarkdown(coverageDocument(fullGrid))}\n`);
  });

  it('counts numbers, not names: what is called measured and has no number is missing', () => {
    const finite = metric('x', 'p', { head: 1 });
    const document = coverageDocument(
      verdictOf([
        cell('m', 'o', 'passed', [
          finite,
          { ...finite, head: Number.NaN },
          { ...finite, head: null },
          { ...finite, head: null, base: 2, state: 'unchanged' },
          { ...finite, head: null, state: 'not-measured' },
          { ...finite, head: null, state: 'no-meter' },
          { ...finite, head: null, state: 'unsupported-export' },
          { ...finite, head: null, state: 'refused' },
        ]),
      ]),
    );
    expect(document.cells[0]?.counts).toEqual({
      measured: 1,
      unchanged: 1,
      'not measured': 1,
      'not applicable': 1,
      'no meter': 1,
      'no comparison': 1,
      'missing or failed': 2,
    });
    expect(
      gapsOf(document)
        .flatMap(({ state }) => state)
        .sort(),
    ).toEqual(['measured', 'no-meter', 'not-measured', 'refused', 'unsupported-export']);
  });

  it('adds up, whatever the verdict holds', () => {
    fc.assert(
      fc.property(hostileVerdict, (verdict) => {
        for (const { counts, metrics } of coverageDocument(verdict).cells)
          expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(metrics.length);
      }),
      { numRuns: 30 },
    );
    const verdict = gridVerdict();
    const grid = coverageDocument(verdict);
    expect(grid.cells.map(({ id }) => id)).toEqual(verdict.cells.map(({ id }) => id));
    expect(grid.judged).toBe(grid.cells.reduce((sum, { counts }) => sum + counts.measured + counts.unchanged, 0));
    expect(grid.total).toBe(grid.cells.reduce((sum, { metrics }) => sum + metrics.length, 0));
  });

  it('stays bounded, and counts what it leaves out', () => {
    expect(coverageMarkdown(coverageDocument(hugeVerdict()), 60_000).length).toBeLessThan(60_000);
    const many = Array.from({ length: 400 }, (_, index) =>
      cell('m', `o${index}`, 'failed', [metric(`x${index}`, 'p', { state: 'refused', reason: `because ${index}` })]),
    );
    expect(coverageMarkdown(coverageDocument(verdictOf(many)), 10_000)).toMatch(/… and \d+ more rows: see coverage\.json\./);
  });
});

describe('annotations', () => {
  it('are the regressions, the failures and the missing, worst first', () => {
    expectGolden(
      'annotations.json',
      json({
        regressed: annotations(regressed),
        failed: annotations(failed),
        passed: annotations(passed),
        unchanged: annotations(unchanged),
      }),
    );
    expect(annotations(passed)).toEqual([]);
  });

  it('are at most ten, of single lines, and count the rest', () => {
    const many = annotations(hugeVerdict());
    expect(many).toHaveLength(annotationLimit);
    expect(many.at(-1)?.title).toMatch(/^[\d,]+ more findings$/);
    for (const { title, message } of many) {
      expect(title.length).toBeLessThanOrEqual(200);
      expect(message.length).toBeLessThanOrEqual(1000);
      expect(`${title}${message}`).not.toMatch(/\p{Cc}/u);
    }
  });
});

describe('findings', () => {
  it('rank by how many tolerances a metric is worse, in its own direction', () => {
    const higher = metric('goodput', 'p', { better: 'higher', change: { estimate: -0.1, lower: null, upper: null } });
    const verdict = verdictOf([
      cell('b', 'x', 'regressed', [metric('small', 'p', { verdict: 'regressed', change: { estimate: 0.03, lower: null, upper: null } })]),
      cell('a', 'x', 'regressed', [{ ...higher, verdict: 'regressed' }]),
    ]);
    expect(listedMetrics(verdict, 'regressed').map((found) => found.metric.id)).toEqual(['goodput', 'small']);
  });

  it('give one failure per cell and reason', () => {
    expect(failures(failed).map(({ cells: [{ id }], kind, metrics }) => ({ id, kind, metrics }))).toEqual([
      { id: 'mini-qwen3-dense/our-pruning', kind: 'failed', metrics: [] },
      { id: 'mini-qwen3-dense/sparse-network', kind: 'missing', metrics: [] },
      { id: 'mini-qwen3-moe/streaming', kind: 'failed', metrics: ['decode-latency@decode-b1', 'decode-latency@decode-b8'] },
    ]);
    expect(failures(verdictOf([cell('a', 'b', 'missing', [])]))[0]?.reason).toBe('no reason was recorded: look at the job log');
  });
});

describe('escaping', () => {
  it('makes one bounded line of anything', () => {
    fc.assert(
      fc.property(hostileText, fc.integer({ min: 1, max: 80 }), (text, max) => {
        const line = plain(text, max);
        expect(line.length).toBeLessThanOrEqual(max);
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(line.isWellFormed()).toBe(true);
        expect(html(text)).not.toMatch(/[<>"']/);
      }),
    );
    expect(plain('  a \u001b[31mred\u001b[0m\n\tb  ')).toBe('a red b');
    expect(plain('abcdef', 4)).toBe('abc…');
  });

  it('cuts a path before the reason behind it', () => {
    const path = `/home/runner/work/${'models/'.repeat(20)}optimize/prune.py`;
    const reason = `${path}:12: ModuleNotFoundError: No module named 'onnx'`;
    expect(plain(reason, 100)).toBe("…/optimize/prune.py:12: ModuleNotFoundError: No module named 'onnx'");
    expect(plain(reason, 400)).toBe(reason);
    expect(plain(`${path} is short of space`.repeat(3), 40)).toMatch(/^…\/optimize\/prune\.py is short of.*…$/);
    expect(prose('a_b *c* [d](https://e.f) @g #1')).toBe('a\\_b \\*c\\* \\[d\\](https:\u200b//e.f) @\u200bg \\#\u200b1');
  });

  it('lets only web addresses be links', () => {
    expect(linkTarget('https://github.com/a/b/actions/runs/1')).toBe('https://github.com/a/b/actions/runs/1');
    expect(linkTarget('https://x.example/a(b)|c`d')).toBe('https://x.example/a%28b%29%7Cc%60d');
    for (const bad of [
      'javascript:alert(1)',
      'data:text/html,x',
      'nonsense',
      '',
      'file:///etc/passwd',
      `https://x.example/${'a'.repeat(600)}`,
    ])
      expect(linkTarget(bad)).toBeNull();
    expect(linkTarget(null)).toBeNull();
  });
});
