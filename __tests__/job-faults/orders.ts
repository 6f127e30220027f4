import { type JobFault, testIn } from './job-fault.ts';

const runOrder = testIn('acceptance/run-order.test.ts');
const sharedBaselines = testIn('acceptance/shared-baselines.test.ts');
const baselineCommit = testIn('host/github/baseline-commit.test.ts');

/** Runs that end in another order than they began, and jobs that write for one commit. */
export const faults: readonly JobFault[] = [
  {
    promise: 'unit-of-baselines',
    source: 'reported',
    what: 'runners of another class update the baselines of the same commit',
    before: '"written already": the class never got any',
    now: 'exit 0; both classes have a file of their own',
    shownBy: sharedBaselines('each write their own baselines: projects of a repository, and classes of runners'),
  },
  {
    promise: 'unit-of-baselines',
    source: 'reported',
    what: 'two projects of a repository update the baselines of the same commit',
    before: '"written already": the second project never got any; later, entries of the same name replaced each other',
    now: 'exit 0; each project has files of its own, and its pull requests show them',
    shownBy: sharedBaselines('each write their own baselines: projects of a repository, and classes of runners'),
  },
  {
    promise: 'unit-of-baselines',
    source: 'neighbour',
    what: 'jobs of three classes and models write at once',
    before: 'all but one lost theirs',
    now: 'all are written',
    shownBy: baselineCommit('every class and project writes its own of one commit'),
    notByAction: 'the race is one of the writer, which the test holds open; the jobs are the row above',
  },
  {
    promise: 'order',
    source: 'reported',
    what: '`update` of an older commit ends after that of a younger one',
    before: 'the older commit became the current entry',
    now: 'exit 0; the younger stays current, history is in the order of commits, the anchor is the oldest',
    shownBy: sharedBaselines('leave the youngest commit current, its history in order, and write nothing twice'),
  },
  {
    promise: 'order',
    source: 'reported',
    what: '`update` is repeated for a commit that did not change',
    before: 'other numbers were written for the same commit',
    now: 'exit 0; the branch does not move',
    shownBy: sharedBaselines('leave the youngest commit current, its history in order, and write nothing twice'),
  },
  {
    promise: 'order',
    source: 'reported',
    what: 'four updates of four commits at once, in each of their 24 orders',
    before: 'history was in the order of arrival, and the anchor was the first to arrive',
    now: 'one content in all orders, nothing lost',
    shownBy: testIn('acceptance/update-orders.test.ts')('end alike in each of their 24 orders, with nothing lost'),
    notByAction: '24 orders of four writers are held open one by one; what they write was measured by four jobs of the action',
  },
  {
    promise: 'order',
    source: 'neighbour',
    what: 'another writer is faster each time',
    before: 'a lost update',
    now: 'baseline-conflict, with nothing written',
    shownBy: baselineCommit('a branch that never holds still ends in baseline-conflict, with nothing written'),
    notByAction: 'it takes 16 attempts with pauses of minutes; a single conflict is in the row above',
  },
  {
    promise: 'order',
    source: 'reported',
    what: 'an older run of a pull request ends after a younger one',
    before: 'its comment replaced that of the younger run',
    now: 'exit 1 in its own job; the comment of the younger run stays, and the log says so',
    shownBy: runOrder('is of the younger run where an older one ends later, and names a commit that its author knows'),
  },
  {
    promise: 'order',
    source: 'reported',
    what: 'the comment names the merge commit that the host made for the run',
    before: 'a commit that its author never saw',
    now: "the last commit of the author's branch",
    shownBy: runOrder('is of the younger run where an older one ends later, and names a commit that its author knows'),
  },
  {
    promise: 'order',
    source: 'reported',
    what: 'two jobs of a matrix share a comment, and the green one ends last',
    before: 'the green replaced the red',
    now: 'the red stays, and a warning names `comment-key`; the next run replaces it',
    shownBy: runOrder('is red where one job of a matrix is, whichever ends last'),
  },
  {
    promise: 'order',
    source: 'reported',
    what: 'a job is cancelled while it measures',
    before: 'the comment said "❌ Error"',
    now: 'exit 3, `error` in outputs; comment and summary say nothing of it, and no process stays',
    shownBy: runOrder('stays as it is where a job is cancelled, and nothing of the job stays'),
  },
];
