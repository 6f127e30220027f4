import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { GateError } from '../errors.ts';
import type { BuiltLine, Launch, SampleLine, Samples, SeenLine, SettledLine } from './sample.ts';
import { checkLine, parseLine } from './sample-line.ts';
import type { Json } from './words.ts';

/** Larger than any run writes by two orders of magnitude; still one string. */
const maxLength = 256 * 1024 * 1024;

const newline = 0x0a;

type PointLine = Extract<SampleLine, { line: 'point' }>;
type LaunchLine = Extract<SampleLine, { line: 'launch' }>;

interface OpenLaunch {
  readonly start: LaunchLine;
  readonly points: Record<string, { readonly values: PointLine['values']; readonly warnings: readonly string[] }>;
  readonly traces: Launch['traces'][number][];
  tuned: Json | undefined;
}

/**
 * Reads samples.jsonl, given as text or as its bytes (which take half the memory). A line counts once its newline is written: a last line without one is torn and dropped, and so is a
 * launch without its end; both leave a warning. What failed before the last run line of a file is forgotten: it is tried again. Anything else that is wrong is `document-invalid` with the line number,
 * `document-too-large`, or `run-mismatch` when the lines belong to more than one plan.
 */
export const readSamples = (text: string | Buffer, where = 'samples.jsonl'): Samples => mergeSamples([text], [where]);

/**
 * Reads the samples of several shards of one plan as one. `names` (as many as texts) are used in errors. The shards may
 * come from machines of different runner classes: then `runnerClass` is null, with a warning, and no stored baseline applies.
 */
export const mergeSamples = (
  texts: readonly (string | Buffer)[],
  names: readonly string[] = texts.map((_, index) => `samples ${index + 1}`),
): Samples => {
  const reading = new Reading();
  texts.forEach((text, index) => {
    reading.part(text, names[index] ?? `samples ${index + 1}`);
  });
  return reading.result();
};

class Reading {
  readonly #plans = new Map<string, string>();
  readonly #classes = new Set<string>();
  #environment: Json = null;
  #at: string | null = null;
  readonly #built = new Map<string, BuiltLine>();
  readonly #settled = new Map<string, SettledLine>();
  readonly #seen = new Map<string, SeenLine>();
  readonly #launches = new Map<string, Launch>();
  #stopped: Samples['stopped'] = null;
  readonly #warnings: string[] = [];

  part(text: string | Buffer, name: string): void {
    if (text.length > maxLength)
      throw new GateError('document-too-large', `${text.length} characters or bytes, at most ${maxLength} are read`, { where: name });
    const open = new Map<string, OpenLaunch>();
    const failed = { builds: new Set<string>(), launches: new Set<string>() };
    let stopped: Samples['stopped'] = null;
    let number = 0;
    let start = 0;
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    for (let end = bytes.indexOf(newline); end !== -1; start = end + 1, end = bytes.indexOf(newline, start)) {
      number += 1;
      const where = `${name}:${number}`;
      const line = parseLine(bytes, start, end, where);
      if (number === 1 && line.line !== 'run')
        throw new GateError('document-invalid', `the first line must be a run line, not ${line.line}`, { where });
      if (line.line === 'run') {
        stopped = null;
        this.#forget(failed);
      }
      if (line.line === 'stopped') stopped = line.reason;
      this.#take(line, open, where);
      if (line.line === 'built' && line.status === 'failed') failed.builds.add(line.key);
      if (line.line === 'end' && line.status === 'failed') failed.launches.add(line.launch);
    }
    if (start < bytes.length) this.#warnings.push(`${name}:${number + 1}: the last line is torn and was dropped`);
    for (const id of open.keys()) this.#warnings.push(`${name}: launch ${id} has no end and was dropped`);
    this.#stopped ??= stopped;
  }

