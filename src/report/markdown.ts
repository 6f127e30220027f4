/** The pull-request comment and the job summary: the same report in two lengths. */
import type { Verdict } from '../records/verdict.ts';
import type { Json } from '../records/words.ts';
import { fill, type Section } from './budget.ts';
import { changeSections, ranks } from './changes.ts';
import type { ReportContext } from './context.ts';
import { coverageDocument } from './coverage.ts';
import { coverageSections } from './coverage-table.ts';
import { code, prose } from './escape.ts';
import { guide } from './guide.ts';
import { heading } from './heading.ts';
import { cellsByKind, cellsByModel } from './listed-metric.ts';
import { measurementSections, modelSections } from './model-section.ts';
import { counted, quantity } from './number.ts';
import { tableHead, tableRow } from './table.ts';

/** GitHub refuses comments above 65,536 characters; the rest is room for a marker and a note of the host. */
export const commentLimit = 60_000;
/** GitHub drops a step summary above 1 MiB (2^20 bytes). */
const summaryLimit = 1_000_000;

const fixed = (open: string): Section => ({ open, rows: [], close: '', omitted: () => '' });

const facts = (value: Json, path = ''): readonly (readonly [string, string])[] => {
  if (value === null || typeof value !== 'object') return [[path === '' ? 'details' : path, String(value)]];
  if (Array.isArray(value)) return value.length === 0 ? [] : [[path, JSON.stringify(value)]];
  if (path.split('.').length > 3) return [[path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, inner]: readonly [string, Json]) => facts(inner, path === '' ? key : `${path}.${key}`));
};

const repeatedBuilds = ({ repeatedBuilds: { count, seconds } }: Verdict): readonly (readonly [string, string])[] =>
  count === 0
    ? []
    : [['builds made twice, to see whether they vary (`gate.build-twice`)', `${counted(count, 'build')}, ${quantity(seconds, 's')}`]];

const environment = (verdict: Verdict): Section => {
  const known: readonly (readonly [string, string])[] = [
    ['runner class', verdict.runnerClass ?? 'unknown'],
    ['seed', String(verdict.seed)],
    ...(verdict.environment === null ? [] : facts(verdict.environment)),
    ...verdict.selfChecks.map(({ kind, cell, outcome, detail }) => [`self-check ${kind} on ${cell}`, `${outcome}: ${detail}`] as const),
    ...repeatedBuilds(verdict),
    ['plan', verdict.plan.slice(0, 12)],
    ['samples', verdict.samples.slice(0, 12)],
  ];
  return {
    open: `<details><summary>Environment and self-checks</summary>\n\n${tableHead(['what', 'value'])}`,
    rows: known
      .slice(0, 60)
      .map(([name, value]) => ({ text: () => tableRow([prose(name, 120), code(value, 160)]), rank: ranks.environment })),
    close: '</details>',
    omitted: (count) => `… and ${counted(count, 'more row')}.`,
  };
};

/** More models than this are named, not shown, so that the frames of their tables always fit. */
const shownModels = 24;

const models = (verdict: Verdict, everything: boolean): readonly Section[] => {
  const all = [...cellsByModel(verdict)];
  const more = all.length - shownModels;
  return [
    ...all.slice(0, shownModels).flatMap(([model, cells]) => modelSections(model, cells, everything)),
    ...(more > 0 ? [fixed(`${counted(more, 'more model')}: see the full report.`)] : []),
    ...measurementSections(cellsByKind(verdict.cells).measured, everything),
  ];
};

const coverage = (verdict: Verdict): readonly Section[] =>
  verdict.cells.length === 0 ? [] : coverageSections(coverageDocument(verdict), { grid: ranks.coverage, gap: ranks.gap });

/**
 * The comment, without the host's marker: at most 60,000 characters whatever the verdict holds; what has no room is counted.
 * The same input gives the same text. Foreign strings are escaped: no markup, mention, reference or link comes from them.
 */
export const commentBody = (verdict: Verdict, context: ReportContext): string =>
  fill(
    [
      fixed(heading(verdict, context)),
      ...changeSections(verdict),
      ...models(verdict, false),
      ...coverage(verdict),
      fixed(guide(verdict)),
      environment(verdict),
    ],
    commentLimit,
  );

/** The job summary: the comment with far more room. At most 1,000,000 bytes of UTF-8. */
export const summaryMarkdown = (verdict: Verdict, context: ReportContext): string =>
  fill(
    [
      fixed(heading(verdict, context)),
      ...changeSections(verdict),
      ...models(verdict, true),
      ...coverage(verdict),
      fixed(guide(verdict)),
      environment(verdict),
    ],
    summaryLimit,
    (text) => Buffer.byteLength(text),
  );
