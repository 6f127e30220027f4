/** Messages between the orchestrator and its worker processes (IPC), and between a worker and a subject (JSON lines). */
import { z } from 'zod';
import { evaluationRecord } from './evaluation-record.ts';
import { operatingPoint } from './metric.ts';
import { runtimeSpec } from './plan.ts';
import { columns, launchPurpose, processFacts, traceColumns } from './sample.ts';
import { armId, coded, type Immutable, jsonValue, nounId, sha256, values } from './words.ts';

export const stage = z.strictObject({
  id: nounId.describe('Which part of the model it is, such as `decoder`.'),
  graph: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.onnx$/, 'a plain .onnx file name')
    .describe('Its file name; data files lie beside it.'),
});
export const serveHints = z.strictObject({
  keepLast: z.int().positive().optional().describe('Newest positions that stay in the cache.'),
  sinks: z.int().nonnegative().optional().describe('First positions that stay in the cache beside these.'),
  chunk: z.int().positive().optional().describe('Most tokens of one prefill.'),
  slack: z.int().nonnegative().optional().describe('Positions by which a bounded cache grows before it is cut back.'),
  frequencies: z
    .array(z.number())
    .max(4096)
    .optional()
    .describe('Radians per position of the rotary pairs, by which kept keys are turned back to their place inside the cache.'),
  inPlace: z.boolean().optional().describe('Whether keys and values are written into one buffer.'),
});

/** An artefact on this machine. */
export const artefactRef = z.strictObject({
  digest: sha256,
  /** Which files these are: equal digests may be written in several ways. */
  content: sha256,
  folder: z.string(),
  stages: z.array(stage).min(1),
  serve: serveHints,
  /** Bytes of its files that its graphs do not use, and that it was not given. */
  spare: z.int().nonnegative(),
});
export type ArtefactRef = Immutable<z.infer<typeof artefactRef>>;

/** How the worker starts the policy of one arm: a process that speaks JSON lines, in the arm's own tree. */
/** How the processes of user code are held together, and the words in front of its command line. */
const confinement = z.strictObject({
  kind: z.enum(['namespaces', 'reaper', 'marks']),
  asRoot: z.array(z.string()),
  argv: z.array(z.string()),
});

export const policyProcess = z.strictObject({
  argv: z.array(z.string()).min(1),
  cwd: z.string(),
  /** Allow-listed: no tokens, no inputs, no command files of the runner. */
  environment: z.record(z.string(), z.string()),
  confinement,
  optimization: nounId,
  options: jsonValue,
  /**
   * What an external measurement says by its own configuration that it reports, besides the metrics
   * that are judged.
   */
  reports: z.array(z.string()),
  /** For its start and all its answers in one launch. */
  seconds: z.number().positive(),
  memoryBytes: z.int().positive(),
});
export type PolicyProcess = Immutable<z.infer<typeof policyProcess>>;

/** `digest` is that of `measuringDigest`: what numbers rest on besides the arm. */
const runtime = runtimeSpec.pick({ digest: true, provider: true, threads: true });

export const launchRequest = z.strictObject({
  type: z.literal('launch'),
  launch: z.string(),
  purpose: launchPurpose,
  selfCheck: z.boolean(),
  arms: z.array(armId),
  points: z.array(operatingPoint),
  /** The call point that a solo point repeats; null without one. */
  repeated: operatingPoint.nullable(),
  /** arm → variant → artefact; `reference` is always there, whatever `arms` says: quality is measured against it. */
  artefacts: z.record(z.string(), z.record(z.string(), artefactRef)),
  /** The built-in whose benchmark judges the cell, and what it was given. */
  like: nounId,
  options: jsonValue,
  /** arm → its policy; arms without one serve as they are. */
  policies: z.record(z.string(), policyProcess),
  /** What the tuning launch found; null before it, or where nothing tunes. */
  tuned: jsonValue,
  /** Folder of the model's source files: evaluation windows. Null: the cell has no model. */
  model: z.string().nullable(),
  /** Digest that the source files must have. */
  modelDigest: sha256.nullable(),
  seed: z.int().nonnegative(),
  runtime,
  /** What is known of these artefacts on the held-out windows. */
  scores: z.array(evaluationRecord),
  /** Where launches of one run leave for each other what takes long, and what that is signed with. */
  scratch: z.strictObject({ root: z.string(), secret: z.string().regex(/^[0-9a-f]{64}$/) }),
});
export type LaunchRequest = Immutable<z.infer<typeof launchRequest>>;

