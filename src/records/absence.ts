import type { OperatingPoint } from './metric.ts';
import { everySeries, readSeriesNote, seriesNoteText } from './series-note.ts';

const states = ['not-applicable', 'unsupported-export', 'no-meter', 'refused'] as const;

/** Why one series of a point, or every one, has no values: what a worker writes among the point's warnings, and the gate reads. */
export interface Absence {
  readonly state: (typeof states)[number];
  readonly series: string;
  readonly reason: string;
}

/** The absence as a warning, `no-meter: joules-per-token: no energy meter on this machine`. */
export const absenceText = ({ state, series, reason }: Absence): string => seriesNoteText({ kind: state, series, text: reason });

/** What such a warning says; null for any other warning. */
export const readAbsence = (warning: string): Absence | null => {
  const note = readSeriesNote(warning, states);
  return note === null ? null : { state: note.kind, series: note.series, reason: note.text };
};

const excuses: Readonly<Record<OperatingPoint['kind'], readonly Absence['state'][]>> = {
  call: [],
  external: [],
  build: [],
  evaluation: ['refused'],
  generation: ['refused'],
  episode: ['refused', 'not-applicable'],
  inspection: ['unsupported-export'],
  solo: ['no-meter'],
};

/** Counted in every file that can be read at all. */
const alwaysCounted: readonly string[] = [everySeries, 'bytes', 'parameters'];

/**
 * Whether a point of this kind can lack the series for this reason. A clock and a user's program
 * always answer.
 */
export const mayLack = (kind: OperatingPoint['kind'], { state, series }: Absence): boolean =>
  excuses[kind].includes(state) && !(kind === 'inspection' && alwaysCounted.includes(series));
