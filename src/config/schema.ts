import { z } from 'zod';
import { suggestion } from '../records/nearest.ts';
import { hostProvider } from '../records/provider.ts';
import { jsonValue, nounId } from '../records/words.ts';
import { isMetricKey, metricKeyRule } from './metric-key.ts';
import { failOnValues } from './option-table.ts';
import { byteSize, duration, fraction, requirement, tolerance } from './quantity.ts';

/** A map whose unknown keys are errors that name the nearest known one. */
const section = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'invalid_type') return 'must be a map of keys and values';
      if (issue.code !== 'unrecognized_keys') return undefined;
      return issue.keys.map((key) => `Unknown key "${key.slice(0, 80)}".${suggestion(key, Object.keys(shape))}`).join(' ');
    },
  });

const id = nounId;
const userName = z
  .string({ error: 'must be the name of a user' })
  .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'must be the name of a user, in lower case');
const line = z.string().trim().min(1, 'must not be empty').max(4096, 'must be at most 4096 characters');
/** A path or glob inside the repository: relative, with forward slashes, never upwards. */
const inside = line.refine(
  (path) => !/^([/\\~]|[A-Za-z]:)/.test(path) && !path.split(/[/\\]/).includes('..') && !path.includes('\0'),
  'must be a path inside the repository, without ".."',
);
const count = (most: number) => z.int().positive().max(most);

const manifestRef = section({
  manifest: inside.describe('Not in this version, which refuses it: path of the manifest of a full-size model.'),
});
/** No two entries of one list may share an id. */
const distinct =
  <Entry>(idOf: (entry: Entry) => string) =>
  (entries: readonly Entry[], context: z.RefinementCtx): void => {
    const seen = new Set<string>();
    for (const [index, entry] of entries.entries()) {
      if (seen.has(idOf(entry))) context.addIssue({ code: 'custom', path: [index], message: `"${idOf(entry)}" is listed twice` });
      seen.add(idOf(entry));
    }
  };

const modelEntry = z.union([id, manifestRef], { error: 'must be the id of a model' });

const pointEntry = section({
  id: id.describe('Name of the operating point, such as decode-b32.'),
  phase: z.enum(['prefill', 'decode']).optional().describe('Default: decode when `past` is given, else prefill.'),
  past: count(1_048_576).optional().describe('Tokens in the cache before the decode step.'),
  length: count(1_048_576).optional().describe('Tokens of the prefill.'),
  batch: count(4096).default(1).describe('Sequences at once.'),
  rounds: count(10_000).optional().describe('Rounds of one launch.'),
}).superRefine((point, context) => {
  const phase = point.phase ?? (point.past === undefined ? 'prefill' : 'decode');
  const [needed, other] = phase === 'decode' ? (['past', 'length'] as const) : (['length', 'past'] as const);
  if (point[needed] === undefined) context.addIssue({ code: 'custom', path: [needed], message: `is needed by a ${phase} point` });
  if (point[other] !== undefined) context.addIssue({ code: 'custom', path: [other], message: `has no meaning for a ${phase} point` });
});

const metricEntry = section({
  id: id.describe('Name of the metric.'),
  unit: z.string().trim().min(1).max(40).describe('Unit, such as ms.'),
  better: z.enum(['lower', 'higher']).describe('Which direction is an improvement.'),
  kind: z
    .enum(['timing', 'exact'])
    .describe('`timing` is noisy and tested; `exact` is deterministic and compared, or tested where it varies.'),
  role: z.enum(['gate', 'described', 'advisory']).default('gate').describe('`gate` decides, the others are only shown.'),
  scale: z
    .enum(['log', 'linear'])
    .default('log')
    .describe('`linear` for a timing metric that can be zero or negative, and for tolerances in the unit of the metric.'),
});

const doors = ['command', 'module', 'serve', 'measure'] as const;

