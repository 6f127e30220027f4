import type { CellVerdict } from '../../records/verdict.ts';
import { html } from '../escape.ts';
import { marks } from '../text-changes.ts';

/** A verdict with its mark, a character of every font: an emoji would be a box where no font has it. */
export const badge = (kind: CellVerdict['verdict']): string => `<span class="v ${kind}">${marks[kind]} ${kind}</span>`;

/** A fragment that is unique in the page: ids have one slash and never a colon. */
export const anchorOf = (cell: Pick<CellVerdict, 'id'>): string => html(`cell-${cell.id.replace('/', ':')}`, 400);

export const cellLink = (cell: CellVerdict, text: string): string => `<a href="#${anchorOf(cell)}">${html(text)}</a>`;
