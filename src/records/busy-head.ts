import { everySeries } from './series-note.ts';
import { seriesWarningText } from './series-warning.ts';

/** What a launch says of a head that is busy while base is asked: both sides are slow then, and look alike. */
export const busyHeadText =
  'head uses more processor time while base is asked than base does while head is asked: end all work of an answer with it';

/** The same as a warning of a point. */
export const busyHeadWarning = seriesWarningText({ series: everySeries, text: busyHeadText });
