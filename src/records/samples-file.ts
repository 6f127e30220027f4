import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { GateError } from '../errors.ts';
import { asDiskError } from './disk-error.ts';
import type { SampleLine, Samples } from './sample.ts';
import { checkLine, parseLine } from './sample-line.ts';
import { SamplesReading } from './samples-reading.ts';

/** Larger than any run writes by two orders of magnitude; still one string. */
const maxLength = 256 * 1024 * 1024;

const newline = 0x0a;

/**
 * Reads samples.jsonl, given as text or as its bytes, which take half the memory.
 *
 * A line counts once its newline is written: a last line without one is torn and dropped, and so is
 * a launch without its end. Both leave a warning. A run line begins a new part: what failed before
 * it in the same file is forgotten, since it is tried again.
 *
 * Equal lines may repeat. Throws `samples-contradictory` for a second version with other content,
 * and for lines in an order that no run writes; `document-invalid` for any other wrong line;
 * `document-too-large`; `run-mismatch` when the lines belong to more than one plan.
 */
export const readSamples = (text: string | Buffer, name = 'samples.jsonl'): Samples => {
  if (text.length > maxLength)
    throw new GateError('document-too-large', `The samples were read. Expected at most ${maxLength} characters, got ${text.length}.`, {
      where: name,
    });
  const reading = new SamplesReading();
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  let number = 0;
  let start = 0;
  for (let end = bytes.indexOf(newline); end !== -1; start = end + 1, end = bytes.indexOf(newline, start)) {
    number += 1;
    const where = `${name}:${number}`;
    const line = parseLine(bytes, start, end, where);
    if (number === 1 && line.line !== 'run')
      throw new GateError('document-invalid', `The samples were read. Expected a run line as the first one, got a ${line.line} line.`, {
        where,
      });
    reading.take(line, where);
  }
  return reading.end(name, start < bytes.length ? number + 1 : null);
};

/**
 * Appends whole lines in one write and makes them durable before it returns. The file is created when it is missing; a torn
 * last line that a killed writer left is cut off first. One writer at a time. Throws `internal` when a line does not fit its schema (nothing is
 * written then), `disk-full` when there is no room: what was written of these lines is taken back. A symbolic link is not followed.
 */
export const appendLines = (path: string, lines: readonly SampleLine[]): void => appendBytes(path, encodeLines(lines));

/** Lines as they stand in the file. Throws `internal` when one does not fit its schema. */
export const encodeLines = (lines: readonly SampleLine[]): Buffer => Buffer.from(lines.map((line) => `${encodeLine(line)}\n`).join(''));

// A link in the place of the file would lead the samples elsewhere; Windows has no such flag.
const appending = constants.O_RDWR | (constants.O_NONBLOCK ?? 0) | constants.O_CREAT | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0);

export const appendBytes = (path: string, bytes: Buffer): void => {
  const file = openToAppend(path);
  try {
    const size = endOfLastLine(file);
    if (size < fstatSync(file).size) ftruncateSync(file, size);
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
      fsyncSync(file);
    } catch (thrown) {
      if (fstatSync(file).size > size) ftruncateSync(file, size);
      throw asDiskError(thrown, { path, noun: 'run folder' }) ?? thrown;
    }
  } finally {
    closeSync(file);
  }
};

const openToAppend = (path: string): number => {
  try {
    const file = openSync(path, appending, 0o666);
    if (!fstatSync(file).isFIFO()) return file;
    closeSync(file);
    throw Object.assign(new Error('a pipe'), { code: 'ESPIPE' });
  } catch (thrown) {
    throw asDiskError(thrown, { path, noun: 'run folder' }) ?? thrown;
  }
};

const encodeLine = (line: SampleLine): string => {
  try {
    return JSON.stringify(checkLine(line, `line ${line.line}`));
  } catch (thrown) {
    if (thrown instanceof GateError)
      throw new GateError('internal', `A sample was to be written. It does not fit its schema. ${thrown.message}`, {
        where: thrown.where ?? 'samples',
        cause: thrown,
      });
    throw thrown;
  }
};

/** Size of the file up to and with its last newline. */
const endOfLastLine = (file: number): number => {
  const chunk = Buffer.alloc(64 * 1024);
  for (let end = fstatSync(file).size; end > 0; ) {
    const from = Math.max(0, end - chunk.length);
    const length = readSync(file, chunk, 0, end - from, from);
    const last = chunk.subarray(0, length).lastIndexOf(newline);
    if (last !== -1) return from + last + 1;
    end = from;
  }
  return 0;
};
