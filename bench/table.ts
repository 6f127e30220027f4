import { isMet, type Row, type Target } from './comparison.ts';

const nameWidth = 17;
const whatWidth = 50;
const numberWidth = 12;
const targetWidth = 12;

/** Colour is for terminals; the words say the same without it. */
export interface TableStyle {
  readonly colour: boolean;
}

const painted = (code: number, text: string, { colour }: TableStyle): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

/** Enough digits to see a difference from the target, no more: `1.002`, `0.31`, `186`. */
export const formatNumber = (value: number, unit: Row['unit']): string => {
  if (unit === '×') return value.toFixed(3);
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(value >= 1 ? 2 : 3);
};

const formatTarget = (target: Target | null, unit: Row['unit']): string =>
  target === null ? '–' : `${target.bound === 'most' ? '≤' : '≥'} ${unit === '×' ? target.value.toFixed(2) : target.value} ${unit}`;

/** The line above the rows. */
export const headLine = (style: TableStyle): string =>
  painted(
    1,
    `${'benchmark'.padEnd(nameWidth)}${'measured'.padEnd(whatWidth)}${'number'.padStart(numberWidth)}${'target'.padStart(targetWidth)}`,
    style,
  );

/** One row: name, what was measured, the number, the target, met or not; below it, what the number is made of. */
export const rowLines = (name: string, row: Row, style: TableStyle): string => {
  const number = `${formatNumber(row.value, row.unit)} ${row.unit}`;
  const met = isMet(row);
  const mark = met === null ? '' : met ? painted(32, '  met', style) : painted(31, '  NOT MET', style);
  const line = `${name.padEnd(nameWidth)}${row.what.padEnd(whatWidth)}${number.padStart(numberWidth)}${formatTarget(row.target, row.unit).padStart(targetWidth)}`;
  return `${line}${mark}\n${' '.repeat(nameWidth)}${painted(2, row.note, style)}`;
};

/** A benchmark that could not run. */
export const failureLines = (name: string, message: string, style: TableStyle): string =>
  `${name.padEnd(nameWidth)}${painted(31, 'no number', style)}\n${' '.repeat(nameWidth)}${message.trim().replaceAll('\n', `\n${' '.repeat(nameWidth)}`)}`;
