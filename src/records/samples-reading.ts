import { isDeepStrictEqual } from 'node:util';
import { GateError } from '../errors.ts';
import { contradiction } from './contradiction.ts';
import type { BuiltLine, Launch, SampleLine, Samples, SeenLine, Settlement } from './sample.ts';
import type { Coded, Json } from './words.ts';

type PointLine = Extract<SampleLine, { line: 'point' }>;
type RunLine = Extract<SampleLine, { line: 'run' }>;
type LaunchLine = Extract<SampleLine, { line: 'launch' }>;
type EndLine = Extract<SampleLine, { line: 'end' }>;

interface OpenLaunch {
  readonly start: LaunchLine;
  readonly points: Record<string, { readonly values: PointLine['values']; readonly warnings: readonly string[] }>;
  readonly traces: Launch['traces'][number][];
  tuned: Json | undefined;
}

/** Something that stands in the samples, where, and in which part. */
interface Placed<T> {
  readonly value: T;
  readonly where: string;
  readonly part: number;
}

/** What one run line began: the parts of a file are the measuring process and its resumptions. */
class Part {
  readonly open = new Map<string, OpenLaunch>();
  readonly launched = new Set<string>();
  /** The builds as they were when the cells of this part were settled; null before. */
  settledFrom: ReadonlyMap<string, BuiltLine> | null = null;
  stopped: Samples['stopped'] = null;
}

const wasStart = (error: Coded | null): boolean => error?.starting === true;

/** Puts the lines of one file together, one after the other. */
export class SamplesReading {
  readonly #plans = new Map<string, string>();
  readonly #classes = new Set<string>();
  #environment: Json = null;
  #at: string | null = null;
  readonly #built = new Map<string, Placed<BuiltLine>>();
  readonly #settled = new Map<string, Placed<Settlement>>();
  readonly #settlements: Settlement[] = [];
  readonly #seen = new Map<string, Placed<SeenLine>>();
  readonly #launches = new Map<string, Placed<Launch>>();
  readonly #failedStarts = new Map<string, Coded>();
  readonly #warnings: string[] = [];
  #part = new Part();
  #number = 0;

