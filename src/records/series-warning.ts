import { readSeriesNote, seriesNoteText } from './series-note.ts';

/** A doubt about one series of a point, or every one: what a worker writes among the point's warnings, and is shown with the metrics of that series. */
export interface SeriesWarning {
  readonly series: string;
  readonly text: string;
}

/** The doubt as a warning, `doubt: settling-steps: head did not settle`. */
export const seriesWarningText = ({ series, text }: SeriesWarning): string => seriesNoteText({ kind: 'doubt', series, text });

/** What such a warning says; null for any other warning. */
export const readSeriesWarning = (warning: string): SeriesWarning | null => {
  const note = readSeriesNote(warning, ['doubt']);
  return note === null ? null : { series: note.series, text: note.text };
};
