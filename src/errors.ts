/**
 * Every error that a user can meet: a code, the exit status it leads to and what to do about it.
 * `docs/errors.md` is generated from this table and checked against it.
 */
export const errorTable = {
  'usage-unknown-command': { exit: 2, remedy: 'Correct the command: `optimization-gate --help` lists them all.' },
  'usage-unknown-option': {
    exit: 2,
    remedy: 'Correct or remove it. docs/reference.md lists the inputs of the action, and `optimization-gate --help` the options.',
  },
  'usage-bad-value': { exit: 2, remedy: 'Correct the value of this input or option. docs/reference.md says what each of them takes.' },
  'inputs-refused': {
    exit: 2,
    remedy:
      'Give this input in the workflow as the base branch has it. To change it, merge the new workflow first, after a review (docs/security.md).',
  },
  'folder-refused': {
    exit: 2,
    remedy: 'Name a folder that is absent or empty, because the gate removes files in it. A folder that the gate made is used again.',
  },
  'node-too-old': {
    exit: 2,
    remedy:
      'Install Node 24 where the gate is installed, such as by `npm install --save-dev node@24`, and it is found. In a checkout of the gate, use `npm run gate`.',
  },
  'config-missing': {
    exit: 2,
    remedy: 'Create optimization-gate.yml in the working directory, or name another file with the input `config` (`--config`).',
  },
  'config-too-large': { exit: 2, remedy: 'Move data out of the configuration into files of its own.' },
  'config-syntax': { exit: 2, remedy: 'Correct the YAML at this place.' },
  'config-unknown-key': { exit: 2, remedy: 'Remove or rename the key. docs/configuration.md lists all keys.' },
  'config-invalid': { exit: 2, remedy: 'Correct the value at this place. docs/configuration.md says what each key takes.' },
  'acceptance-invalid': { exit: 2, remedy: 'Correct or remove this entry of baselines/accepted.json (docs/verdict.md).' },
  'optimization-unknown': {
    exit: 2,
    remedy: 'Use the id of a built-in optimization, or add `like:` with one to your own code (docs/configuration.md).',
  },
  'option-invalid': { exit: 2, remedy: 'Correct the option under `with:` or `like-with:` of the entry (docs/configuration.md).' },
  'model-unknown': {
    exit: 2,
    remedy: 'Use the name of a folder below models/ that holds a card.json, in your repository or in that of the gate.',
  },
  'model-missing': {
    exit: 2,
    remedy:
      'Let an earlier step of the job bring the model: check its submodule out (`submodules: true` of actions/checkout), mount its disk, or download it. A step that downloads must fail where it cannot.',
  },
  'model-invalid': { exit: 2, remedy: 'Restore the files of the model from version control, or export them again (models/README.md).' },
  'model-digest-mismatch': { exit: 2, remedy: 'Restore the file. If the change is meant, write its new sha256 into card.json.' },
  'init-file-exists': {
    exit: 2,
    remedy:
      'Move the file, then run `init` again. With `--force` it replaces files that are committed and unchanged, and `--dry-run` prints the new ones.',
  },
  'not-a-repository': { exit: 2, remedy: 'Add `actions/checkout` to the job before the gate, or run the command inside a git checkout.' },
  'base-not-found': {
    exit: 2,
    remedy: 'Set `fetch-depth: 0` of actions/checkout, or name a commit to compare with: input `base` (`--base`).',
  },
  'checkout-mismatch': {
    exit: 2,
    remedy:
      'Check out the commit of the event: give `ref:` of actions/checkout its commit id, or refs/pull/NUMBER/merge. A newer commit has a run of its own.',
  },
  'shallow-clone': {
    exit: 3,
    remedy:
      'Set `fetch-depth: 0` of actions/checkout. Or let git fetch during the run: give it the network and the credentials (`persist-credentials: true`).',
  },
  'objects-missing': {
    exit: 3,
    remedy:
      'Remove `filter:` from actions/checkout, or keep the credentials (`persist-credentials: true`) so that git can fetch the rest. Clone a damaged checkout anew.',
  },
  'base-unavailable': {
    exit: 3,
    remedy:
      'Run `git worktree add FOLDER COMMIT` for the base commit in this checkout, and remove what git complains of. Nothing was compared.',
  },
  'link-invalid': {
    exit: 2,
    remedy: 'Let the link lead to a file inside the repository by a relative path, or put the file in its place.',
  },
  'git-too-old': { exit: 2, remedy: 'Install a newer git on the runner, or put its folder first on PATH.' },
  'git-failed': { exit: 2, remedy: 'Correct what git complains of. The same git command, run by hand in the checkout, shows it again.' },
  'document-invalid': {
    exit: 2,
    remedy:
      'Run the step that writes this file again, and let nothing else write to it. Files of another version of the gate cannot be read.',
  },
  'document-too-large': {
    exit: 2,
    remedy: 'Look at what writes this file: the gate writes none of this size. Then run the step that makes it again.',
  },
  'run-mismatch': {
    exit: 2,
    remedy: 'Run `plan` and `measure` again for this commit, in a new run folder: input `run-dir` (`--run-dir`).',
  },
  'lfs-pointer': {
    exit: 2,
    remedy:
      'Set `lfs: true` in actions/checkout or in optimization-gate.yml, or run `git lfs pull`. Commit configuration and baselines without Git LFS.',
  },
  'submodule-missing': {
    exit: 3,
    remedy:
      'Set `submodules: true` and `fetch-depth: 0` in actions/checkout. For a submodule that the change removes, add `git clone --bare URL .git/modules/NAME` after it.',
  },
  'samples-contradictory': {
    exit: 2,
    remedy: 'Run `plan` and `measure` again in a new run folder: input `run-dir` (`--run-dir`). Look at what else writes to the samples.',
  },
  'inputs-leak': {
    exit: 2,
    remedy:
      'Install and compile the code of each side in `setup:`, in an environment of its own. Declare every file that it depends on under `inputs:`.',
  },
  'address-shared': {
    exit: 2,
    remedy:
      'Listen at port 0 and ask the system which port it gave, or keep the socket below TMPDIR, which each side has for itself. End every server with the program that starts it.',
  },
  'isolation-unavailable': {
    exit: 2,
    remedy: 'Run the command that the message names on the runner, or remove `isolation:` from the configuration of the base branch.',
  },
  'gate-in-project': {
    exit: 2,
    remedy: 'Install the gate in a folder of its own, outside of the repository, and run it from there: docs/install.md.',
  },
  'setup-failed': { exit: 2, remedy: 'Run the `setup:` command by hand in a clean checkout of that side, and correct it.' },
  'base-setup-failed': {
    exit: 3,
    remedy: 'Run the job again where the setup of base worked before. Otherwise correct `setup:` in a change of its own.',
  },
  'runtime-not-found': {
    exit: 2,
    remedy:
      'Run `optimization-gate runtime add cpu`. In a workflow, add the step that docs/install.md shows, and give its folder to the input `ort-path` (variable ORT_PATH).',
  },
  'runtime-not-added': {
    exit: 2,
    remedy:
      'Correct what the message names. Or give the runtime a folder of its own: input `ort-path` (`--ort-path`), as docs/install.md shows.',
  },
  'provider-unavailable': {
    exit: 2,
    remedy: 'Install on the runner what the provider needs, or choose another one: `runtime: provider` in the configuration.',
  },
  'onnx-malformed': { exit: 3, remedy: 'Export or build the ONNX file again.' },
  'onnx-external-data': {
    exit: 3,
    remedy: 'Keep the external data in complete, regular files beside the ONNX file, and export the model again.',
  },
  'onnx-unsupported': { exit: 3, remedy: 'Export the model in a form that can be used, or leave this optimization out for this model.' },
  'onnx-dangling-input': {
    exit: 3,
    remedy: 'Correct the exporter, or the code that rewrote the graph: each node may only read tensors that the graph has.',
  },
  'stages-mismatch': {
    exit: 3,
    remedy: 'Let these files agree on the tensor: one of them makes it, and all use the same type and shape.',
  },
  'build-failed': {
    exit: 3,
    remedy: 'Read the last output of the build, run its command by hand in a checkout of that side, and correct the code.',
  },
  'build-no-output': {
    exit: 3,
    remedy:
      'Let the build write its ONNX files into the folder that it is given, and end when they are complete. In a command, {output} names the file.',
  },
  'output-exists': {
    exit: 3,
    remedy: 'Write each file once, into the folder that the build is given. Existing files are never overwritten.',
  },
  'build-not-deterministic': { exit: 3, remedy: 'Fix the seed and the order of work, so that the same input gives the same bytes.' },
  'policy-not-deterministic': {
    exit: 3,
    remedy: 'Draw random numbers from the seed of the episode, and read no clock: the same observations must lead to the same actions.',
  },
  'build-ineffective': {
    exit: 3,
    remedy:
      'Lower the rank (`energy` or `rank-ratio`), or remove weights that no node reads any more. `like: model` judges a change that claims no compression.',
  },
  'subject-crashed': { exit: 3, remedy: 'Read its last output in the message, run the program by hand, and correct it.' },
  'subject-timeout': {
    exit: 3,
    remedy: 'Make the program faster, or raise `limits: seconds`. A limit counts once the base branch has it.',
  },
  'subject-memory': {
    exit: 3,
    remedy: 'Let the program use less memory, or raise `limits: memory`. A limit counts once the base branch has it.',
  },
  'subject-protocol': {
    exit: 3,
    remedy:
      'Answer each JSON line with one JSON line on standard output, as docs/plug-ins.md says. Print everything else to standard error.',
  },
  'launch-crashed': {
    exit: 3,
    remedy: 'Read the last output in the message. Run the job again where the code under test is not to blame.',
  },
  'launch-timeout': {
    exit: 3,
    remedy:
      'Raise `limits: seconds`, or measure less: fewer `rounds` or tokens under `points:`. A limit counts once the base branch has it.',
  },
  'launch-memory': { exit: 3, remedy: 'Raise `limits: memory`, or use a smaller model. A limit counts once the base branch has it.' },
  interrupted: { exit: 3, remedy: 'Run the job or command again: it goes on where it stopped.' },
  'session-failed': { exit: 3, remedy: 'Correct the ONNX file: ONNX Runtime says in the message why it cannot run it.' },
  'non-finite-output': { exit: 3, remedy: 'Keep all numbers of the model finite: look for an overflow of float16 or a division by zero.' },
  'untrained-reference': {
    exit: 3,
    remedy: 'Use a trained model: no quality can be judged on one that predicts text no better than chance.',
  },
  'store-locked': {
    exit: 3,
    remedy: 'Wait until the other job has ended, and run this one again. Remove the lock of a process that is dead.',
  },
  'store-corrupt': { exit: 3, remedy: 'Run the job again: the damaged files were removed and are made anew.' },
  'program-changed': {
    exit: 3,
    remedy:
      'Let the code under test and its `setup:` write elsewhere, and restore the program. It may lie in no folder that `setup:` installs anew (docs/install.md). `isolation:` prevents it (docs/security.md). A new hard link to its files is a change, too: let no package manager that links, such as pnpm, run beside the gate. Nothing that was measured counts.',
  },
  'base-changed': {
    exit: 3,
    remedy:
      'Let the code under test and its `setup:` write elsewhere. `isolation:` prevents it (docs/security.md). Nothing that was measured counts.',
  },
  'store-unwritable': { exit: 3, remedy: 'Let the user of this job write there, or move the store.' },
  'folder-unwritable': {
    exit: 3,
    remedy: 'Let the user of this job write there, or move the folder.',
  },
  'disk-full': {
    exit: 3,
    remedy: 'Free space on that disk, or let what fills it be written to another one. What was measured is kept.',
  },
  'github-permission': {
    exit: 3,
    remedy: 'Grant the job the permission that the message names. Where it can have none, as for a fork, read the job summary.',
  },
  'github-failed': { exit: 3, remedy: 'Run the job again. The verdict stands all the same, in the job summary.' },
  'baseline-invalid': {
    exit: 2,
    remedy: 'Restore the file below baselines/ from version control, or delete it: the next `update` begins a new one.',
  },
  'baseline-untrusted': {
    exit: 2,
    remedy:
      'Run `mode: update` for a push to the default branch, on a clean checkout of its commit. Pull requests and merge queues use `mode: run`.',
  },
  'baseline-conflict': { exit: 3, remedy: 'Run the job again: others wrote baselines at the same time.' },
  internal: { exit: 3, remedy: 'Report this as a defect of the gate, with the message and the run folder.' },
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

/** A message to which other sentences are added. */
export const asSentence = (message: string): string => (/[.!?]$/.test(message) ? message : `${message}.`);

/** Any thrown value as a coded error. A full disk is `disk-full`, wherever it shows; what else is not ours becomes `internal` and keeps its cause. */
export const asGateError = (thrown: unknown, code: ErrorCode = 'internal'): GateError => {
  if (thrown instanceof GateError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (!isDiskFull(thrown)) return new GateError(code, message, { cause: thrown });
  const what = 'path' in thrown && typeof thrown.path === 'string' ? thrown.path : 'A file';
  return new GateError('disk-full', `${what} was written. There is no room left on its disk, or a quota is used up.`, { cause: thrown });
};

const isDiskFull = (thrown: unknown): thrown is Error =>
  thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT');

/** `error[code] where: message` and the remedy on a line of its own. */
export const formatError = (error: GateError): string =>
  `error[${error.code}]${error.where === null ? '' : ` ${error.where}`}: ${error.message}\n  ${error.remedy}`;

const machineFaults: ReadonlySet<ErrorCode> = new Set([
  'runtime-not-found',
  'provider-unavailable',
  'setup-failed',
  'lfs-pointer',
  'submodule-missing',
  'objects-missing',
  'base-unavailable',
  'base-not-found',
  'shallow-clone',
  'git-failed',
  'disk-full',
  'store-unwritable',
  'folder-unwritable',
  'store-locked',
  'program-changed',
  'base-changed',
]);

/** Whether an error says something of the machine and what is installed on it, and nothing of the code that is judged. */
export const isInfrastructure = (code: string): boolean => (machineFaults as ReadonlySet<string>).has(code);

/** The code that a program of one's own gave its error; `otherwise` where that is none, or one of the machine, of which such a program cannot tell. */
export const codeSaid = (code: string | undefined, otherwise: ErrorCode): ErrorCode =>
  code !== undefined && Object.hasOwn(errorTable, code) && !isInfrastructure(code) ? (code as ErrorCode) : otherwise;
