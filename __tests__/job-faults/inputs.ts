import { type JobFault, testIn } from './job-fault.ts';

const workflowInputs = testIn('acceptance/workflow-inputs.test.ts');

const inForce = "base's value is in force, and a warning names both";
const neighbour = { promise: 'own-inputs', source: 'neighbour' } as const;

/** What a change does to the inputs of the action in its own workflow. */
export const faults: readonly JobFault[] = [
  {
    promise: 'own-inputs',
    source: 'reported',
    what: 'a worse change takes `fail-on: missing`, `quick` and `set` in its own workflow',
    before: 'exit 0: the change chose what fails it',
    now: 'exit 1, `regressed`; the comment names each input with both values',
    shownBy: workflowInputs('fails as base has it, and its comment says so'),
  },
  ...(
    [
      ['takes itself as `base`', 'base', 'exit 0: it was compared with itself'],
      ['drops an optimization by `optimizations`', 'optimizations', 'exit 0: what is worse was not measured'],
      ['names another `config`', 'config', 'exit 0: what is worse was not measured'],
      ['sets an option of the code under test by `set`', 'set', 'exit 0: other options were measured'],
    ] as const
  ).map(
    ([what, name, before]): JobFault => ({
      promise: 'own-inputs',
      source: 'reported',
      what: `a change ${what} in its own workflow`,
      before,
      now: inForce,
      shownBy: workflowInputs(`are those of base: ${name}`),
    }),
  ),
  ...(['seed', 'working-directory'] as const).map(
    (name): JobFault => ({
      ...neighbour,
      what: `a change sets \`${name}\` in its own workflow`,
      before: 'its own value decided',
      now: inForce,
      shownBy: workflowInputs(`are those of base: ${name}`),
    }),
  ),
  {
    ...neighbour,
    what: 'a change takes an input of base away, or sets another `mode`',
    before: 'its own value decided',
    now: inForce,
    shownBy: workflowInputs('are those of base where one is taken away, and of the mode'),
  },
  {
    ...neighbour,
    what: "a change lets base's expression give another value",
    before: 'its own value decided',
    now: 'exit 2, inputs-refused, `error` in outputs',
    shownBy: workflowInputs('are compared as text where they are computed'),
  },
  {
    ...neighbour,
    what: 'a change takes the place of the job that runs the gate by another job',
    before: 'its own values decided',
    now: "base's values are in force",
    shownBy: workflowInputs('hold in a job that the change adds beside those of base, unless it takes the place of one'),
  },
  {
    ...neighbour,
    what: 'a change loosens tolerances in the configuration, and edits stored baselines',
    before: 'exit 0: the change chose its tolerance',
    now: "exit 1, `regressed`; base's rules are in force, and the comment names each edit",
    shownBy: {
      file: 'acceptance/pull-request.test.ts',
      title: 'judges by the rules of base while the pull request loosens them and edits baselines',
    },
  },
];
