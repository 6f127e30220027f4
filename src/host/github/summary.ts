import { appendFile, stat } from 'node:fs/promises';

/** GitHub drops the whole summary of a step beyond this many bytes. */
export const MAX_SUMMARY_BYTES = 1024 * 1024;
/** Kept free for the notes that may follow the report. */
const RESERVED_BYTES = 8 * 1024;
const cutNote = '\n\n_The rest is left out: GitHub shows no more in a job summary. The run folder holds the whole report._\n\n';

/** Text in at most `limit` bytes of UTF-8, cut at the end of a line (or of a character where no line ends). */
const cutToBytes = (text: string, limit: number): string => {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= limit) return text;
  const room = bytes.subarray(0, Math.max(0, limit - Buffer.byteLength(cutNote)));
  const end = room.lastIndexOf(0x0a);
  const kept = (end > 0 ? room.subarray(0, end) : room).toString('utf8').replace(/\uFFFD+$/, '');
  return `${kept}${cutNote}`;
};

/**
 * Appends Markdown to the step summary, which stays within GitHub's 1 MiB. A `note` may use the room that a report leaves free.
 * Returns whether anything was written: not without a summary file, nor into a full one.
 */
export const appendSummary = async (path: string | undefined, markdown: string, kind: 'report' | 'note'): Promise<boolean> => {
  if (path === undefined || path === '') return false;
  const used = await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
  const limit = MAX_SUMMARY_BYTES - used - (kind === 'report' ? RESERVED_BYTES : 0);
  if (limit <= Buffer.byteLength(cutNote)) return false;
  await appendFile(path, cutToBytes(`${markdown.trimEnd()}\n\n`, limit), 'utf8');
  return true;
};