  /** Takes the next line. Throws what `readSamples` throws. */
  take(line: SampleLine, where: string): void {
    if (line.line !== 'run' && this.#part.stopped !== null)
      throw contradiction(where, `a ${line.line} line stands after the line that says that measuring stopped`);
    switch (line.line) {
      case 'run':
        this.#begin(line, where);
        return;
      case 'built':
        this.#build(line, where);
        return;
      case 'settled':
        this.#settle(line, where);
        return;
      case 'seen':
        this.#see(line, where);
        return;
      case 'launch':
        this.#launch(line, where);
        return;
      case 'point': {
        const { points } = this.#opened(line, `point ${line.point}`, where);
        if (points[line.point] !== undefined)
          throw new GateError('document-invalid', `The samples were read. Point ${line.point} stands twice in launch ${line.launch}.`, {
            where,
          });
        points[line.point] = { values: line.values, warnings: line.warnings };
        return;
      }
      case 'trace':
        this.#opened(line, line.line, where).traces.push({ point: line.point, arm: line.arm, columns: line.columns });
        return;
      case 'tuned': {
        const launch = this.#opened(line, line.line, where);
        if (launch.tuned !== undefined)
          throw new GateError('document-invalid', `The samples were read. The tuned value stands twice in launch ${line.launch}.`, {
            where,
          });
        launch.tuned = line.value;
        return;
      }
      case 'end':
        this.#end(line, where);
        return;
      case 'stopped':
        this.#part.stopped = line.reason;
        return;
    }
  }

  /** Ends the file, and returns what it holds. @param torn number of its last line, where that has no newline */
  end(name: string, torn: number | null): Samples {
    if (torn !== null)
      this.#warnings.push(`The last line of the samples (${name}:${torn}) was not written to its end, and does not count.`);
    this.#dropOpen(name);
    const classes = [...this.#classes];
    if (classes.length > 1)
      this.#warnings.push(`The samples were measured on several runner classes, so no stored baseline counts: ${classes.join(', ')}.`);
    return {
      plan: this.#plans.keys().next().value ?? null,
      at: this.#at,
      runnerClass: classes.length === 1 ? (classes[0] ?? null) : null,
      environment: this.#environment,
      built: this.#lines(),
      settled: new Map([...this.#settled].map(([cell, { value }]) => [cell, value.line])),
      settlements: this.#settlements,
      seen: new Map([...this.#seen].map(([cell, { value }]) => [cell, value])),
      launches: [...this.#launches.values()].map(({ value }) => value),
      failedStarts: this.#failedStarts,
      stopped: this.#part.stopped,
      warnings: this.#warnings,
    };
  }

  #lines(): ReadonlyMap<string, BuiltLine> {
    return new Map([...this.#built].map(([key, { value }]) => [key, value]));
  }

  #opened({ launch }: { readonly launch: string }, what: string, where: string): OpenLaunch {
    const open = this.#part.open.get(launch);
    if (open === undefined)
      throw new GateError(
        'document-invalid',
        `The samples were read. Expected launch ${launch} to begin before its ${what}, found no beginning.`,
        { where },
      );
    return open;
  }

  #dropOpen(name: string): void {
    for (const id of this.#part.open.keys()) this.#warnings.push(`Launch ${id} has no end in the samples (${name}), and does not count.`);
  }

  #begin(line: RunLine, where: string): void {
    const [known] = this.#plans;
    if (known !== undefined && known[0] !== line.plan)
      throw new GateError(
        'run-mismatch',
        `The samples were read. Expected one plan, got ${line.plan.slice(0, 12)} here and ${known[0].slice(0, 12)} at ${known[1]}.`,
        { where },
      );
    if (known === undefined) this.#environment = line.environment;
    this.#plans.set(line.plan, known?.[1] ?? where);
    this.#classes.add(line.runnerClass);
    if (this.#at === null || Date.parse(line.at) < Date.parse(this.#at)) this.#at = line.at;
    this.#dropOpen(where);
    this.#forget();
    this.#part = new Part();
    this.#number += 1;
  }

  /** Measuring begins again: what failed before in this file, it tries once more. */
  #forget(): void {
    for (const [key, { value }] of this.#built)
      if (value.status === 'failed') {
        this.#built.delete(key);
        this.#failedStarts.delete(key);
      }
    for (const [id, { value }] of this.#launches)
      if (value.status === 'failed') {
        this.#launches.delete(id);
        this.#failedStarts.delete(id);
      }
  }

  #build(line: BuiltLine, where: string): void {
    const known = this.#built.get(line.key);
    const what = `build ${line.key.slice(0, 12)}`;
    if (known !== undefined && isDeepStrictEqual(known.value, line)) return;
    if (this.#part.settledFrom !== null) throw contradiction(where, `${what} ends after the cells were settled`);
    if (known !== undefined) {
      const { value, part } = known;
      const again = this.#isSecondStart(line.key, value);
      const sameRun = part === this.#number;
      // What launches were measured with can neither become something else later nor fail.
      const differs = value.artefact !== null && value.artefact !== line.artefact;
      if (sameRun ? !again : differs) throw twice(where, what, known.where);
      if (again && value.error !== null) this.#failedStarts.set(line.key, value.error);
    }
    this.#built.set(line.key, { value: line, where, part: this.#number });
  }

  /** What could not be started is tried once more, under its own name. */
  #isSecondStart(name: string, first: { readonly status: string; readonly error: Coded | null }): boolean {
    return first.status === 'failed' && wasStart(first.error) && !this.#failedStarts.has(name);
  }

  #settle(line: Settlement['line'], where: string): void {
    const known = this.#settled.get(line.cell);
    if (known?.part === this.#number) {
      if (isDeepStrictEqual(known.value.line, line)) return;
      throw twice(where, `the settling of ${line.cell}`, known.where);
    }
    if (this.#part.launched.has(line.cell)) throw contradiction(where, `${line.cell} is settled after launches of it`);
    this.#part.settledFrom ??= this.#lines();
    const value = { line, built: this.#part.settledFrom, where };
    this.#settled.set(line.cell, { value, where, part: this.#number });
    this.#settlements.push(value);
  }

  #see(line: SeenLine, where: string): void {
    const known = this.#seen.get(line.cell);
    if (known?.part === this.#number && !isDeepStrictEqual(known.value, line)) throw twice(where, `the proof of ${line.cell}`, known.where);
    if (this.#settled.get(line.cell)?.part !== this.#number)
      throw contradiction(where, `${line.cell} is seen to work before it is settled`);
    this.#seen.set(line.cell, { value: line, where, part: this.#number });
  }

  #launch(line: LaunchLine, where: string): void {
    if (this.#part.open.has(line.launch)) throw contradiction(where, `launch ${line.launch} begins again before it has ended`);
    this.#part.launched.add(line.cell);
    this.#part.open.set(line.launch, { start: line, points: Object.create(null), traces: [], tuned: undefined });
  }

  #end(line: EndLine, where: string): void {
    const { start, points, traces, tuned } = this.#opened(line, 'end', where);
    this.#part.open.delete(line.launch);
    const { cell, purpose, index, selfCheck } = start;
    const value: Launch = {
      id: line.launch,
      cell,
      purpose,
      index,
      selfCheck,
      status: line.status,
      error: line.error,
      process: line.process,
      points,
      traces,
      tuned,
    };
    const known = this.#launches.get(line.launch);
    if (known !== undefined) {
      if (isDeepStrictEqual(known.value, value)) return;
      if (known.part !== this.#number || !this.#isSecondStart(line.launch, known.value))
        throw twice(where, `launch ${line.launch}`, known.where);
      if (known.value.error !== null) this.#failedStarts.set(line.launch, known.value.error);
    }
    this.#launches.set(line.launch, { value, where, part: this.#number });
  }
}

const twice = (where: string, what: string, first: string): GateError =>
  contradiction(where, `${what} stands here and at ${first}, with different content`);
