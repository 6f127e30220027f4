import { describe, expect, it } from 'vitest';
import type { CellVerdict } from '../../src/records/verdict.ts';
import { coverageDocument, coverageDocumentSchema } from '../../src/report/coverage.ts';
import { reportDocumentSchema } from '../../src/report/document.ts';
import { reportDocument } from '../../src/report/json.ts';
import { commentBody } from '../../src/report/markdown.ts';
import { indexHtml } from '../../src/report/page/page.ts';
import { summaryText } from '../../src/report/text.ts';
import { cell, context, metric, passed, verdictOf } from './fixtures.ts';

const engine: CellVerdict = {
  ...cell('any', 'our-engine', 'regressed', [
    metric('decode-latency', 'rounds', {
      verdict: 'regressed',
      base: 0.8,
      head: 1.03,
      change: { estimate: 0.298, lower: 0.28, upper: 0.31 },
      p: 0.001,
      launches: 12,
    }),
  ]),
  id: 'our-engine',
  model: null,
};
const only = verdictOf([engine]);
const mixed = verdictOf([...passed.cells, engine]);
const evidence = { history: new Map(), traces: [] };
const text = (verdict: typeof only): string => summaryText(verdict, { columns: 100, colour: false });

describe('a measurement without a model', () => {
  it('is called by its own name, once, and has no columns of models', () => {
    const shown = text(only);
    expect(shown).toMatch(/^measurement +verdict +head$/m);
    expect(shown).toMatch(/^our-engine +regressed +decode-latency 1\.03 ms$/m);
    expect(shown).not.toMatch(/model|nll-delta|reference|\bsize\b|null|undefined/);
    const [comment = '', below = ''] = commentBody(only, context).split('<details><summary>How to read');
    const [guide = ''] = below.split('</details>');
    expect(guide).toContain('- A **measurement** is a cell without a model');
    expect(guide).not.toMatch(/of one model|the model before|\*\*reference\*\*/);
    expect(comment).toContain('<b>measurements</b>: 1 regressed');
    expect(comment).toContain('| measurement | metric | base | head | head against base | tolerance | verdict |');
    expect(comment).not.toMatch(/quality|peak memory|null|undefined|reference →/);
    const page = indexHtml(only, context, evidence);
    expect(page).toContain('id="cell-our-engine"');
    expect(page).toContain('<h2>measurements</h2>');
    expect(page).not.toMatch(/<select name="model"|<th[^>]*>reference<|>null<|undefined/);
  });

  it('has a table of its own beside that of the models', () => {
    const lines = text(mixed).split('\n');
    const [models, own] = [/^model +optimization +verdict/, /^measurement +verdict +head/].map((head) =>
      lines.findIndex((line) => head.test(line)),
    );
    expect(models).toBeGreaterThan(0);
    expect(own).toBeGreaterThan(models ?? 0);
    expect(lines.filter((line) => line.startsWith('our-engine '))).toHaveLength(1);
    const comment = commentBody(mixed, context);
    expect(comment).toMatch(/- A \*\*cell\*\* is one optimization of one model.*\n- A \*\*measurement\*\* is/);
    expect(comment).toContain('| verdict, metrics with a number | `mini-qwen3-dense` | measurements |');
    expect(indexHtml(mixed, context, evidence)).toContain('<select name="model"');
  });

  it('is null in the documents that scripts read', () => {
    const report = reportDocument(only, null);
    expect(reportDocumentSchema.parse(report).cells[0]).toMatchObject({ model: null, optimization: 'our-engine' });
    expect(coverageDocumentSchema.parse(coverageDocument(only)).cells[0]).toMatchObject({ id: 'our-engine', model: null });
  });
});
