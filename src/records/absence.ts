const states = ['not-applicable', 'unsupported-export', 'no-meter', 'refused'] as const;

/** Stands for every series of a point. */
export const everySeries = '*';

/** Why one series of a point, or every one, has no values: what a worker writes among the point's warnings, and the gate reads. */
export interface Absence {
  readonly state: (typeof states)[number];
  readonly series: string;
  readonly reason: string;
}

const form = new RegExp(`^(?:${states.join('|')}): [^\\s:]{1,80}: .`, 's');

/** Whether that is why this series is not there. */
export const isAbsenceOf = (absence: Absence, series: string): boolean => absence.series === series || absence.series === everySeries;

/** The absence as a warning, `no-meter: joules-per-token: no energy meter on this machine`. */
export const absenceText = ({ state, series, reason }: Absence): string => `${state}: ${series}: ${reason}`;

/** What such a warning says; null for any other warning. */
export const readAbsence = (warning: string): Absence | null => {
  const state = form.test(warning) ? states.find((each) => warning.startsWith(`${each}: `)) : undefined;
  if (state === undefined) return null;
  const rest = warning.slice(state.length + 2);
  const end = rest.indexOf(': ');
  return { state, series: rest.slice(0, end), reason: rest.slice(end + 2) };
};
