/**
 * Every error that a user can meet: a code, the exit status it leads to and what to do about it.
 * `docs/errors.md` is generated from this table and checked against it.
 */
export const errorTable = {
  'usage-unknown-command': { exit: 2, remedy: 'Run `optimization-gate --help` for the list of commands.' },
  'usage-unknown-option': { exit: 2, remedy: 'Run `optimization-gate --help` for the list of options.' },
  'usage-bad-value': { exit: 2, remedy: 'Give the option a value of the kind that the message names.' },
  'folder-refused': {
    exit: 2,
    remedy: 'Name a folder that is absent or empty: the gate removes files there. It marks the folders that it made, and uses those again.',
  },
  'node-too-old': { exit: 2, remedy: 'Run the gate on Node 24 or newer (inside this repository: through `npm run`).' },
  'config-missing': { exit: 2, remedy: 'Create optimization-gate.yml at the repository root or name a file with --config.' },
  'config-too-large': { exit: 2, remedy: 'Keep data out of the configuration: it is at most 256 KiB of text.' },
  'config-syntax': { exit: 2, remedy: 'Correct the YAML at the place that the message names.' },
  'config-unknown-key': { exit: 2, remedy: 'Remove or rename the key; the message names the nearest known one.' },
  'config-invalid': { exit: 2, remedy: 'Correct the value at the place that the message names.' },
  'optimization-unknown': { exit: 2, remedy: 'Use a built-in id, or give the entry `like:` with one.' },
  'option-invalid': { exit: 2, remedy: 'Correct the option under `with:` or `like-with:`; the message names the allowed values.' },
  'model-unknown': {
    exit: 2,
    remedy: 'Use the id of a model: a folder below models/, of the repository or of the gate (`optimization-gate models` lists them).',
  },
  'model-invalid': {
    exit: 2,
    remedy: 'Restore the files of the model from version control. This version measures folders below models/ and no manifests.',
  },
  'model-digest-mismatch': { exit: 2, remedy: 'The file differs from its recorded sha256: restore it, or update the card with the file.' },
  'not-a-repository': { exit: 2, remedy: 'Run the gate inside a git checkout.' },
  'base-not-found': { exit: 2, remedy: 'Fetch the base branch (actions/checkout: fetch-depth: 0) or name a commit with --base (`base:`).' },
  'checkout-mismatch': {
    exit: 2,
    remedy:
      'Check out the commit that the event is about (actions/checkout: `ref:` with its commit id, or refs/pull/NUMBER/merge). For a newer commit, run the gate for its own event.',
  },
  'shallow-clone': { exit: 2, remedy: 'Check out with fetch-depth: 0, or let the gate deepen the clone by giving it network access.' },
  'link-invalid': {
    exit: 2,
    remedy: 'Let the link lead to a file inside the repository by a relative path, or put the file in its place.',
  },
  'git-too-old': {
    exit: 2,
    remedy: 'Install a newer git on the runner, or put one before it on PATH (`optimization-gate doctor` shows which one is used).',
  },
  'git-failed': { exit: 2, remedy: 'Read the message of git; run the same git command by hand.' },
  'document-invalid': { exit: 2, remedy: 'The file was not written by this version, or is damaged: run the phase that writes it again.' },
  'document-too-large': { exit: 2, remedy: 'The file is larger than any that the gate writes: check where it comes from.' },
  'run-mismatch': { exit: 2, remedy: 'The samples belong to another plan: use a fresh --run-dir or run `plan` again.' },
  'lfs-pointer': {
    exit: 2,
    remedy:
      'Fetch the file: `lfs: true` in the checkout step, `git lfs pull` by hand, or `lfs: true` in optimization-gate.yml. ' +
      'What the gate itself reads, such as a baseline, must be committed without Git LFS.',
  },
  'submodule-missing': {
    exit: 2,
    remedy:
      'Fetch the commit in the submodule (checkout step: `submodules: true`, `fetch-depth: 0`). ' +
      'One that the change removes is taken from .git/modules/NAME: `git clone --bare URL .git/modules/NAME` puts it there.',
  },
  'samples-contradictory': {
    exit: 2,
    remedy: 'No run of this version writes such samples: run `plan` and `measure` again with a fresh --run-dir.',
  },
  'inputs-leak': {
    exit: 2,
    remedy:
      'Install and compile the code of each side in `setup:`, in an environment of its own, and declare every file that it depends on under `inputs:`.',
  },
  'setup-failed': { exit: 2, remedy: 'Run the `setup:` command by hand in a clean checkout and correct it.' },
  'runtime-not-found': {
    exit: 2,
    remedy: 'Install onnxruntime-node beside the project, or set ort-path (ORT_PATH) to a folder that holds it.',
  },
  'provider-unavailable': {
    exit: 2,
    remedy: 'Install what the provider needs (see `optimization-gate doctor`) or choose another under runtime.provider.',
  },
  'onnx-malformed': { exit: 3, remedy: 'The file is not a readable ONNX model: export or build it again.' },
  'onnx-external-data': {
    exit: 3,
    remedy: 'External data must be regular files inside the folder of the model, at least as long as the graph says.',
  },
  'onnx-unsupported': { exit: 3, remedy: 'The graph uses something that this optimization cannot rewrite; the message names it.' },
  'onnx-dangling-input': { exit: 3, remedy: 'A node reads a tensor that nothing produces: correct the exporter or the rewrite.' },
  'stages-mismatch': {
    exit: 3,
    remedy: 'Make the stages agree on the tensor that the message names: its element type, its shape, who makes it.',
  },
  'build-failed': { exit: 3, remedy: 'Read the output of the optimization above; run its command by hand.' },
  'build-no-output': { exit: 3, remedy: 'The command must write the ONNX file that {output} names.' },
  'output-exists': { exit: 3, remedy: 'Write into an empty folder: a file that exists is never overwritten.' },
  'build-not-deterministic': { exit: 3, remedy: 'Fix the seed and the order of work: the same input must give the same bytes.' },
  'build-ineffective': { exit: 3, remedy: 'The claimed compression is not one: factors larger than the matrix. Lower the rank.' },
  'subject-crashed': { exit: 3, remedy: 'The optimization ended abnormally; its last output stands in the message.' },
  'subject-timeout': { exit: 3, remedy: 'Make the optimization faster, or raise limits.seconds, which counts once base has it.' },
  'subject-memory': { exit: 3, remedy: 'Make the optimization smaller, or raise limits.memory, which counts once base has it.' },
  'subject-protocol': {
    exit: 3,
    remedy: 'The subject must answer each JSON line with one JSON line; print everything else to standard error.',
  },
  'launch-crashed': { exit: 3, remedy: 'The measuring process ended abnormally; its last output stands in the message.' },
  'launch-timeout': { exit: 3, remedy: 'The model does not finish a point in time: shorten the point or raise limits.seconds.' },
  'launch-memory': { exit: 3, remedy: 'The model needs more memory than limits.memory allows.' },
  interrupted: { exit: 3, remedy: 'Run the same command again: what was measured is kept, and it goes on from there.' },
  'session-failed': { exit: 3, remedy: 'ONNX Runtime refused the graph; its message follows.' },
  'non-finite-output': { exit: 3, remedy: 'The optimized model produces NaN or infinite numbers.' },
  'untrained-reference': {
    exit: 3,
    remedy: 'Use a trained model: this one knows no language (perplexity near its vocabulary size), so no quality can be judged on it.',
  },
  'store-locked': { exit: 3, remedy: 'Another job holds the lock; wait for it, or remove the lock of a dead process.' },
  'store-corrupt': { exit: 3, remedy: 'A stored file no longer has its digest and was removed: run again.' },
  'disk-full': { exit: 3, remedy: 'Free disk space, or put the store on a larger disk with --store.' },
  'github-permission': {
    exit: 3,
    remedy: 'Grant the workflow the permission that the message names; where it may have none, as for a fork, read the job summary.',
  },
  'github-failed': { exit: 3, remedy: 'GitHub answered with an error; the verdict stands and is in the job summary.' },
  'baseline-invalid': { exit: 2, remedy: 'Restore the file under baselines/ from version control, or delete it to start anew.' },
  'baseline-untrusted': {
    exit: 2,
    remedy: 'Run `update` on the default branch after the merge; for a pull request and in a merge queue use `run`.',
  },
  'baseline-conflict': { exit: 3, remedy: 'Baselines changed while they were written; run `update` again.' },
  internal: { exit: 3, remedy: 'This is a defect of the gate: please report it with the message and the run folder.' },
} as const satisfies Record<string, { readonly exit: 2 | 3; readonly remedy: string }>;

export type ErrorCode = keyof typeof errorTable;

/** A coded, readable error: what went wrong, where, and (from the table) what to do. */
export class GateError extends Error {
  readonly code: ErrorCode;
  readonly where: string | null;
  /** A process ended before its first answer: it may be started once more. */
  readonly starting: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly where?: string; readonly cause?: unknown; readonly starting?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GateError';
    this.code = code;
    this.where = options.where ?? null;
    this.starting = options.starting ?? false;
  }

  get remedy(): string {
    return errorTable[this.code].remedy;
  }

  get exitCode(): 2 | 3 {
    return errorTable[this.code].exit;
  }
}

/** Any thrown value as a coded error; what is not ours becomes `internal` and keeps its cause. */
export const asGateError = (thrown: unknown, code: ErrorCode = 'internal'): GateError =>
  thrown instanceof GateError ? thrown : new GateError(code, thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });

/** `error[code] where: message` and the remedy on a line of its own. */
export const formatError = (error: GateError): string =>
  `error[${error.code}]${error.where === null ? '' : ` ${error.where}`}: ${error.message}\n  ${error.remedy}`;
