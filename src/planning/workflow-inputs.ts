import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CommandLine } from '../config/command-line.ts';
import { configFileName } from '../config/config.ts';
import { type GateStep, type GateSteps, gateSteps } from '../config/workflow-steps.ts';
import { asSentence, GateError } from '../errors.ts';
import type { WorkflowSource } from '../host/contract.ts';
import type { Repository } from '../repository/repository.ts';
import { openRepository } from '../repository/repository.ts';
import type { CommandContext } from '../run/context.ts';
import { startedBy } from './comparison.ts';
import { largestBytes } from './configuration-file.ts';
import {
  chosen,
  computedFrom,
  type InputName,
  isExpression,
  judging,
  type StepValues,
  writtenEqually,
  writtenOut,
} from './judging-inputs.ts';
import { type SettledInputs, withLostSteps } from './lost-steps.ts';

/** The inputs that count for either side. */
export interface SidesInputs extends SettledInputs {
  /** What base's workflow sets: base was measured with it, too. None where that cannot be told. */
  readonly baseOverrides: readonly string[];
}

const shown = (value: unknown): string => {
  if (value === null || (Array.isArray(value) && value.length === 0)) return 'nothing';
  return Array.isArray(value) ? value.join(', ') : String(value);
};

/** A step of base with what this run has otherwise. */
interface Compared {
  readonly step: GateStep;
  readonly values: StepValues;
  /** Inputs of another value. */
  readonly differing: readonly string[];
  /** Inputs that base computes and this change computes otherwise: their value in base is not known. */
  readonly computed: readonly string[];
}

const compared = (step: GateStep, line: CommandLine, own: readonly GateStep[]): Compared | null => {
  const values = writtenOut(step);
  if (values === null) return null;
  const computes = (name: string): boolean => isExpression(step.inputs.get(name));
  const sameText = (name: string): boolean => own.some((each) => writtenEqually(name, step, each));
  const names = [...judging];
  return {
    step,
    values,
    differing: names.flatMap(([outside, name]) =>
      computes(outside) || JSON.stringify(chosen(values, name)) === JSON.stringify(chosen(line, name)) ? [] : [outside],
    ),
    computed: names.flatMap(([outside]) => (computes(outside) && !sameText(outside) ? [outside] : [])),
  };
};

/** Whether `uses:` names the gate: the running action's repository, or one of its name. */
const gateNamed =
  (action: string | null) =>
  (uses: string): boolean => {
    const name = uses.toLowerCase();
    const own = action?.toLowerCase();
    if (own !== undefined && (name.startsWith(`${own}@`) || name.startsWith(`${own}/`))) return true;
    return /^[^./@][^@/]*\/optimization-gate(\/[^@]*)?@/.test(name);
  };

const workflowFile = /^\.github\/workflows\/[^/]+\.ya?ml$/;

const stepsAt = async (repository: Repository, commit: string, paths: readonly string[], action: string | null): Promise<GateSteps> => {
  const read = async (path: string): Promise<string | null> => (await repository.textsAt(commit, [path], largestBytes))[0] ?? null;
  const found = await Promise.all(paths.map((path) => gateSteps(path, read, gateNamed(action))));
  return { steps: found.flatMap(({ steps }) => steps), hidden: found.some(({ hidden }) => hidden) };
};

const identity = ({ job, inputs, scopes, conditions }: GateStep): string => JSON.stringify([job, [...inputs].sort(), scopes, conditions]);

/** Base's steps that this one may be: those of its job, else all of its file, else all of base's workflows. */
const candidatesIn = async (
  repository: Repository,
  base: string,
  { path, job, action }: Extract<WorkflowSource, { kind: 'change' }>,
): Promise<GateSteps & { readonly ofJob: boolean }> => {
  const same = await stepsAt(repository, base, [path], action);
  const ofJob = same.steps.filter((step) => step.job === job);
  if (ofJob.length > 0) return { ...same, steps: ofJob, ofJob: true };
  if (same.steps.length > 0) return { ...same, ofJob: false };
  return { ...(await allSteps(repository, base, action)), ofJob: false };
};

const allSteps = async (repository: Repository, commit: string, action: string | null): Promise<GateSteps> => {
  const files = (await repository.filesAt(commit, '.github/workflows')).filter((file) => workflowFile.test(file));
  return stepsAt(repository, commit, files, action);
};

const cannotTell = (why: string): string =>
  `The inputs of the gate could not be held against the workflow of the base branch. ${asSentence(`${why.charAt(0).toUpperCase()}${why.slice(1)}`)} Review the change of the workflow by hand.`;

/** The folder and the file that base names, where the change has moved them: then the new ones are compared with them. */
const isMoved = (name: string, values: StepValues, { root }: CommandContext, { folder }: Repository): boolean => {
  const { workingDirectory, config } = values.options;
  const working = resolve(folder, workingDirectory);
  const isGone = !existsSync(working);
  if (name === 'working-directory') return isGone;
  return name === 'config' && !existsSync(resolve(isGone ? root : working, config ?? configFileName));
};

