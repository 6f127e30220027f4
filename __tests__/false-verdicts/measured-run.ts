import { readFileSync } from 'node:fs';
import { GateError } from '../../src/errors.ts';
import { requireConsistent } from '../../src/gate/consistency.ts';
import { judge } from '../../src/gate/judge.ts';
import { digestOf } from '../../src/records/decode.ts';
import type { Plan } from '../../src/records/plan.ts';
import type { SampleLine } from '../../src/records/sample.ts';
import { readSamples } from '../../src/records/samples-file.ts';
import type { Verdict } from '../../src/records/verdict.ts';
import { configuration, type Ended, Project } from '../commands/project.ts';

export const cellId = `engine`;

/** A program that answers each round with the numbers that an expression of `round` gives. */
const answering = (numbers: string, before: string): string => `import { createInterface } from 'node:readline';
${before}
let round = 0;
for await (const line of createInterface({ input: process.stdin })) {
  round += 1;
  process.stdout.write(JSON.stringify(${numbers}) + '\\n');
}
`;

/** Answers each round with a latency of so many milliseconds, a little more or less each time, and a size. */
export const programOf = (latency: number, before = ''): string =>
  answering(`{ latency: ${latency} * (1 + 0.002 * Math.sin(round + process.pid)), size: 100 }`, before);

/** Answers each round with a size alone, which takes no confirming launches. */
export const sizeProgram = (size: number, before = ''): string => answering(`{ size: ${size} }`, before);

const latency = '  - { id: latency, unit: ms, better: lower, kind: timing }';
const size = '  - { id: size, unit: bytes, better: lower, kind: exact }';

/** A repository whose base has one program and whose head another: an external measurement of a latency that is tested, where they have one, and a size. */
export const changedEngine = (base: string, head: string): Project => {
  const project = Project.make();
  const metrics = base.includes('latency') ? [latency, size] : [size];
  const entry = ['engine', 'measure: node engine.mjs', 'inputs: [engine.mjs]', 'metrics:', ...metrics];
  project.commit({ '.gitignore': '.optimization-gate\n', 'engine.mjs': base, 'optimization-gate.yml': configuration([entry]) });
  project.commit({ 'engine.mjs': head });
  return project;
};

/** The files of a run that was really measured, and the verdict on them when they are edited. */
export class MeasuredRun {
  readonly plan: Plan;
  readonly lines: readonly SampleLine[];
  readonly #planDigest: string;

  private constructor(project: Project) {
    this.plan = project.plan();
    this.#planDigest = digestOf(project.text('plan.json'));
    this.lines = readFileSync(project.samplesFile, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line): SampleLine => JSON.parse(line));
  }

  static async of(project: Project, ...options: readonly string[]): Promise<{ readonly run: MeasuredRun; readonly ended: Ended }> {
    const ended = await project.gate('--base', 'HEAD~1', ...options);
    return { run: new MeasuredRun(project), ended };
  }

  /** The verdict of the gate on these samples, or the code of its refusal. */
  judged(lines: readonly SampleLine[]): Verdict | string {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    try {
      const samples = readSamples(text);
      requireConsistent(this.plan, samples);
      const documents = { baselines: [], baselinesDigest: null, samplesDigest: digestOf(text) };
      return judge({ plan: this.plan, planDigest: this.#planDigest, samples, ...documents });
    } catch (thrown) {
      if (thrown instanceof GateError) return thrown.code;
      throw thrown;
    }
  }

  /** In one word: the verdict, or the code of the refusal. */
  outcome(lines: readonly SampleLine[]): string {
    const judged = this.judged(lines);
    return typeof judged === 'string' ? judged : judged.verdict;
  }
}
