import { isDeepStrictEqual } from 'node:util';
import type { CommandLine } from '../config/command-line.ts';
import type { GateStep, GateSteps } from '../config/workflow-steps.ts';
import { GateError } from '../errors.ts';
import { chosen, computedFrom, isExpression, judging, type StepValues, writtenEqually, writtenOut } from './judging-inputs.ts';

/** What runs, and what the report says of the inputs that do not count. */
export interface SettledInputs {
  readonly line: CommandLine;
  readonly notes: readonly string[];
}

interface Workflows {
  /** All steps of base's workflows and of this change's that run the gate. */
  readonly base: GateSteps;
  readonly head: GateSteps;
  /** File of the workflow that runs. */
  readonly file: string;
  /** Whether what the inputs of a step name is gone with the change. */
  readonly isGone: (values: StepValues) => boolean;
}

/** Events that start the gate for a change. */
const ofChanges = ['pull_request', 'pull_request_target', 'merge_group'];

/** Inputs that say where and in which order is measured, and those of which two values are united. */
const immaterial: ReadonlySet<string> = new Set(['mode', 'run-dir', 'store', 'seed', 'ort-path', 'models', 'optimizations', 'quick']);

/** Whether two steps give the inputs that judge equally, with what computes them. */
const sameInputs = (one: GateStep, other: GateStep): boolean => {
  const names = [...judging.keys()];
  const read = computedFrom(names.map((name) => one.inputs.get(name) ?? '').join('\n'), one.before);
  return names.every((name) => writtenEqually(name, one, other)) && read.every((each) => one.before[each] === other.before[each]);
};

const sameJob = (one: GateStep, other: GateStep): boolean => one.file === other.file && one.job === other.job;

/** Whether some step of the change does what one of base did, or its own run takes base's inputs. */
const isKept = (step: GateStep, { base, head }: Workflows): boolean => {
  const alike = head.steps.filter((each) => each.conditions === step.conditions);
  const isAlone = base.steps.filter((each) => sameJob(each, step)).length === 1;
  return alike.some((each) => sameInputs(each, step) || (isAlone && sameJob(each, step)));
};

/** Steps of base that judged a change and that no job of this change runs any longer. */
const lostSteps = (kept: GateStep, workflows: Workflows): readonly GateStep[] =>
  workflows.base.steps.filter((step) => {
    if (sameJob(step, kept) && sameInputs(step, kept)) return false;
    const ofChange = step.file === workflows.file || step.events.some((event) => ofChanges.includes(event));
    return ofChange && !isKept(step, workflows);
  });

const both = (one: readonly string[] | null, other: readonly string[] | null): readonly string[] | null =>
  one === null || other === null ? null : [...new Set([...one, ...other])];

/** An input by which one run cannot do what a step did as well; null where there is none. */
const obstacle = (step: GateStep, kept: GateStep, values: StepValues, line: CommandLine): string | null =>
  [...judging].find(([outside, name]) => {
    if (immaterial.has(outside)) return false;
    if (isExpression(step.inputs.get(outside))) return !writtenEqually(outside, step, kept);
    const [own, other] = [chosen(line, name), chosen(values, name)];
    return outside === 'fail-on' && own !== null && other !== null ? false : !isDeepStrictEqual(own, other);
  })?.[0] ?? null;

const shown = (list: readonly string[] | null): string => (list === null ? 'all' : list.join(', '));

/**
 * The inputs of a run, with what other steps of base's workflows selected that this change no longer
 * runs: a job that is merged into this one. Throws `inputs-refused` where one run cannot do both.
 */
export const withLostSteps = (settled: SettledInputs, kept: GateStep, workflows: Workflows): SettledInputs => {
  let { line, notes } = settled;
  for (const step of lostSteps(kept, workflows)) {
    const values = writtenOut(step);
    if (values === null || values.command !== 'run' || workflows.isGone(values)) continue;
    const hindered = obstacle(step, kept, values, line);
    if (hindered !== null) {
      const stays = workflows.head.steps.some((each) => sameInputs(each, step) || sameJob(each, step));
      if (!stays) throw refused(step, hindered);
      notes = [
        ...notes,
        `Job ${step.job} of ${step.file} runs under other conditions than in base's workflow. Review the change of the workflow by hand.`,
      ];
      continue;
    }
    const { options } = line;
    // A selection that is computed is not known: `null`, which selects all.
    const models = both(options.models, values.options.models);
    const optimizations = both(options.optimizations, values.options.optimizations);
    const failOn = both(options.failOn, values.options.failOn) as typeof options.failOn;
    line = { ...line, options: { ...options, models, optimizations, failOn, quick: options.quick && values.options.quick } };
    notes = [
      ...notes,
      `Job ${step.job} of base's ${step.file} does not run as before in this change. Until the merge, this run measures what it selects, too: models ${shown(models)}; optimizations ${shown(optimizations)}.`,
    ];
  }
  return { line, notes };
};

const refused = (step: GateStep, input: string): GateError =>
  new GateError(
    'inputs-refused',
    `The workflows of this change were held against those of the base branch. Job ${step.job} of ${step.file} runs the gate there, and no job of this change does so with the same \`${input}\`. Expected a job with its inputs, got none.`,
    { where: step.file },
  );
