/** Stands for every series of a point. */
export const everySeries = '*';

/** What a worker says of one series of a point, or of every one, in one of the point's warnings: `KIND: SERIES: text`. */
export interface SeriesNote<Kind extends string> {
  readonly kind: Kind;
  readonly series: string;
  readonly text: string;
}

const form = /^[^\s:]{1,80}: ./s;

export const seriesNoteText = ({ kind, series, text }: SeriesNote<string>): string => `${kind}: ${series}: ${text}`;

/** The note in a warning; null where it is none of these kinds, or names no series, or says nothing of it. */
export const readSeriesNote = <Kind extends string>(warning: string, kinds: readonly Kind[]): SeriesNote<Kind> | null => {
  const kind = kinds.find((each) => warning.startsWith(`${each}: `));
  const rest = kind === undefined ? '' : warning.slice(kind.length + 2);
  if (kind === undefined || !form.test(rest)) return null;
  const end = rest.indexOf(': ');
  return { kind, series: rest.slice(0, end), text: rest.slice(end + 2) };
};

/** Whether a note is about this series. */
export const isAbout = (note: Pick<SeriesNote<string>, 'series'>, series: string): boolean =>
  note.series === series || note.series === everySeries;
