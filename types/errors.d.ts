/**
 * Every error that a user can meet: a code, the exit status it leads to and what to do about it.
 * `docs/errors.md` is generated from this table and checked against it.
 */
export declare const errorTable: {
    readonly 'usage-unknown-command': {
        readonly exit: 2;
        readonly remedy: 'Correct the command: `optimization-gate --help` lists them all.';
    };
    readonly 'usage-unknown-option': {
        readonly exit: 2;
        readonly remedy: 'Correct or remove it. docs/reference.md lists the inputs of the action, and `optimization-gate --help` the options.';
    };
    readonly 'usage-bad-value': {
        readonly exit: 2;
        readonly remedy: 'Correct the value of this input or option. docs/reference.md says what each of them takes.';
    };
    readonly 'inputs-refused': {
        readonly exit: 2;
        readonly remedy: 'Give this input in the workflow as the base branch has it. To change it, merge the new workflow first, after a review (docs/security.md).';
    };
    readonly 'folder-refused': {
        readonly exit: 2;
        readonly remedy: 'Name a folder that is absent or empty, because the gate removes files in it. A folder that the gate made is used again.';
    };
    readonly 'node-too-old': {
        readonly exit: 2;
        readonly remedy: 'Install Node 24 where the gate is installed, such as by `npm install --save-dev node@24`, and it is found. In a checkout of the gate, use `npm run gate`.';
    };
    readonly 'config-missing': {
        readonly exit: 2;
        readonly remedy: 'Create optimization-gate.yml in the working directory, or name another file with the input `config` (`--config`).';
    };
    readonly 'config-too-large': {
        readonly exit: 2;
        readonly remedy: 'Move data out of the configuration into files of its own.';
    };
    readonly 'config-syntax': {
        readonly exit: 2;
        readonly remedy: 'Correct the YAML at this place.';
    };
    readonly 'config-unknown-key': {
        readonly exit: 2;
        readonly remedy: 'Remove or rename the key. docs/configuration.md lists all keys.';
    };
    readonly 'config-invalid': {
        readonly exit: 2;
        readonly remedy: 'Correct the value at this place. docs/configuration.md says what each key takes.';
    };
    readonly 'acceptance-invalid': {
        readonly exit: 2;
        readonly remedy: 'Correct or remove this entry of baselines/accepted.json (docs/verdict.md).';
    };
    readonly 'optimization-unknown': {
        readonly exit: 2;
        readonly remedy: 'Use the id of a built-in optimization, or add `like:` with one to your own code (docs/configuration.md).';
    };
    readonly 'option-invalid': {
        readonly exit: 2;
        readonly remedy: 'Correct the option under `with:` or `like-with:` of the entry (docs/configuration.md).';
    };
    readonly 'model-unknown': {
        readonly exit: 2;
        readonly remedy: 'Use the name of a folder below models/ that holds a card.json, in your repository or in that of the gate.';
    };
    readonly 'model-missing': {
        readonly exit: 2;
        readonly remedy: 'Let an earlier step of the job bring the model: check its submodule out (`submodules: true` of actions/checkout), mount its disk, or download it. A step that downloads must fail where it cannot.';
    };
    readonly 'model-invalid': {
        readonly exit: 2;
        readonly remedy: 'Restore the files of the model from version control, or export them again (models/README.md).';
    };
    readonly 'model-digest-mismatch': {
        readonly exit: 2;
        readonly remedy: 'Restore the file. If the change is meant, write its new sha256 into card.json.';
    };
    readonly 'init-file-exists': {
        readonly exit: 2;
        readonly remedy: 'Move the file, then run `init` again. With `--force` it replaces files that are committed and unchanged, and `--dry-run` prints the new ones.';
    };
    readonly 'not-a-repository': {
        readonly exit: 2;
        readonly remedy: 'Add `actions/checkout` to the job before the gate, or run the command inside a git checkout.';
    };
    readonly 'base-not-found': {
        readonly exit: 2;
        readonly remedy: 'Set `fetch-depth: 0` of actions/checkout, or name a commit to compare with: input `base` (`--base`).';
    };
    readonly 'checkout-mismatch': {
        readonly exit: 2;
        readonly remedy: 'Check out the commit of the event: give `ref:` of actions/checkout its commit id, or refs/pull/NUMBER/merge. A newer commit has a run of its own.';
    };
    readonly 'shallow-clone': {
        readonly exit: 3;
        readonly remedy: 'Set `fetch-depth: 0` of actions/checkout. Or let git fetch during the run: give it the network and the credentials (`persist-credentials: true`).';
    };
    readonly 'objects-missing': {
        readonly exit: 3;
        readonly remedy: 'Remove `filter:` from actions/checkout, or keep the credentials (`persist-credentials: true`) so that git can fetch the rest. Clone a damaged checkout anew.';
    };
    readonly 'base-unavailable': {
        readonly exit: 3;
        readonly remedy: 'Run `git worktree add FOLDER COMMIT` for the base commit in this checkout, and remove what git complains of. Nothing was compared.';
    };
    readonly 'link-invalid': {
        readonly exit: 2;
        readonly remedy: 'Let the link lead to a file inside the repository by a relative path, or put the file in its place.';
    };
    readonly 'git-too-old': {
        readonly exit: 2;
        readonly remedy: 'Install a newer git on the runner, or put its folder first on PATH.';
    };
    readonly 'git-failed': {
        readonly exit: 2;
        readonly remedy: 'Correct what git complains of. The same git command, run by hand in the checkout, shows it again.';
    };
    readonly 'document-invalid': {
        readonly exit: 2;
        readonly remedy: 'Run the step that writes this file again, and let nothing else write to it. Files of another version of the gate cannot be read.';
    };
    readonly 'document-too-large': {
        readonly exit: 2;
        readonly remedy: 'Look at what writes this file: the gate writes none of this size. Then run the step that makes it again.';
    };
    readonly 'run-mismatch': {
        readonly exit: 2;
        readonly remedy: 'Run `plan` and `measure` again for this commit, in a new run folder: input `run-dir` (`--run-dir`).';
    };
    readonly 'lfs-pointer': {
        readonly exit: 2;
        readonly remedy: 'Set `lfs: true` in actions/checkout or in optimization-gate.yml, or run `git lfs pull`. Commit configuration and baselines without Git LFS.';
    };
    readonly 'submodule-missing': {
        readonly exit: 3;
        readonly remedy: 'Set `submodules: true` and `fetch-depth: 0` in actions/checkout. For a submodule that the change removes, add `git clone --bare URL .git/modules/NAME` after it.';
    };
    readonly 'samples-contradictory': {
        readonly exit: 2;
        readonly remedy: 'Run `plan` and `measure` again in a new run folder: input `run-dir` (`--run-dir`). Look at what else writes to the samples.';
    };
    readonly 'inputs-leak': {
        readonly exit: 2;
        readonly remedy: 'Install and compile the code of each side in `setup:`, in an environment of its own. Declare every file that it depends on under `inputs:`.';
    };
    readonly 'address-shared': {
        readonly exit: 2;
        readonly remedy: 'Listen at port 0 and ask the system which port it gave, or keep the socket below TMPDIR, which each side has for itself. End every server with the program that starts it.';
    };
    readonly 'isolation-unavailable': {
        readonly exit: 2;
        readonly remedy: 'Run the command that the message names on the runner, or remove `isolation:` from the configuration of the base branch.';
    };
    readonly 'gate-in-project': {
        readonly exit: 2;
        readonly remedy: 'Install the gate in a folder of its own, outside of the repository, and run it from there: docs/install.md.';
    };
    readonly 'setup-failed': {
        readonly exit: 2;
        readonly remedy: 'Run the `setup:` command by hand in a clean checkout of that side, and correct it.';
    };
    readonly 'base-setup-failed': {
        readonly exit: 3;
        readonly remedy: 'Run the job again where the setup of base worked before. Otherwise correct `setup:` in a change of its own.';
    };
    readonly 'runtime-not-found': {
        readonly exit: 2;
        readonly remedy: 'Run `optimization-gate runtime add cpu`. In a workflow, add the step that docs/install.md shows, and give its folder to the input `ort-path` (variable ORT_PATH).';
    };
    readonly 'runtime-not-added': {
        readonly exit: 2;
        readonly remedy: 'Correct what the message names. Or give the runtime a folder of its own: input `ort-path` (`--ort-path`), as docs/install.md shows.';
    };
    readonly 'provider-unavailable': {
        readonly exit: 2;
        readonly remedy: 'Install on the runner what the provider needs, or choose another one: `runtime: provider` in the configuration.';
    };
    readonly 'onnx-malformed': {
        readonly exit: 3;
        readonly remedy: 'Export or build the ONNX file again.';
    };
    readonly 'onnx-external-data': {
        readonly exit: 3;
        readonly remedy: 'Keep the external data in complete, regular files beside the ONNX file, and export the model again.';
    };
    readonly 'onnx-unsupported': {
        readonly exit: 3;
        readonly remedy: 'Export the model in a form that can be used, or leave this optimization out for this model.';
    };
    readonly 'onnx-dangling-input': {
        readonly exit: 3;
        readonly remedy: 'Correct the exporter, or the code that rewrote the graph: each node may only read tensors that the graph has.';
    };
    readonly 'stages-mismatch': {
        readonly exit: 3;
        readonly remedy: 'Let these files agree on the tensor: one of them makes it, and all use the same type and shape.';
    };
    readonly 'build-failed': {
        readonly exit: 3;
        readonly remedy: 'Read the last output of the build, run its command by hand in a checkout of that side, and correct the code.';
    };
    readonly 'build-no-output': {
        readonly exit: 3;
        readonly remedy: 'Let the build write its ONNX files into the folder that it is given, and end when they are complete. In a command, {output} names the file.';
    };
    readonly 'output-exists': {
        readonly exit: 3;
        readonly remedy: 'Write each file once, into the folder that the build is given. Existing files are never overwritten.';
    };
    readonly 'build-not-deterministic': {
        readonly exit: 3;
        readonly remedy: 'Fix the seed and the order of work, so that the same input gives the same bytes.';
    };
    readonly 'policy-not-deterministic': {
        readonly exit: 3;
        readonly remedy: 'Draw random numbers from the seed of the episode, and read no clock: the same observations must lead to the same actions.';
    };
    readonly 'build-ineffective': {
        readonly exit: 3;
        readonly remedy: 'Lower the rank (`energy` or `rank-ratio`), or remove weights that no node reads any more. `like: model` judges a change that claims no compression.';
    };
    readonly 'subject-crashed': {
        readonly exit: 3;
        readonly remedy: 'Read its last output in the message, run the program by hand, and correct it.';
    };
    readonly 'subject-timeout': {
        readonly exit: 3;
        readonly remedy: 'Make the program faster, or raise `limits: seconds`. A limit counts once the base branch has it.';
    };
    readonly 'subject-memory': {
        readonly exit: 3;
        readonly remedy: 'Let the program use less memory, or raise `limits: memory`. A limit counts once the base branch has it.';
    };
    readonly 'subject-protocol': {
        readonly exit: 3;
        readonly remedy: 'Answer each JSON line with one JSON line on standard output, as docs/plug-ins.md says. Print everything else to standard error.';
    };
    readonly 'launch-crashed': {
        readonly exit: 3;
        readonly remedy: 'Read the last output in the message. Run the job again where the code under test is not to blame.';
    };
    readonly 'launch-timeout': {
        readonly exit: 3;
        readonly remedy: 'Raise `limits: seconds`, or measure less: fewer `rounds` or tokens under `points:`. A limit counts once the base branch has it.';
    };
    readonly 'launch-memory': {
        readonly exit: 3;
        readonly remedy: 'Raise `limits: memory`, or use a smaller model. A limit counts once the base branch has it.';
    };
    readonly interrupted: {
        readonly exit: 3;
        readonly remedy: 'Run the job or command again: it goes on where it stopped.';
    };
    readonly 'session-failed': {
        readonly exit: 3;
        readonly remedy: 'Correct the ONNX file: ONNX Runtime says in the message why it cannot run it.';
    };
    readonly 'non-finite-output': {
        readonly exit: 3;
        readonly remedy: 'Keep all numbers of the model finite: look for an overflow of float16 or a division by zero.';
    };
    readonly 'untrained-reference': {
        readonly exit: 3;
        readonly remedy: 'Use a trained model: no quality can be judged on one that predicts text no better than chance.';
    };
    readonly 'store-locked': {
        readonly exit: 3;
        readonly remedy: 'Wait until the other job has ended, and run this one again. Remove the lock of a process that is dead.';
    };
    readonly 'store-corrupt': {
        readonly exit: 3;
        readonly remedy: 'Run the job again: the damaged files were removed and are made anew.';
    };
    readonly 'program-changed': {
        readonly exit: 3;
        readonly remedy: 'Let the code under test and its `setup:` write elsewhere, and restore the program. It may lie in no folder that `setup:` installs anew (docs/install.md). `isolation:` prevents it (docs/security.md). A new hard link to its files is a change, too: let no package manager that links, such as pnpm, run beside the gate. Nothing that was measured counts.';
    };
    readonly 'base-changed': {
        readonly exit: 3;
        readonly remedy: 'Let the code under test and its `setup:` write elsewhere. `isolation:` prevents it (docs/security.md). Nothing that was measured counts.';
    };
    readonly 'store-unwritable': {
        readonly exit: 3;
        readonly remedy: 'Let the user of this job write there, or move the store.';
    };
    readonly 'folder-unwritable': {
        readonly exit: 3;
        readonly remedy: 'Let the user of this job write there, or move the folder.';
    };
    readonly 'disk-full': {
        readonly exit: 3;
        readonly remedy: 'Free space on that disk, or let what fills it be written to another one. What was measured is kept.';
    };
    readonly 'github-permission': {
        readonly exit: 3;
        readonly remedy: 'Grant the job the permission that the message names. Where it can have none, as for a fork, read the job summary.';
    };
    readonly 'github-failed': {
        readonly exit: 3;
        readonly remedy: 'Run the job again. The verdict stands all the same, in the job summary.';
    };
    readonly 'baseline-invalid': {
        readonly exit: 2;
        readonly remedy: 'Restore the file below baselines/ from version control, or delete it: the next `update` begins a new one.';
    };
    readonly 'baseline-untrusted': {
        readonly exit: 2;
        readonly remedy: 'Run `mode: update` for a push to the default branch, on a clean checkout of its commit. Pull requests and merge queues use `mode: run`.';
    };
    readonly 'baseline-conflict': {
        readonly exit: 3;
        readonly remedy: 'Run the job again: others wrote baselines at the same time.';
    };
    readonly internal: {
        readonly exit: 3;
        readonly remedy: 'Report this as a defect of the gate, with the message and the run folder.';
    };
};
export type ErrorCode = keyof typeof errorTable;
/** A coded, readable error: what went wrong, where, and (from the table) what to do. */
export declare class GateError extends Error {
    readonly code: ErrorCode;
    readonly where: string | null;
    /** A process ended before its first answer: it may be started once more. */
    readonly starting: boolean;
    constructor(code: ErrorCode, message: string, options?: {
        readonly where?: string;
        readonly cause?: unknown;
        readonly starting?: boolean;
    });
    get remedy(): string;
    get exitCode(): 2 | 3;
}
/** A message to which other sentences are added. */
export declare const asSentence: (message: string) => string;
/** Any thrown value as a coded error. A full disk is `disk-full`, wherever it shows; what else is not ours becomes `internal` and keeps its cause. */
export declare const asGateError: (thrown: unknown, code?: ErrorCode) => GateError;
/** `error[code] where: message` and the remedy on a line of its own. */
export declare const formatError: (error: GateError) => string;
/** Whether an error says something of the machine and what is installed on it, and nothing of the code that is judged. */
export declare const isInfrastructure: (code: string) => boolean;
/** The code that a program of one's own gave its error; `otherwise` where that is none, or one of the machine, of which such a program cannot tell. */
export declare const codeSaid: (code: string | undefined, otherwise: ErrorCode) => ErrorCode;
