import { z } from 'zod';
import { claim } from './claim.ts';
import { digestOf } from './decode.ts';
import { metricSpec, operatingPoint } from './metric.ts';
import { buildVariant, cellId, commitId, type Immutable, jsonValue, notMeasured, nounId, sha256 } from './words.ts';

/** A commit and the tree that was on disk; `dirty` when the working tree differs from the commit. */
const revision = z.strictObject({ commit: commitId, dirty: z.boolean() });

/** What measures. For numbers to be comparable, `digest` and `serving` must agree. */
export const runtimeSpec = z.strictObject({
  /** Of the native library, the provider, the session options and the variables that change them; without a library, of these variables. */
  digest: sha256,
  /** Version of ONNX Runtime. Null: no cell needs it, because every program measures by itself. */
  ort: z.string().nullable(),
  provider: z.string(),
  threads: z.int().positive(),
  session: jsonValue,
  /** Digest of the gate's code that serves and measures. */
  serving: sha256,
});
export type RuntimeSpec = Immutable<z.infer<typeof runtimeSpec>>;

/** One digest of all that numbers rest on besides the arm. */
export const measuringDigest = ({ digest, serving }: Pick<RuntimeSpec, 'digest' | 'serving'>): string =>
  digestOf(JSON.stringify([digest, serving]));

/**
 * How to start user code: a command line run in one side's tree, and the digests of the files that
 * it is.
 */
export const subjectRef = z.strictObject({
  /**
   * `builtin`: the gate's own subject of this optimization; `entry` is the worker program of the
   * side's own tree (this repository gating itself), or null for the running program. `command`: a
   * template with {model} and {output}. `module`: a JavaScript file of the tree. `serve`: a program
   * that answers JSON lines. `measure`: a program that answers rounds with numbers; `reports` are
   * the names that its own side's configuration gives them.
   */
  door: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('builtin'), optimization: nounId, entry: z.string().nullable() }),
    z.strictObject({ kind: z.literal('command'), command: z.string() }),
    z.strictObject({ kind: z.literal('module'), module: z.string() }),
    z.strictObject({ kind: z.literal('serve'), command: z.string() }),
    z.strictObject({ kind: z.literal('measure'), command: z.string(), reports: z.array(z.string()) }),
  ]),
  tree: z.enum(['head', 'base']),
  /**
   * Folder that it is started in, below the root of the repository; '' for the root, and for the
   * gate's own program.
   */
  folder: z.string(),
  /** Globs of the files that it depends on; empty for the gate's own program. */
  inputs: z.array(z.string()),
  /**
   * Digest of all files that run: of the tree those that `inputs` match and that are named, or the
   * gate's own program.
   */
  code: sha256,
  /**
   * Digest of the files that decide: of a built-in its own part of the program, of a user's code
   * all of them.
   */
  ownCode: sha256,
});
export type SubjectRef = Immutable<z.infer<typeof subjectRef>>;

/**
 * One artefact to make. The key covers everything that it depends on: what is run and how, what is
 * told of the variant, model, seed.
 */
export const plannedBuild = z.strictObject({
  key: sha256,
  cell: cellId,
  arm: z.enum(['head', 'base']),
  variant: z.string(),
  model: nounId,
  /** The built-in whose contract the subject meets. */
  optimization: nounId,
  /** Key of the build that it starts from; null: the reference model. */
  on: sha256.nullable(),
  /** When failing is a finding about this variant, not the end of the cell; `where-base-does`: of base, and of head where base fails too. */
  mayFail: z.enum(['never', 'where-base-does', 'always']),
  options: jsonValue,
  /** What its maker is told of the variant; a built-in that makes something for another benchmark builds its own `main`. */
  told: buildVariant,
  subject: subjectRef,
  seed: z.int().nonnegative(),
});
export type PlannedBuild = Immutable<z.infer<typeof plannedBuild>>;

const plannedArm = z.strictObject({
  id: z.enum(['head', 'base']),
  /** variant → build key */
  builds: z.record(z.string(), sha256),
  policy: subjectRef.nullable(),
  options: jsonValue,
  /** Digest of everything of its own side that decides what it does. */
  code: sha256,
});

