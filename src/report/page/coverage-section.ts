import { type CoverageDocument, coverageSentence, gapsOf, knownMetrics, usedGroups } from '../coverage.ts';
import { html } from '../escape.ts';
import { anchorOf, badge } from './cell-link.ts';
import { rowsOf, table } from './element.ts';

/** Names of a gap that are written out; the others are counted. */
const namesShown = 12;

const some = (names: ReadonlySet<string>): string => {
  const all = [...names];
  return `${html(all.slice(0, namesShown).join(', '), 1500)}${all.length > namesShown ? ` and ${all.length - namesShown} more` : ''}`;
};

/** Cells × what is known of their metrics, and why the rest has no number. */
export const coverageSection = (document: CoverageDocument): string => {
  const groups = usedGroups(document);
  const gaps = gapsOf(document);
  return `<section id="coverage"><h2>Coverage</h2><p>${coverageSentence(document, html)}</p>${table({
    caption: 'Metrics of each cell by what is known of them',
    head: ['cell', 'verdict', ...groups, 'with a number'],
    rows: document.cells.map((cell) => ({
      about: anchorOf(cell),
      cells: [
        `<a href="#${anchorOf(cell)}">${html(cell.id, 200)}</a>`,
        badge(cell.verdict),
        ...groups.map((group) => String(cell.counts[group])),
        `${knownMetrics(cell)} / ${cell.metrics.length}`,
      ],
    })),
    numbers: [...groups, ''].map((_, index) => index + 2),
  })}${
    gaps.length === 0
      ? ''
      : table({
          caption: 'Why numbers are missing',
          head: ['not measured', 'why', 'metrics', 'cells'],
          rows: rowsOf(gaps.map((gap) => [html(gap.state), html(gap.reason, 600), some(gap.metrics), some(gap.cells)])),
          numbers: [],
        })
  }</section>`;
};
