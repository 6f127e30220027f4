import { type JobFault, testIn } from './job-fault.ts';

const mistakes = testIn('acceptance/policy-mistakes.test.ts');
const broken = testIn('acceptance/broken-baselines.test.ts');

const reported = { promise: 'broken-file', source: 'reported' } as const;
const neighbour = { promise: 'broken-file', source: 'neighbour' } as const;

const everyone = 'after the merge every run exits 2, `update` and the repair too';
const contained =
  'its own pull request ends with exit 2 and the file in the comment; then `update` passes, other changes are judged with a warning in the comment, and the repair passes';
const mistake = (title: string): JobFault['shownBy'] =>
  mistakes(`fails its own pull request, and once it is merged blocks neither \`update\`, nor others, nor the repair: ${title}`);

/** Files of the repository that say how is judged, and are broken. */
export const faults: readonly JobFault[] = [
  {
    ...reported,
    what: 'a broken file below `baselines/`, of another class of runners',
    before: 'stops every pull request, `update`, and the repair',
    now: contained,
    shownBy: mistake('a baseline that is none'),
  },
  {
    ...neighbour,
    what: 'a broken file below `baselines/`, of the class of this runner',
    before: 'stops every pull request, `update`, and the repair',
    now: 'the next update passes, and writes the file anew with what it measured',
    shownBy: mistakes('a broken baseline of this class of runners is written anew by the next update'),
  },
  {
    ...reported,
    what: 'a broken `accepted.json`',
    before: 'stops every pull request, `update`, and the repair',
    now: contained,
    shownBy: mistake('acceptances that are no JSON'),
  },
  {
    ...neighbour,
    what: 'two files are broken, and a pull request repairs one of them and breaks it otherwise',
    before: 'no way out',
    now: 'exit 2 for the file that it leaves broken in another way; exit 0 where it repairs both',
    shownBy: broken('stop the pull request that breaks one of them, and no other'),
  },
  {
    ...reported,
    what: '`gate.tolerance` of a metric that is not, `latncy`',
    before: `its own pull request passes; ${everyone}`,
    now: contained,
    shownBy: mistake('a tolerance of no metric'),
  },
  {
    ...reported,
    what: '`limits.seconds` with a unit of memory',
    before: everyone,
    now: contained,
    shownBy: mistake('a limit of a wrong unit'),
  },
  {
    ...reported,
    what: 'an acceptance of a cell that is not',
    before: `its own pull request passes; ${everyone}`,
    now: contained,
    shownBy: mistake('an acceptance of no cell'),
  },
  {
    ...neighbour,
    what: 'a configuration that is no YAML',
    before: everyone,
    now: `${contained}; a repair with worse code is regressed`,
    shownBy: mistake('a configuration that is no YAML'),
  },
];
