import { posix } from 'node:path';
import { GateError } from '../errors.ts';
import type { Json } from '../records/words.ts';
import { readConfigText } from './document.ts';
import type { Scope } from './workflow-scopes.ts';

/** What else expressions may refer to, as written: the matrix, other steps of the job, and the jobs that it needs. */
export type Before = Readonly<Record<'matrix' | 'steps' | 'needs', string>>;

/** A step of a workflow that runs the gate. */
export interface GateStep {
  /** File that holds it. */
  readonly file: string;
  /** Id of its job; of a composite action the job that uses it. */
  readonly job: string;
  /** Its inputs as written. */
  readonly inputs: ReadonlyMap<string, string>;
  /** `env` of workflow, job and step, and the inputs of what calls it, with their defaults: from the outermost in. */
  readonly scopes: readonly Scope[];
  readonly before: Before;
  /** Names of the events that start the workflow. */
  readonly events: readonly string[];
  /** What else says whether its outcome counts: name and condition of the job, and what may go on in spite of it. */
  readonly conditions: string;
}

export interface GateSteps {
  readonly steps: readonly GateStep[];
  /** Whether some called workflow or action could not be looked into, being of another repository or unreadable. */
  readonly hidden: boolean;
}

type JsonMap = { readonly [key: string]: Json };

const isMap = (value: Json | undefined): value is JsonMap => typeof value === 'object' && value !== null && !Array.isArray(value);
const mapOf = (value: Json | undefined): JsonMap => (isMap(value) ? value : {});
const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);
const envOf = (value: JsonMap | null): Scope => ({ of: 'env', values: mapOf(value?.['env']) });
/** Defaults of the inputs that a workflow or an action declares. */
const defaultsOf = (declared: Json | undefined): Scope => ({
  of: 'inputs',
  values: Object.fromEntries(Object.entries(mapOf(declared)).map(([name, input]) => [name, mapOf(input)['default'] ?? null])),
});
const textOf = (value: Json | undefined): string => (typeof value === 'object' ? JSON.stringify(value) : String(value ?? ''));

const eventsOf = (on: Json | undefined): readonly string[] =>
  (typeof on === 'string' ? [on] : isMap(on) ? Object.keys(on) : listOf(on)).filter((each) => typeof each === 'string');

/** `name` of the gate's own action.yml. */
const actionName = 'Optimization gate';
/** GitHub nests reusable workflows four deep, and composite actions ten. */
const deepest = 10;
/** Steps and jobs that are looked at. */
const mostSteps = 5000;

/** A null document: nothing there, or nothing that can be read. */
const documentOf = (text: string | null, file: string): JsonMap | null => {
  try {
    const value = text === null ? null : readConfigText(text, file).value;
    return value !== null && isMap(value) ? value : null;
  } catch (thrown) {
    if (!(thrown instanceof GateError)) throw thrown;
    return null;
  }
};

/** The jobs that one needs, and those that these need. */
const neededBy = (jobs: JsonMap, id: string, known: Set<string> = new Set()): ReadonlySet<string> => {
  const { needs } = mapOf(jobs[id]);
  for (const each of typeof needs === 'string' ? [needs] : listOf(needs)) {
    if (typeof each !== 'string' || known.has(each) || !Object.hasOwn(jobs, each)) continue;
    neededBy(jobs, each, known.add(each));
  }
  return known;
};

/**
 * The steps of a workflow file that run the gate, with those of the reusable workflows and composite actions of its own repository
 * that it calls.
 * @param read a file of the repository; null where there is none
 * @param isGate whether `uses:` names the gate's action in another repository
 */
