import { readSeriesNote, seriesNoteText } from './series-note.ts';

/** Base's and head's programs measured one series of the reference model, which is the same for both, and disagree. */
export interface OtherMeasure {
  readonly series: string;
  readonly text: string;
}

/** What a launch of two programs writes among the point's warnings, and the gate reads. */
export const otherMeasureText = ({ series, text }: OtherMeasure): string => seriesNoteText({ kind: 'other-measure', series, text });

/** What such a warning says; null for any other warning. */
export const readOtherMeasure = (warning: string): OtherMeasure | null => {
  const note = readSeriesNote(warning, ['other-measure']);
  return note === null ? null : { series: note.series, text: note.text };
};
