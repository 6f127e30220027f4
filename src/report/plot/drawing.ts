/** Charts as text: Observable Plot over a document without a browser. Loaded only where a page is written. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { html, plain } from '../escape.ts';

export interface Labels {
  /** What the picture shows, in one line. */
  readonly title: string;
  /** What a reader who does not see it must know. */
  readonly description: string;
}

const { document } = parseHTML('<!doctype html><html><body></body></html>');

const geometry = /(?<= (?:d|transform|points|x|y|x1|x2|y1|y2|cx|cy|r|width|height)=")[^"]*/g;

/** A tenth of a pixel is enough, and half the size. */
const rounded = (svg: string): string =>
  svg.replace(geometry, (text) => text.replace(/-?\d+\.\d{2,}(?:e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(1)))));

/**
 * One chart as a static SVG with role, title and description. It has no style of its own, no id and no link, so that any number
 * of charts stand in one page under a strict content policy; colours are the page's variables. The same input gives the same text.
 */
export const drawing = ({ title, description }: Labels, options: Plot.PlotOptions): string => {
  // Plot's types name a browser's document; this one has what Plot uses of it.
  const svg = Plot.plot({ ...options, document: document as unknown as NonNullable<Plot.PlotOptions['document']>, className: 'plot' });
  for (const style of [...svg.querySelectorAll('style')]) style.remove();
  svg.setAttribute('role', 'img');
  const labels = `<title>${html(title)}</title><desc>${html(description, 1000)}</desc>`;
  return rounded(svg.outerHTML).replace(/(?<=^<svg[^>]*>)/, () => labels);
};

/** Foreign names in a chart: one line, short enough for its margin. */
export const label = (text: string, max = 40): string => plain(text, max);

/** Numbers far outside of what anyone measures would make scales without steps: such values are not drawn. */
export const isDrawable = (value: number | null | undefined): value is number =>
  value === 0 || (value !== null && value !== undefined && Math.abs(value) < 1e100 && Math.abs(value) > 1e-100);

export const isDrawableFactor = (value: number): boolean => value > 1e-9 && value < 1e9;