const optimizationEntry = section({
  id: id.describe('Name of this optimization in reports; the id of a built-in unless `like` says which one it is like.'),
  with: z
    .record(z.string(), jsonValue)
    .default({})
    .describe('Options of a built-in, or of your module; a command has them in its own words.'),
  like: id.optional().describe('Judge it like the built-in of this id.'),
  'like-with': z
    .record(z.string(), jsonValue)
    .optional()
    .describe('Options of the built-in that `like` names, where it judges your own code; its defaults where nothing is said.'),
  command: line.optional().describe('Your program: reads {model} and writes {output}, both ONNX.'),
  module: inside.optional().describe('Your JavaScript module: exports build(context), start(episode), or both.'),
  serve: line.optional().describe('Your program in any language: answers the subject protocol, one JSON line for each line asked.'),
  measure: line.optional().describe('Your program that measures by itself: answers each line `round N` with one JSON line of numbers.'),
  inputs: z.array(inside).min(1).max(1000).optional().describe('Files that the optimization depends on, as globs: part of its digest.'),
  points: z
    .array(pointEntry)
    .min(1)
    .max(32)
    .superRefine(distinct((point) => point.id))
    .optional()
    .describe('Operating points to measure instead of the usual ones.'),
  metrics: z
    .array(metricEntry)
    .min(1)
    .max(64)
    .superRefine(distinct((metric) => metric.id))
    .optional()
    .describe('Metrics of an external measurement; belongs to `measure`.'),
}).superRefine((entry, context) => {
  const given = doors.filter((door) => entry[door] !== undefined);
  const [door, second] = given;
  const complain = (key: string, message: string): void => context.addIssue({ code: 'custom', path: [key], message });
  if (second !== undefined) complain(second, `cannot stand beside "${door}": an optimization is run in one way`);
  if (door === 'measure') {
    if (entry.metrics === undefined) complain('measure', 'needs `metrics` beside it: what does the command report?');
    if (entry.like !== undefined) complain('like', 'has no meaning beside "measure"');
    if (entry['like-with'] !== undefined) complain('like-with', 'has no meaning beside "measure": no built-in judges it');
    if (entry.points !== undefined) complain('points', 'has no meaning beside "measure": the command chooses what it runs');
  } else {
    if (door !== undefined && entry.like === undefined) complain(door, 'needs `like: ID` beside it: which built-in is it judged like?');
    if (entry.metrics !== undefined)
      complain('metrics', 'belongs to `measure`; other optimizations have the metrics of the built-in that they are like');
  }
  if (door === undefined && entry['like-with'] !== undefined)
    complain('like-with', 'belongs to your own code; the options of a built-in stand under `with`');
  if (door === undefined && entry.inputs !== undefined) complain('inputs', 'belongs to your own code; a built-in has none');
  if (door === 'command' && Object.keys(entry.with).length > 0)
    complain('with', 'has no effect beside "command": write the options into the command');
  if (door === 'command' && !/\{output(-folder)?\}/.test(entry.command ?? ''))
    complain('command', 'must say where the result is written: use {output} or {output-folder}');
});

const models = z
  .array(modelEntry)
  .min(1)
  .max(64)
  .superRefine(distinct((entry) => (typeof entry === 'string' ? entry : entry.manifest)));
const optimizations = z
  .array(optimizationEntry)
  .min(1)
  .max(64)
  .superRefine(distinct((entry) => entry.id));

