import { type JobFault, testIn } from './job-fault.ts';

const unavailable = testIn('acceptance/unavailable-base.test.ts');
const accepted = testIn('acceptance/job-repositories.test.ts');
const cache = testIn('acceptance/cache.test.ts');
const doctor = testIn('acceptance/doctor.test.ts');
const commands = testIn('repository/git-commands.test.ts');

const green = { promise: 'unavailable-base', before: 'inconclusive, exit 0 on worse code' } as const;
const refused = { promise: 'accepted-repository', before: 'exit 2, although git accepts it' } as const;
const refusal = (code: string, remedy: string): string =>
  `exit 3, \`error\` in outputs, ${code} with ${remedy} in comment, summary and log`;
const error = (code: string, remedy: string): string => `${refusal(code, remedy)}; regressed where base can be had`;
const judged = 'exit 1, `regressed` in outputs and comment; without it the error says what is missing';

/** How a repository is checked out, and what git makes of it. */
export const faults: readonly JobFault[] = [
  {
    ...green,
    source: 'reported',
    what: 'a partial clone without blobs and without credentials',
    now: error('objects-missing', '`persist-credentials`'),
    shownBy: unavailable('a partial clone without blobs and without credentials'),
  },
  {
    ...green,
    source: 'neighbour',
    what: 'a partial clone without trees and without credentials',
    now: error('objects-missing', '`persist-credentials`'),
    shownBy: unavailable('a partial clone without trees and without credentials'),
  },
  {
    ...green,
    source: 'neighbour',
    what: 'a partial clone without credentials, of which only built-ins are measured',
    now: refusal('objects-missing', '`persist-credentials`'),
    shownBy: unavailable('a partial clone without blobs and without credentials, for built-ins alone'),
  },
  {
    ...green,
    source: 'reported',
    what: 'a change moves a submodule to a new commit, and the one that base pins cannot be fetched',
    now: error('submodule-missing', '`fetch-depth: 0`'),
    shownBy: unavailable("a submodule's new commit, of which base pins the old one"),
  },
  {
    ...green,
    source: 'neighbour',
    what: 'a shallow clone that cannot be deepened',
    now: error('shallow-clone', '`fetch-depth: 0`'),
    shownBy: unavailable('a shallow clone that cannot be deepened'),
  },
  {
    ...green,
    source: 'neighbour',
    what: 'a clone lost an object of base',
    now: error('objects-missing', 'the ways to get it'),
    shownBy: unavailable('a clone that lost an object'),
  },
  {
    ...green,
    source: 'neighbour',
    what: "git cannot lay out base's tree",
    now: error('base-unavailable', 'the command to try'),
    shownBy: unavailable('a tree that git does not lay out'),
  },
  ...(
    [
      ['reported', '`GIT_CONFIG_COUNT` leads to the server of base', 'settings in GIT_CONFIG_COUNT'],
      ['neighbour', '`GIT_CONFIG_GLOBAL` leads to the server of base', 'a file in GIT_CONFIG_GLOBAL'],
      ['reported', 'a checkout of another user, named by `safe.directory`', 'a checkout of another user that safe.directory names'],
      [
        'reported',
        'credentials of the checkout action, releases 2 to 5',
        'credentials as releases 2 to 5 of the checkout action leave them: a header in .git/config',
      ],
      [
        'reported',
        'credentials of the checkout action, release 6',
        'credentials as release 6 leaves them: a file that .git/config includes',
      ],
      ['neighbour', 'credentials in the environment', 'credentials in the environment, where a step put them'],
    ] as const
  ).map(
    ([source, what, title]): JobFault => ({
      ...refused,
      source,
      what,
      now: judged,
      shownBy: accepted(`is judged where git is given ${title}`),
    }),
  ),
  {
    ...refused,
    source: 'reported',
    what: 'a partial clone that may fetch what it lacks',
    now: 'exit 1, `regressed` in outputs and comment',
    shownBy: unavailable('a partial clone without blobs and without credentials'),
  },
  {
    promise: 'accepted-repository',
    source: 'reported',
    what: 'a runner whose git is older than 2.30',
    before: 'no release is stated, and a command of git fails in the middle',
    now: 'exit 2, git-too-old in outputs and summary, with both releases, before anything is asked of git',
    shownBy: cache('a job whose git is too old ends at once, and its summary says which one is needed'),
  },
  {
    promise: 'accepted-repository',
    source: 'reported',
    what: '`doctor` with a git that is too old',
    before: 'says nothing of it',
    now: 'exit 2, git-too-old',
    shownBy: doctor('finds a git that does not do: git-too-old, and so does a run at its start'),
    notByAction: 'only the command line has `doctor`',
  },
  {
    promise: 'accepted-repository',
    source: 'neighbour',
    what: 'the gate asks git for something that 2.30 does not have',
    before: 'a command of git fails on such a runner',
    now: 'a table of all that is asked of git, with the release that brought it; none is newer',
    shownBy: commands('nothing in the table is newer than the oldest release that the gate takes, and all of it is used'),
    notByAction: 'releases of git cannot be changed in a test: the table is compared with the sources',
  },
];