  /** Measuring begins again: what failed before, it tries once more. */
  #forget({ builds, launches }: { readonly builds: Set<string>; readonly launches: Set<string> }): void {
    for (const key of builds) if (this.#built.get(key)?.status === 'failed') this.#built.delete(key);
    for (const id of launches) if (this.#launches.get(id)?.status === 'failed') this.#launches.delete(id);
    builds.clear();
    launches.clear();
  }

  result(): Samples {
    const classes = [...this.#classes];
    if (classes.length > 1) this.#warnings.push(`measured on several runner classes: ${classes.join(', ')}`);
    return {
      plan: this.#plans.keys().next().value ?? null,
      at: this.#at,
      runnerClass: classes.length === 1 ? (classes[0] ?? null) : null,
      environment: this.#environment,
      built: this.#built,
      settled: this.#settled,
      seen: this.#seen,
      launches: [...this.#launches.values()],
      stopped: this.#stopped,
      warnings: this.#warnings,
    };
  }

  #take(line: SampleLine, open: Map<string, OpenLaunch>, where: string): void {
    switch (line.line) {
      case 'run': {
        const [known] = this.#plans;
        if (known !== undefined && known[0] !== line.plan) {
          throw new GateError('run-mismatch', `plan ${line.plan.slice(0, 12)} here, plan ${known[0].slice(0, 12)} at ${known[1]}`, {
            where,
          });
        }
        if (known === undefined) this.#environment = line.environment;
        this.#plans.set(line.plan, known?.[1] ?? where);
        this.#classes.add(line.runnerClass);
        if (this.#at === null || Date.parse(line.at) < Date.parse(this.#at)) this.#at = line.at;
        return;
      }
      case 'built':
        this.#built.set(line.key, line);
        return;
      case 'settled':
        this.#settled.set(line.cell, line);
        return;
      case 'seen':
        this.#seen.set(line.cell, line);
        return;
      case 'launch':
        if (open.has(line.launch)) this.#warnings.push(`${where}: launch ${line.launch} starts again, its first lines were dropped`);
        open.set(line.launch, { start: line, points: Object.create(null), traces: [], tuned: undefined });
        return;
      case 'point': {
        const launch = open.get(line.launch);
        if (launch === undefined)
          throw new GateError('document-invalid', `point ${line.point} of launch ${line.launch}, which is not open`, { where });
        if (launch.points[line.point] !== undefined)
          throw new GateError('document-invalid', `point ${line.point} stands twice in launch ${line.launch}`, { where });
        launch.points[line.point] = { values: line.values, warnings: line.warnings };
        return;
      }
      case 'trace':
      case 'tuned': {
        const launch = open.get(line.launch);
        if (launch === undefined)
          throw new GateError('document-invalid', `${line.line} of launch ${line.launch}, which is not open`, { where });
        if (line.line === 'tuned') launch.tuned = line.value;
        else launch.traces.push({ point: line.point, arm: line.arm, columns: line.columns });
        return;
      }
      case 'end': {
        const launch = open.get(line.launch);
        if (launch === undefined) throw new GateError('document-invalid', `end of launch ${line.launch}, which is not open`, { where });
        open.delete(line.launch);
        const { cell, purpose, index, control } = launch.start;
        const known = this.#launches.get(line.launch);
        if (
          known !== undefined &&
          (known.cell !== cell || known.purpose !== purpose || known.index !== index || known.control !== control)
        ) {
          throw new GateError('document-invalid', `launch ${line.launch} stands for two different launches`, { where });
        }
        if (known !== undefined && (known.status === 'complete' || line.status !== 'complete')) return;
        this.#launches.set(line.launch, {
          id: line.launch,
          cell,
          purpose,
          index,
          control,
          status: line.status,
          error: line.error,
          process: line.process,
          points: launch.points,
          traces: launch.traces,
          tuned: launch.tuned,
        });
        return;
      }
      case 'stopped':
        return;
    }
  }
}

/**
 * Appends whole lines in one write and makes them durable before it returns. The file is created when it is missing; a torn
 * last line that a killed writer left is cut off first. One writer at a time. Throws `internal` when a line does not fit its schema (nothing is
 * written then), `disk-full` when there is no room: what was written of these lines is taken back.
 */
export const appendLines = (path: string, lines: readonly SampleLine[]): void => {
  const bytes = Buffer.from(lines.map((line) => `${encodeLine(line)}\n`).join(''));
  const file = openSync(path, 'a+');
  try {
    const size = endOfLastLine(file);
    if (size < fstatSync(file).size) ftruncateSync(file, size);
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
      fsyncSync(file);
    } catch (thrown) {
      if (fstatSync(file).size > size) ftruncateSync(file, size);
      if (isNoSpace(thrown))
        throw new GateError('disk-full', `no room for ${bytes.length} bytes of samples`, { where: path, cause: thrown });
      throw thrown;
    }
  } finally {
    closeSync(file);
  }
};

const encodeLine = (line: SampleLine): string => {
  try {
    return JSON.stringify(checkLine(line, `line ${line.line}`));
  } catch (thrown) {
    if (thrown instanceof GateError)
      throw new GateError('internal', `a sample that must not be written: ${thrown.message}`, {
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

const isNoSpace = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT');