/** Every section but the two lists. */
const settings = {
  runtime: section({
    provider: z
      .string()
      .regex(/^[a-z][a-z0-9]{0,31}$/, 'must be a provider such as cpu or cuda')
      .default(hostProvider)
      .describe('Execution provider. Asked for means required.'),
    threads: count(256).default(1).describe('Threads inside one operator.'),
  }).prefault({}),
  gate: section({
    alpha: z.number().gt(0).max(0.5).default(0.05).describe('False alarms that are allowed per pull request.'),
    tolerance: z
      .record(z.string().refine(isMetricKey, metricKeyRule), tolerance, {
        error: ({ code }) => (code === 'invalid_key' ? metricKeyRule : 'must be a map of metric to tolerance'),
      })
      .default({})
      .describe('Worsening that is accepted, by metric, by the last words of its name, or by `MODEL/OPTIMIZATION/METRIC`.'),
    require: z
      .record(z.string().refine(isMetricKey, metricKeyRule), requirement, {
        error: ({ code }) => (code === 'invalid_key' ? metricKeyRule : 'must be a map of metric to bound'),
      })
      .default({})
      .describe('What a number of head must hold whatever base has, such as `nll-delta: "<= 0.3"`; named like tolerances.'),
    'must-detect': fraction.prefault('10%').describe('A pass must exclude a worsening of this size.'),
    quality: z
      .enum(['judged', 'none'])
      .default('judged')
      .describe('`none` judges no loss on held-out text, where a model is untrained: only speed, size and memory. Each report says so.'),
    'build-twice': z
      .boolean({ error: 'must be true or false' })
      .default(true)
      .describe(
        "Make each of head's builds twice where its code differs from base's and no earlier run has made it. One that varies fails.",
      ),
    'fail-on': z
      .array(z.enum(failOnValues))
      .max(failOnValues.length)
      .default(['regressed', 'unmet', 'missing', 'failed'])
      .describe('Outcomes that fail the job of the action.'),
  }).prefault({}),
  lfs: z
    .boolean({ error: 'must be true or false' })
    .default(false)
    .describe('Fetch from Git LFS, for both sides, the files that `inputs` name; other files of Git LFS are left alone.'),
  environment: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be the name of a variable, without its value'))
    .max(100)
    .superRefine(distinct((name) => name))
    .default([])
    .describe('Names of environment variables that measured code sees besides the usual ones; never tokens, nor those of the runner.'),
  isolation: section({
    user: userName.describe(
      'User of the runner, without rights, as which the code of both sides runs, or that of head where `base-user` is given.',
    ),
    'base-user': userName
      .optional()
      .describe("Another such user, for the code of base: limits that the system sets for each user are then each side's own."),
  })
    .superRefine((users, context) => {
      if (users['base-user'] === users.user)
        context.addIssue({
          code: 'custom',
          path: ['base-user'],
          message: `must be another user than \`user\` (both are ${users.user}), or absent`,
        });
    })
    .optional(),
  setup: line.optional().describe('Command run once in the checkout of each side before its builds.'),
  budget: section({ minutes: z.number().positive().max(10_080).describe('Measuring stops after this time.') }).optional(),
  limits: section({
    seconds: duration.prefault(600).describe('Longest time of one build, and in a launch of the start and all answers of one program.'),
    memory: byteSize.prefault('4GiB').describe('Largest resident set of one build, program or launch.'),
  }).prefault({}),
};

/** Ids of the models and optimizations of a configuration that names none: given by the caller, so that this folder imports no optimization. */
export interface ConfigDefaults {
  readonly models: readonly string[];
  readonly optimizations: readonly string[];
}

/** The two lists as they would be written. */
export const defaultLists = ({ models, optimizations }: ConfigDefaults) => ({
  models: [...models],
  optimizations: optimizations.map((id) => ({ id })),
});

/** Returns the schema of optimization-gate.yml. The JSON Schema in `schemas/` is generated from it. */
export const configSchema = (defaults: ConfigDefaults) => {
  const lists = defaultLists(defaults);
  return section({
    models: models.prefault(lists.models).describe('Models to measure on.'),
    optimizations: optimizations.prefault(lists.optimizations).describe('Optimizations to guard.'),
    ...settings,
  });
};

export type ConfigDocument = z.infer<ReturnType<typeof configSchema>>;
export type OptimizationDocument = ConfigDocument['optimizations'][number];
