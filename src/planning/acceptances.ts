import { posix } from 'node:path';
import { z } from 'zod';
import { type Flaw, flawOf } from '../config/flaw.ts';
import { GateError } from '../errors.ts';
import { names, pointIdOf } from '../gate/metric-key.ts';
import { decodeDocument, decodeValue } from '../records/decode.ts';
import type { MetricSpec } from '../records/metric.ts';
import { suggestion } from '../records/nearest.ts';
import { type Acceptance, acceptance } from '../records/plan.ts';
import type { ConfiguredCells } from './configured-cells.ts';

const acceptedFile = z.strictObject({ schema: z.literal('optimization-gate/accepted/1'), accepted: z.array(z.unknown()).max(10_000) });

/** Projects of one repository have cells of the same names: each has acceptances of its own, in the folder that it works in. */
export const acceptedPath = (folder: string): string => posix.join(folder, 'baselines/accepted.json');

interface PlacedAcceptance {
  readonly acceptance: Acceptance;
  /** `FILE: accepted[2]` */
  readonly where: string;
}

/** What a file accepts, and which of its entries cannot be read. */
export interface Acceptances {
  readonly entries: readonly PlacedAcceptance[];
  readonly flaws: readonly Flaw[];
}

export const noAcceptances: Acceptances = { entries: [], flaws: [] };

const refused = (entry: unknown, message: string, where: string): Flaw =>
  flawOf('accepted', entry, new GateError('acceptance-invalid', message, { where }));

const acceptedIn = (path: string, text: string): readonly unknown[] => {
  try {
    return decodeDocument(acceptedFile, text, path, 1 << 20).accepted;
  } catch (thrown) {
    if (!(thrown instanceof GateError)) throw thrown;
    throw new GateError('acceptance-invalid', thrown.message, { where: path, cause: thrown });
  }
};

/** Reads accepted.json; a broken entry is a flaw and leaves the others. Throws `acceptance-invalid` for what is no such file. */
export const readAcceptances = (path: string, text: string): Acceptances => {
  const entries: PlacedAcceptance[] = [];
  const flaws: Flaw[] = [];
  for (const [index, entry] of acceptedIn(path, text).entries()) {
    const where = `${path}: accepted[${index}]`;
    try {
      entries.push({ acceptance: decodeValue(acceptance, entry, where), where });
    } catch (thrown) {
      if (!(thrown instanceof GateError)) throw thrown;
      flaws.push(refused(entry, thrown.message, where));
    }
  }
  return { entries, flaws };
};

/** More of a share than any tolerance may be. */
const largestShare = 10;

const boundProblem = (bound: number, metric: string, specs: readonly MetricSpec[]): string | null => {
  if (bound <= 0) return `The bound of "${metric}" is how much worse it may be: expected a number above 0, got ${bound}.`;
  if (bound <= largestShare || specs.some(({ scale }) => scale === 'linear')) return null;
  return `The bound of "${metric}" is a share of base's number: expected at most ${largestShare}, which is 1000 %, got ${bound}. Write ${bound / 100} if ${bound} % is meant.`;
};

const problemOf = (entry: Acceptance, cells: ConfiguredCells, others: ReadonlySet<string>): string | null => {
  if (!cells.ids.includes(entry.cell))
    return others.has(entry.cell)
      ? null
      : `Neither base nor head has a measurement or a MODEL/OPTIMIZATION "${entry.cell}".${suggestion(entry.cell, cells.ids)}`;
  if (entry.retire === true) return null;
  const specs = cells.workloadsOf(entry.cell)?.flatMap(({ metrics }) => metrics) ?? null;
  if (specs === null) return null;
  const meant = specs.filter((spec) => names(entry.metric, { id: spec.id, point: pointIdOf(spec) }));
  if (meant.length > 0) return boundProblem(entry.bound, entry.metric, meant);
  const [id = ''] = entry.metric.split('@');
  const ofPoints = specs.filter((spec) => spec.id === id).map((spec) => `${id}@${pointIdOf(spec)}`);
  const known = ofPoints.length > 0 ? ofPoints : specs.map((spec) => spec.id);
  return `"${entry.cell}" has no metric "${entry.metric}".${suggestion(entry.metric, [...new Set(known)])}`;
};

/**
 * Entries that are about nothing: `acceptance-invalid` of a cell or metric that neither side has, and
 * of a bound that cannot be meant.
 * @param others cells of other configurations that share the file
 */
export const acceptanceFlaws = (entries: Acceptances['entries'], cells: ConfiguredCells, others: ReadonlySet<string>): readonly Flaw[] =>
  entries.flatMap(({ acceptance: entry, where }) => {
    const problem = problemOf(entry, cells, others);
    return problem === null ? [] : [refused(entry, problem, where)];
  });

/** Entries that may still be about something: a cell that was retired is gone, and so is what has expired. */
export const pending = ({ entries }: Acceptances, today: string): Acceptances['entries'] =>
  entries.filter(({ acceptance: { retire, expires } }) => retire !== true && expires >= today);