export const gateSteps = async (
  path: string,
  read: (path: string) => Promise<string | null>,
  isGate: (uses: string) => boolean,
): Promise<GateSteps> => {
  const steps: GateStep[] = [];
  let hidden = false;
  let seen = 0;

  const actionAt = async (folder: string): Promise<{ readonly file: string; readonly document: JsonMap | null } | null> => {
    for (const file of ['action.yml', 'action.yaml'].map((name) => posix.join(folder, name))) {
      const text = await read(file);
      if (text !== null) return { file, document: documentOf(text, file) };
    }
    return null;
  };

  const lookInto = async (list: readonly Json[], at: Omit<GateStep, 'inputs'>, depth: number): Promise<void> => {
    for (const step of list.map(mapOf)) {
      seen += 1;
      const uses = typeof step['uses'] === 'string' ? step['uses'].trim() : '';
      if (uses === '' || seen > mostSteps) continue;
      const own = mapOf(step['with']);
      const scopes = [...at.scopes, envOf(step)];
      const inputs = new Map(Object.entries(own).map(([name, value]) => [name.toLowerCase(), textOf(value).trim()]));
      const conditions = JSON.stringify([at.conditions, step['if'] ?? null, step['continue-on-error'] ?? null]);
      const found = { ...at, inputs, scopes, conditions };
      if (isGate(uses)) steps.push(found);
      if (!uses.startsWith('./')) continue;
      const action = await actionAt(posix.normalize(uses.slice(2)));
      const inner = mapOf(action?.document?.['runs'])['steps'];
      if (action?.document?.['name'] === actionName && inner === undefined) steps.push(found);
      else if (inner === undefined || depth >= deepest) hidden ||= action?.document == null;
      else {
        const within = [...scopes, defaultsOf(action?.document?.['inputs']), { of: 'inputs', values: own } as const];
        const before = { ...at.before, steps: JSON.stringify([at.before.steps, others(listOf(inner))]) };
        await lookInto(listOf(inner), { ...at, file: action?.file ?? at.file, scopes: within, before }, depth + 1);
      }
    }
  };

  const others = (list: readonly Json[]): readonly Json[] =>
    list.filter((step) => {
      const { uses } = mapOf(step);
      return typeof uses !== 'string' || !isGate(uses.trim());
    });

  const readWorkflow = async (
    file: string,
    caller: readonly Scope[],
    outside: Before,
    started: readonly string[] | null,
    depth: number,
  ): Promise<void> => {
    const text = await read(file);
    const workflow = documentOf(text, file);
    if (workflow === null) hidden ||= text !== null || depth > 0;
    const jobs = mapOf(workflow?.['jobs']);
    const events = started ?? eventsOf(workflow?.['on']);
    const declared = mapOf(mapOf(workflow?.['on'])['workflow_call'])['inputs'];
    for (const [id, value] of Object.entries(jobs)) {
      const job = mapOf(value);
      seen += 1;
      const scopes = [defaultsOf(declared), ...caller, envOf(workflow), envOf(job)];
      const needed = [...neededBy(jobs, id)].map((each) => jobs[each] ?? null);
      const before = {
        matrix: JSON.stringify([outside.matrix, job['strategy'] ?? null]),
        steps: JSON.stringify([outside.steps, others(listOf(job['steps']))]),
        needs: JSON.stringify([outside.needs, needed]),
      };
      const conditions = JSON.stringify(['name', 'if', 'needs', 'continue-on-error'].map((key) => job[key] ?? null));
      await lookInto(listOf(job['steps']), { file, job: id, scopes, before, events, conditions }, depth);
      const uses = typeof job['uses'] === 'string' ? job['uses'].trim() : '';
      if (uses === '' || seen > mostSteps) continue;
      if (!uses.startsWith('./') || depth >= deepest) hidden = true;
      else
        await readWorkflow(
          posix.normalize(uses.slice(2)),
          [...scopes, { of: 'inputs', values: mapOf(job['with']) }],
          before,
          events,
          depth + 1,
        );
    }
  };

  await readWorkflow(path, [], { matrix: '', steps: '', needs: '' }, null, 0);
  return { steps, hidden };
};
