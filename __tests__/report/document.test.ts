import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { annotationLimit, annotations } from '../../src/report/annotations.ts';
import { coverageDocument, coverageDocumentSchema, coverageMarkdown } from '../../src/report/coverage.ts';
import { reportDocumentSchema } from '../../src/report/document.ts';
import { html, linkTarget, plain, prose } from '../../src/report/escape.ts';
import { failures, findings, severity } from '../../src/report/finding.ts';
import { indexHtml } from '../../src/report/html.ts';
import { reportDocument } from '../../src/report/json.ts';
import { hostileText, hostileVerdict, hugeVerdict } from './arbitrary.ts';
import { cell, context, failed, fullGrid, metric, named, passed, regressed, unchanged, verdictOf } from './fixtures.ts';
import { expectGolden } from './golden.ts';

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

describe('reportDocument', () => {
  for (const name of ['regressed', 'inconclusive', 'failed'] as const) {
    it(`reads as written down for ${name}, and fits its schema`, () => {
      const document = reportDocument(named[name], 1103.4);
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
    const found = reportDocument(broken, Number.NaN);
    expect(found.cells[0]?.metrics[0]).toMatchObject({ head: null, change: null, reason: 'measured, but not a finite number' });
    expect(found.durationSeconds).toBeNull();
  });

  it('keeps an environment that is no object, and refuses unknown names', () => {
    expect(reportDocument(verdictOf([], { environment: 'a laptop' }), 1).environment).toEqual({
      details: 'a laptop',
      runnerClass: 'cpu-xeon-2c-ort1.30-5f2a',
    });
    expect(reportDocument(verdictOf([], { environment: { runnerClass: 'forged' } }), 1).environment.runnerClass).toBe(
      'cpu-xeon-2c-ort1.30-5f2a',
    );
    expect(reportDocumentSchema.safeParse({ ...reportDocument(passed, 1), extra: 1 }).success).toBe(false);
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

  it('stays bounded', () => {
    expect(Buffer.byteLength(coverageMarkdown(coverageDocument(hugeVerdict())))).toBeLessThan(600_000);
    const text = coverageMarkdown(
      coverageDocument(
        verdictOf(
          Array.from({ length: 400 }, (_, index) =>
            cell('m', `o${index}`, 'failed', [metric(`x${index}`, 'p', { state: 'refused', reason: `because ${index}` })]),
          ),
        ),
      ),
    );
    expect(text).toContain('… and 340 more');
    expect(text).toContain('… and 300 more');
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
    expect(severity(higher)).toBeCloseTo(5);
    expect(severity(metric('x', 'p', { change: { estimate: -0.1, lower: null, upper: null } }))).toBeCloseTo(-5);
    const verdict = verdictOf([
      cell('b', 'x', 'regressed', [metric('small', 'p', { verdict: 'regressed', change: { estimate: 0.03, lower: null, upper: null } })]),
      cell('a', 'x', 'regressed', [{ ...higher, verdict: 'regressed' }]),
    ]);
    expect(findings(verdict, 'regressed').map((found) => found.metric.id)).toEqual(['goodput', 'small']);
  });

  it('give one failure per cell and reason', () => {
    expect(failures(failed).map(({ cell: { id }, kind, metrics }) => ({ id, kind, metrics }))).toEqual([
      { id: 'mini-qwen3-dense/our-pruning', kind: 'failed', metrics: [] },
      { id: 'mini-qwen3-dense/sparse-network', kind: 'missing', metrics: [] },
      { id: 'mini-qwen3-moe/streaming', kind: 'failed', metrics: ['decode-latency@decode-b1', 'decode-latency@decode-b8'] },
    ]);
    expect(failures(verdictOf([cell('a', 'b', 'missing', [])]))[0]?.reason).toBe('no reason was recorded');
  });
});

const tags = /<\/?([a-z0-9]+)[\s>]/g;

describe('indexHtml', () => {
  it('reads as written down', () => {
    expectGolden('index-regressed.html', indexHtml(regressed, context));
    expectGolden('index-failed.html', indexHtml(failed, context));
  });

  it('needs no network and runs nothing, whatever the verdict holds', () => {
    const allowed = new Set(
      'html head meta title style body main h1 h2 p code a section div table caption thead tbody tr th td details summary span small b br ul li strong pre'.split(
        ' ',
      ),
    );
    fc.assert(
      fc.property(hostileVerdict, (verdict) => {
        const page = indexHtml(verdict, { ...context, runUrl: null });
        const body = page.slice(page.indexOf('<body>'));
        expect([...body.matchAll(tags)].map(([, tag]) => tag ?? '').filter((tag) => !allowed.has(tag))).toEqual([]);
        expect(body).not.toMatch(/<[a-z][^>]*\s(?:on\w+|src|style)\s*=/i);
        expect(body).not.toMatch(/<!--/);
        expect([...body.matchAll(/href="([^"]*)"/g)].filter(([, target]) => target?.startsWith('#') !== true)).toEqual([]);
        for (const tag of ['table', 'details', 'section', 'ul', 'tr']) {
          expect(body.split(`<${tag}`).length, tag).toBe(body.split(`</${tag}>`).length);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('has a target for every link inside the page', () => {
    const page = indexHtml(fullGrid, context);
    const ids = new Set([...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id));
    const links = [...page.matchAll(/href="#([^"]*)"/g)].map(([, target]) => target);
    expect(links.length).toBeGreaterThan(44);
    expect(links.filter((target) => !ids.has(target))).toEqual([]);
    expect(ids.size).toBe(44);
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