const settle = (
  line: CommandLine,
  best: Compared,
  context: CommandContext,
  repository: Repository,
): Omit<SettledInputs, 'baseOverrides'> => {
  const [computed] = best.computed;
  if (computed !== undefined)
    throw new GateError(
      'inputs-refused',
      `The workflow of this change was held against that of the base branch. Expected \`${computed}: ${best.step.inputs.get(computed)}\` with the same \`env\`, as base has it, got something else.`,
      { where: `with: ${computed}` },
    );
  const refused = best.differing.filter((name) => !isMoved(name, best.values, context, repository));
  const names = new Set(refused.map((name) => judging.get(name)));
  const options = Object.fromEntries(
    Object.entries(line.options).map(([name, value]) => [
      name,
      names.has(name as InputName) ? chosen(best.values, name as InputName) : value,
    ]),
  ) as CommandLine['options'];
  const notes = refused.map((outside) => {
    const name = judging.get(outside) ?? 'mode';
    return `Input ${outside} is ${shown(chosen(line, name))} in the workflow of this change. Until the merge, base's value counts${name === 'set' ? ' wherever it fits' : ''}: ${shown(chosen(best.values, name))}.`;
  });
  return {
    line: {
      ...line,
      command: names.has('mode') ? best.values.command : line.command,
      overrides: names.has('set') ? best.values.overrides : line.overrides,
      options,
    },
    notes,
  };
};

/**
 * The inputs that count. Whoever changes code can change the workflow that judges it, so that in a change's own workflow the inputs
 * that say what is compared and what fails are those of base's workflow. Throws `inputs-refused` where base computes a value and the
 * change computes it otherwise.
 */
export const settledInputs = async (line: CommandLine, context: CommandContext): Promise<SidesInputs> => {
  const { workflow } = context.host;
  if (startedBy(context).kind !== 'change' || workflow.kind === 'trusted') return { line, notes: [], baseOverrides: line.overrides };
  const alone = line.overrides.length > 0 ? ['`set` changes the side of head alone: base is measured as its file says.'] : [];
  const untold = (note: string): SidesInputs => ({ line, notes: [note, ...alone], baseOverrides: [] });
  if (workflow.kind === 'unknown') return untold(cannotTell('the runner does not say which file it is'));
  const opened = await openBase(line, context);
  if (typeof opened === 'string') return untold(cannotTell(opened));
  const { repository, base } = opened;
  const { steps, hidden, ofJob } = await candidatesIn(repository, base, workflow);
  const head = (await repository.headRevision()).commit;
  const own = await stepsAt(repository, head, [workflow.path], workflow.action);
  if (steps.length === 0) {
    const first = `Base has no workflow that runs the gate: the inputs of ${workflow.path} count as this change has them.`;
    const unseen = `no step of ${workflow.path} runs the gate, so a workflow or an action of another repository does`;
    return untold(hidden || own.steps.length === 0 ? cannotTell(unseen) : first);
  }
  const kept = new Set(own.steps.map(identity));
  if (!ofJob && steps.every((step) => kept.has(identity(step))))
    return untold(`Job ${workflow.job ?? ''} is added beside those of base's workflows: its inputs count as this change has them.`);
  const [best] = steps
    .flatMap((step) => compared(step, line, own.steps) ?? [])
    .toSorted((one, other) => one.computed.length - other.computed.length || one.differing.length - other.differing.length);
  if (best === undefined) return untold(cannotTell("the inputs of base's workflow are not ones that this version has"));
  const all = { base: await allSteps(repository, base, workflow.action), head: await allSteps(repository, head, workflow.action) };
  const isGone = (values: StepValues): boolean =>
    ['working-directory', 'config'].some((name) => isMoved(name, values, context, repository));
  const settled = withLostSteps(settle(line, best, context, repository), best.step, { ...all, file: workflow.path, isGone });
  const texts = [...best.step.inputs].flatMap(([name, text]) => (judging.has(name) && isExpression(text) ? [text] : []));
  const read = computedFrom(texts.join('\n'), best.step.before);
  const isSame = own.steps.some(
    ({ job, before }) => job === best.step.job && read.every((each) => before[each] === best.step.before[each]),
  );
  const note = `Job ${best.step.job} computes inputs of the gate from its ${read.join(' and ')}, which this change edits. These inputs were not compared with base's: review them by hand.`;
  return isSame || read.length === 0
    ? { ...settled, baseOverrides: settled.line.overrides }
    : { ...settled, notes: [...settled.notes, note, ...alone], baseOverrides: [] };
};

/** The checkout and the base of the event, whatever the inputs name; a sentence where they cannot be had. */
const openBase = async (
  { options }: CommandLine,
  context: CommandContext,
): Promise<{ readonly repository: Repository; readonly base: string } | string> => {
  try {
    const repository = await openRepository(context.root);
    const { commit } = await repository.baseCommit({ event: await context.host.completeEvent(), named: null });
    return { repository, base: commit };
  } catch (thrown) {
    if (!(thrown instanceof GateError)) throw thrown;
    // A job that only decides needs no checkout, and a base that is named may be the only one there is.
    if (thrown.code === 'not-a-repository' || (options.base !== null && thrown.code === 'base-not-found')) return thrown.message;
    throw thrown;
  }
};
