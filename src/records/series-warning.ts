import { readSeriesNote, seriesNoteText } from './series-note.ts';

/** A warning about one series of a point, or every one. A worker writes it among the point's warnings; it is shown with the metrics of that series. */
export interface SeriesWarning {
  readonly series: string;
  readonly text: string;
}

/** The warning as the worker writes it, `warning: settling-steps: head did not settle`. */
export const seriesWarningText = ({ series, text }: SeriesWarning): string => seriesNoteText({ kind: 'warning', series, text });

/** What such a warning says; null for any other warning. */
export const readSeriesWarning = (warning: string): SeriesWarning | null => {
  const note = readSeriesNote(warning, ['warning']);
  return note === null ? null : { series: note.series, text: note.text };
};
