import type { ErrorCode } from '../../src/errors.ts';

/**
 * What `doctor` makes of each error: the check that finds it, or why none can. `check`: what a run refuses before it measures, so
 * `doctor` must find it. `args`: `doctor` itself ends with it. `runs`: only code under test, or a measurement, shows it. `elsewhere`: another
 * command or the host has it.
 */
type Finding =
  | {
      readonly check:
        | 'git'
        | 'configuration'
        | 'runtime'
        | 'provider'
        | 'model'
        | 'store'
        | 'run folder'
        | 'plan'
        | 'base tree'
        | 'program'
        | 'isolation';
    }
  | { readonly args: string }
  | { readonly runs: string }
  | { readonly elsewhere: string };

export const doctorCodes = {
  'usage-unknown-command': { args: 'the command line is read first' },
  'usage-unknown-option': { args: 'the command line is read first' },
  'usage-bad-value': { args: 'the command line is read first' },
  'folder-refused': { check: 'run folder' },
  'node-too-old': { args: 'asked before any command that measures' },
  'config-missing': { check: 'configuration' },
  'config-too-large': { check: 'configuration' },
  'config-syntax': { check: 'configuration' },
  'config-unknown-key': { check: 'configuration' },
  'config-invalid': { check: 'configuration' },
  'optimization-unknown': { check: 'plan' },
  'option-invalid': { check: 'plan' },
  'model-unknown': { check: 'plan' },
  'model-missing': { check: 'plan' },
  'model-invalid': { check: 'model' },
  'model-digest-mismatch': { check: 'model' },
  'init-file-exists': { elsewhere: '`init` writes files' },
  'not-a-repository': { check: 'git' },
  'base-not-found': { check: 'git' },
  'checkout-mismatch': { elsewhere: 'a host compares the checkout with its event; doctor has no event' },
  'shallow-clone': { check: 'git' },
  'link-invalid': { check: 'configuration' },
  'git-too-old': { check: 'git' },
  'git-failed': { check: 'git' },
  'document-invalid': { elsewhere: 'a phase that reads files of another run' },
  'document-too-large': { check: 'plan' },
  'run-mismatch': { elsewhere: 'a phase that reads files of another run' },
  'lfs-pointer': { check: 'configuration' },
  'submodule-missing': { check: 'base tree' },
  'samples-contradictory': { elsewhere: 'a phase that reads files of another run' },
  'acceptance-invalid': { check: 'plan' },
  'inputs-refused': { elsewhere: 'a host compares its workflow with that of base; doctor has no event' },
  'objects-missing': { check: 'base tree' },
  'base-unavailable': { check: 'base tree' },
  'isolation-unavailable': { check: 'isolation' },
  'address-shared': { runs: 'the programs of both sides are started' },
  'policy-not-deterministic': { runs: 'an episode is played twice' },
  'program-changed': { runs: 'code under test writes to the program' },
  'base-changed': { runs: "code under test writes to base's tree" },
  'store-unwritable': { check: 'store' },
  'folder-unwritable': { check: 'run folder' },
  'inputs-leak': { runs: 'what the setup of both sides installs is compared' },
  'setup-failed': { check: 'program' },
  'base-setup-failed': { runs: 'the setup of base is run' },
  'runtime-not-found': { check: 'runtime' },
  'runtime-not-added': { elsewhere: '`runtime add` has it' },
  'provider-unavailable': { check: 'provider' },
  'onnx-malformed': { runs: 'graphs are opened when they are built or measured' },
  'onnx-external-data': { runs: 'graphs are opened when they are built or measured' },
  'onnx-unsupported': { runs: 'graphs are opened when they are built or measured' },
  'onnx-dangling-input': { runs: 'graphs are opened when they are built or measured' },
  'stages-mismatch': { runs: 'graphs are opened when they are built or measured' },
  'build-failed': { check: 'program' },
  'build-no-output': { runs: 'the build makes nothing' },
  'output-exists': { runs: 'a build writes it' },
  'build-not-deterministic': { runs: 'two builds are compared' },
  'build-ineffective': { runs: 'a build shows it' },
  'subject-crashed': { check: 'program' },
  'subject-timeout': { runs: 'code under test is too slow' },
  'subject-memory': { runs: 'code under test is too large' },
  'subject-protocol': { runs: 'code under test answers' },
  'launch-crashed': { runs: 'a launch ends' },
  'launch-timeout': { runs: 'a launch ends' },
  'launch-memory': { runs: 'a launch ends' },
  interrupted: { runs: 'somebody stops it' },
  'session-failed': { runs: 'the library opens a graph' },
  'non-finite-output': { runs: 'a graph calculates' },
  'untrained-reference': { runs: 'quality is measured' },
  'store-locked': { runs: 'another job holds a lock at that moment, and is waited for' },
  'store-corrupt': { runs: 'an artefact is read when it is used, and removed' },
  'disk-full': { runs: 'a disk fills up: doctor tells what is free' },
  'github-permission': { elsewhere: 'GitHub says so when something is published' },
  'github-failed': { elsewhere: 'GitHub says so when something is published' },
  'gate-in-project': { check: 'plan' },
  'baseline-invalid': { check: 'plan' },
  'baseline-untrusted': { elsewhere: '`update` is refused by the event' },
  'baseline-conflict': { elsewhere: '`update` writes' },
  internal: { runs: 'a defect' },
} as const satisfies Record<ErrorCode, Finding>;

/** The codes for which `doctor` has a check. */
export const checkedCodes = Object.entries(doctorCodes).flatMap(([code, finding]) =>
  'check' in finding ? [{ code: code as ErrorCode, check: finding.check }] : [],
);