export const plannedCell = z.strictObject({
  id: cellId,
  /** Null: an external measurement whose program names no model; its id is its own name. */
  model: nounId.nullable(),
  optimization: nounId,
  like: nounId,
  /** `both` sides have it; `new` only head; `removed` only base, which the gate calls `missing`. */
  presence: z.enum(['both', 'new', 'removed']),
  /** Id of the cell in base where that is another: what base's acceptances and baselines say of it holds of this cell. */
  renamedFrom: cellId.nullable(),
  /** Why it cannot be measured at all, else null. */
  skipped: notMeasured.nullable(),
  arms: z.array(plannedArm),
  /** `comparator:NAME` → head's variant that it serves, or null for the reference model. */
  comparators: z.record(z.string(), z.string().nullable()),
  /** Where one tuning launch comes before all others: whether that may run beside other launches; else null. */
  tunes: z.enum(['alone', 'shared']).nullable(),
  /** What the benchmark of the judging side was given. */
  options: jsonValue,
  points: z.array(operatingPoint),
  metrics: z.array(metricSpec),
  /** Ids of the metrics that the optimization is known by, the most telling first. */
  headline: z.array(z.string()),
  claims: z.array(claim),
});
export type PlannedCell = Immutable<z.infer<typeof plannedCell>>;

/** Until when something is accepted, the last day included, and why. */
const granted = { expires: z.iso.date(), reason: z.string().min(1) };

/** What base accepts: a bounded regression of one metric, or that a cell is given up. */
export const acceptance = z.discriminatedUnion('retire', [
  z.strictObject({ cell: cellId, retire: z.literal(false).optional(), metric: z.string(), bound: z.number(), ...granted }),
  z.strictObject({ cell: cellId, retire: z.literal(true), ...granted }),
]);
export type Acceptance = Immutable<z.infer<typeof acceptance>>;

/**
 * The rule's numbers, always base's. Looks and the last test spend alpha: their sum is the false-alarm budget of the whole pull request. Without
 * any look nothing is confirmed: such a run gives a first impression, and no timing metric a verdict.
 */
export const gatePolicy = z.strictObject({
  alpha: z.number().gt(0).lt(1),
  screen: z.int().positive(),
  /** `lastAlpha`: what the last test spends on metrics whose measuring ended at this look. */
  looks: z.array(
    z.strictObject({ launches: z.int().positive(), alpha: z.number().gt(0).lt(1), lastAlpha: z.number().nonnegative().lt(1) }),
  ),
  mustDetect: z.number().positive(),
  failOn: z.array(z.enum(['regressed', 'unmet', 'missing', 'failed', 'inconclusive'])),
  accepted: z.array(acceptance),
});
export type GatePolicy = Immutable<z.infer<typeof gatePolicy>>;

const modelRef = z.strictObject({
  id: nounId,
  /** Digest of the source files (card or manifest): names the reference artefact. */
  digest: sha256,
  /** Folder of the source files, relative to the head tree. */
  folder: z.string(),
});

export const plan = z.strictObject({
  schema: z.literal('optimization-gate/plan/1'),
  head: revision,
  /** The commit under review by the word of the host: head, or what head is a merge commit of. Null where the host names none. */
  reviewed: commitId.nullable(),
  /** Null: head is its own base, so there is nothing to compare and nothing to measure. */
  base: revision.nullable(),
  /** `change`: a pull request, a merge-queue group or a developer's tree; `default-branch`: a push to, or a scheduled run on, the default branch. */
  event: z.enum(['change', 'default-branch']),
  /** What the verdict is shown with: which base was taken in place of another one, and why. */
  warnings: z.array(z.string()),
  seed: z.int().nonnegative(),
  policy: gatePolicy,
  /** Head's edits of the policy: shown, in force only after the merge. */
  policyChanges: z.array(z.string()),
  runtime: runtimeSpec,
  /** `named`: versions of the library that base's files name and head's do not, and the other way round; `file`: the first of them. */
  baseRuntime: runtimeSpec
    .extend({ named: z.strictObject({ file: z.string(), base: z.string(), head: z.string() }).optional() })
    .nullable(),
  /**
   * Worker program in base's tree, which measures base's arm. Null: the running program measures all
   * arms, because base's own serves alike, or is not at hand.
   */
  baseWorker: z.string().nullable(),
  models: z.array(modelRef),
  builds: z.array(plannedBuild),
  cells: z.array(plannedCell),
  /** Variables that measured code sees besides the usual ones. */
  environment: z.array(z.string()),
  /** Whether Git LFS is asked for the files that are needed. */
  lfs: z.boolean(),
  /** Whether head's builds are made twice where no run has made them before. */
  buildTwice: z.boolean(),
  /** The users as which the code of the sides runs; null: the one that runs the gate. `baseUser` null: `user` for both. */
  isolation: z.strictObject({ user: z.string(), baseUser: z.string().nullable() }).nullable(),
  /** Folders that the commands of each side start in, below the root of the repository; '' for the root. */
  folders: z.strictObject({ head: z.string(), base: z.string() }),
  /** Run once in each side's checkout before its builds. */
  setup: z.strictObject({ head: z.string().nullable(), base: z.string().nullable() }),
  limits: z.strictObject({ seconds: z.number().positive(), memoryBytes: z.int().positive() }),
  budgetMinutes: z.number().positive().nullable(),
});
export type Plan = Immutable<z.infer<typeof plan>>;
