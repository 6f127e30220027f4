import { type JobFault, testIn } from './job-fault.ts';

const refusals = testIn('acceptance/update-refusals.test.ts');
const places = testIn('acceptance/comment-places.test.ts');
const errors = testIn('action/error.test.ts');

const early = { promise: 'early-refusal', source: 'reported' } as const;
const besideEarly = { promise: 'early-refusal', source: 'neighbour' } as const;
const readable = { promise: 'readable-error', source: 'reported' } as const;
const exits = { promise: 'every-exit', source: 'reported' } as const;
const besideExits = { promise: 'every-exit', source: 'neighbour' } as const;

const refused = (code: string, exit = 2): string => `exit ${exit}, \`error\` in outputs and summary, ${code}; nothing is measured`;
const unmeasured = 'refused after all was measured';
const silent = 'exit 2 without outputs and summary';
const told = 'exit 2, `error` in outputs, the reason in summary and log';

/** How a run ends that has no verdict, and where its outcome is told. */
export const faults: readonly JobFault[] = [
  {
    ...early,
    what: '`update` of a checkout that an earlier step edited',
    before: unmeasured,
    now: refused('baseline-untrusted'),
    shownBy: refusals('is refused before it measures: of a tree that an earlier step edited'),
  },
  {
    ...early,
    what: '`update` with a base that is not there',
    before: unmeasured,
    now: refused('base-not-found'),
    shownBy: refusals('is refused before it measures: of an unknown base'),
  },
  {
    ...besideEarly,
    what: '`update` of a pull request',
    before: unmeasured,
    now: refused('baseline-untrusted'),
    shownBy: refusals('is refused before it measures: of a pull request'),
  },
  {
    ...besideEarly,
    what: '`update` with `quick: true`',
    before: unmeasured,
    now: refused('usage-bad-value'),
    shownBy: refusals('is refused before it measures: of a first impression'),
  },
  {
    ...besideEarly,
    what: '`update` without a token',
    before: unmeasured,
    now: refused('github-permission', 3),
    shownBy: refusals('is refused before it measures: without a token'),
  },
  {
    ...early,
    what: 'GitHub answers 401 to the comment of a pull request',
    before: 'the summary asks for a permission that the job has',
    now: 'the verdict stands in exit status, outputs and summary; the summary says that the token is wrong or expired, and with 403 which permission it lacks',
    shownBy: refusals('is said to be wrong or expired where the answer is 401, and to lack a permission where it is 403'),
  },
  {
    ...besideEarly,
    what: 'GitHub answers 401 to an `update` that has measured',
    before: 'the log asks for a permission that the job has',
    now: 'exit 3, github-permission in words of its own; the next update writes the baselines from what was measured',
    shownBy: refusals('ends an update with one verdict, in words of its own, and what was measured is kept for the next'),
  },
  {
    ...besideEarly,
    what: 'an `update` with a token that may not write',
    before: 'the same words as for a token that is wrong',
    now: 'exit 3, `error` in outputs; github-permission with the permission in summary and log',
    shownBy: refusals('ends an update in words of its own: a token without the permission'),
  },
  {
    ...besideEarly,
    what: 'an `update` of a branch that takes no commits but by pull requests',
    before: 'the same words as for a token that is wrong',
    now: 'exit 3, `error` in outputs; github-permission with the way around the rule in summary and log',
    shownBy: refusals('ends an update in words of its own: a branch that takes no commits'),
  },
  {
    ...early,
    what: 'an `update` has a verdict and then cannot write the baselines',
    before: '`verdict` and `exit-code` twice in the outputs, first as passed',
    now: 'each output once, `verdict` is `error`',
    shownBy: refusals('ends an update with one verdict, in words of its own, and what was measured is kept for the next'),
  },
  {
    ...early,
    what: 'the runner sets no `GITHUB_STEP_SUMMARY`',
    before: '"there is no room for it" in the log',
    now: 'exit status, outputs and log as ever, and no word of a summary',
    shownBy: refusals('costs no word of a full summary where the runner has no summary'),
  },
  {
    ...readable,
    what: 'three projects of a repository comment on one pull request: one regressed, one with an error, one passed',
    before: 'nobody sees which comment is of which project',
    now: 'three comments; those of the projects in folders name them, also for an error',
    shownBy: places('of each project names it, whether it came to a verdict or to an error'),
  },
  {
    ...readable,
    what: 'an error in a file with a long path',
    before: 'the path stands first, and the reason is cut away',
    now: 'reason whole in comment, summary and log; in the comment the path comes after it',
    shownBy: places('of an error has the reason first and whole, and the path after it'),
  },
  {
    ...readable,
    source: 'neighbour',
    what: "a program's last words name a long path, behind hundreds of lines",
    before: 'the reason is cut away',
    now: 'exit 1, `failed`; comment and summary have the reason and the name of the file',
    shownBy: places('of code that failed has its last words, however long its paths are and whatever it printed before'),
  },
  ...(
    [
      [exits, 'an input that the action does not have', 'an unknown input'],
      [besideExits, 'a `mode` that is none', 'an unknown mode'],
      [besideExits, 'a `seed` that is no number', 'a number that is none'],
    ] as const
  ).map(
    ([kind, what, title]): JobFault => ({
      ...kind,
      what,
      before: `${silent}; a comment says that an earlier commit passed`,
      now: `${told}, and in the comment in place of an earlier verdict`,
      shownBy: errors(`tells it in outputs, summary and comment when it ends before the plan: ${title}`),
    }),
  ),
  ...(
    [
      [exits, 'a `comment-key` of two words', 'a bad comment-key'],
      [besideExits, 'an event without a payload', 'an event without a payload'],
      [besideExits, 'a job whose repository has no owner', 'an event of no repository'],
    ] as const
  ).map(
    ([kind, what, title]): JobFault => ({
      ...kind,
      what,
      before: silent,
      now: told,
      shownBy: errors(`tells it in outputs and summary where no comment is known: ${title}`),
    }),
  ),
  {
    ...besideExits,
    what: 'a working directory that is not there',
    before: silent,
    now: `${told}, and in a comment that names it`,
    shownBy: errors('tells of a working directory that is not there, by its name'),
  },
  {
    ...besideExits,
    what: 'an error after an earlier commit of the pull request passed',
    before: 'the comment says that it passed',
    now: `${told}, and in the comment in place of the verdict`,
    shownBy: errors('ends with 2 and replaces the verdict of an earlier commit by what is wrong'),
  },
  {
    ...exits,
    what: 'a person called `github-actions` writes a comment that looks like that of the gate',
    before: "the gate edits that person's comment",
    now: 'it stays as it is, and the gate writes its own',
    shownBy: places('of a person called github-actions is left alone'),
  },
  {
    ...exits,
    what: 'a comment on a pull request starts the run',
    before: 'no comment, and no word of why',
    now: 'the comment is on that pull request, also for an error; where GitHub does not tell of it, the log says that there is none',
    shownBy: places('of a run that a comment started goes to its pull request, or is said to be missing'),
  },
];