export const toWorker = z.discriminatedUnion('type', [
  launchRequest,
  /** The runtime that would be used, without loading it; `library`: whether ONNX Runtime is part of it. */
  z.strictObject({ type: z.literal('describe'), library: z.boolean(), provider: z.string(), threads: z.int().positive() }),
  /** Where the runtime is, without loading it. */
  z.strictObject({ type: z.literal('locate') }),
  /** Load the runtime and calculate something on one provider. */
  z.strictObject({ type: z.literal('probe'), provider: z.string(), threads: z.int().positive() }),
  /** Build a model's reference artefact into the store. */
  z.strictObject({ type: z.literal('prepare'), model: z.string(), digest: sha256, store: z.string() }),
  /** Check a subject's output, digest it and move it into the store. */
  z.strictObject({
    type: z.literal('seal'),
    folder: z.string(),
    stages: z.array(stage).min(1),
    serve: serveHints,
    facts: values,
    runtime: runtimeSpec.pick({ provider: true, threads: true }),
    store: z.string(),
    /** Where files of artefacts have names for code under test: such a name does not make a file foreign. */
    views: z.string(),
    /** Digests of the files that code of one's own was given; null where the gate's own code built it. */
    given: z.array(sha256).nullable(),
  }),
]);
export type ToWorker = Immutable<z.infer<typeof toWorker>>;

export const fromWorker = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  /** Proof of life between rounds; also what the progress line shows. */
  z.strictObject({ type: z.literal('beat'), point: z.string() }),
  z.strictObject({ type: z.literal('described'), runtime: runtimeSpec.omit({ serving: true }) }),
  /** Folder of the package, and of the native libraries of this platform. */
  z.strictObject({ type: z.literal('located'), folder: z.string(), libraries: z.string() }),
  /** The provider works; `providers` are all that this build of the runtime knows, working or not. */
  z.strictObject({ type: z.literal('probed'), providers: z.array(z.string()) }),
  z.strictObject({ type: z.literal('stored'), artefact: artefactRef, bytes: z.number() }),
  z.strictObject({
    type: z.literal('measured'),
    points: z.array(z.strictObject({ point: z.string(), values: columns, warnings: z.array(z.string()) })),
    traces: z.array(z.strictObject({ point: z.string(), arm: armId, columns: traceColumns })),
    /** Only of a tuning launch. */
    tuned: jsonValue.optional(),
    /** Scores that it computed. */
    scores: z.array(evaluationRecord),
    process: processFacts,
  }),
  z.strictObject({ type: z.literal('failed'), error: coded }),
]);
export type FromWorker = Immutable<z.infer<typeof fromWorker>>;

/** A question names files as an artefact does; new keys of a newer gate are dropped, as everywhere in a question. */
const askedStages = z.array(z.object(stage.shape)).min(1);

/** Orchestrator or worker → subject. A newer gate may say more than base's program knows: keys that are new to it are dropped. */
export const toSubject = z.discriminatedUnion('do', [
  z.object({
    do: z.literal('hello').describe('The first question of every process.'),
    contract: z.literal(1).describe('Version of this protocol.'),
  }),
  z.object({
    do: z.literal('build').describe('Asks for files.'),
    optimization: nounId.describe('The built-in that `like` names.'),
    source: z
      .string()
      .describe(
        'Folder with a copy of the card, configuration, weights, tokenizer and calibration text of the model. It never holds the evaluation text.',
      ),
    input: z
      .object({
        folder: z.string().describe('Folder of the graphs to start from. Read-only.'),
        stages: askedStages.describe('These graphs.'),
      })
      .describe('What the build starts from: the reference model, or another variant.'),
    options: jsonValue.describe('What stands under `with:`; an empty object without it.'),
    variant: z.object({
      name: z.string().describe('Its name; `main` where there is one build.'),
      options: jsonValue.describe('What the benchmark says of this variant.'),
    }),
    output: z.string().describe('An empty folder for the result.'),
    seed: z.int().nonnegative().describe('For everything that draws.'),
  }),
  z.object({
    do: z.literal('start').describe('Begins an episode. One that is under way is over.'),
    optimization: nounId.describe('The built-in that `like` names.'),
    episode: z
      .object({
        point: z.string().describe('Name of the operating point.'),
        seed: z.int().nonnegative().describe('For everything that draws.'),
        options: jsonValue.describe('What stands under `with:`; an empty object without it.'),
        setting: jsonValue.describe('What the benchmark says of the episode; see [policies](#policies).'),
      })
      .describe('The episode that begins.'),
  }),
  z.object({
    do: z.literal('next').describe('Asks for the next action in the episode under way.'),
    observation: jsonValue.describe('What there is to see; see [policies](#policies).'),
  }),
]);
export type ToSubject = Immutable<z.infer<typeof toSubject>>;

export const builtAnswer = z.strictObject({
  stages: z.array(stage).min(1).describe('The graphs in `output`. In place of `decoder` several may stand, which run in this order.'),
  serve: serveHints.optional().describe('How the result is to be served; left out where it is served as it is.'),
  facts: values.optional().describe('Exact numbers that only the builder knows.'),
});
export type BuiltAnswer = Immutable<z.infer<typeof builtAnswer>>;
/** Subject → orchestrator: one line for each line asked. */
export const fromSubject = z.union([
  z.strictObject({ ok: jsonValue.describe('The answer.') }),
  z.strictObject({
    error: z.string().describe('What went wrong, in words. The cell fails with them.'),
    code: z.string().optional().describe('A code of docs/errors.md; left out, it is that of a crashed program or a failed build.'),
  }),
]);
