import { type JobFault, testIn } from './job-fault.ts';

const ownFolders = testIn('acceptance/own-folders.test.ts');

const refused = 'exit 2, folder-refused in outputs, comment, summary and log; nothing is written or removed';
const neighbour = { promise: 'own-folders', source: 'neighbour' } as const;

/** Folders that are not the gate's own, and a lock that is another user's. */
export const faults: readonly JobFault[] = [
  {
    promise: 'own-folders',
    source: 'reported',
    what: '`run-dir: .`, with weights in `models/` that no commit has',
    before: '`models/` was removed, with the weights',
    now: refused,
    shownBy: ownFolders('is refused and stays as it is: the run folder is the checkout'),
  },
  {
    promise: 'own-folders',
    source: 'reported',
    what: 'a pull request brings `.optimization-gate` as a link out of the checkout',
    before: 'the gate wrote and removed files behind the link',
    now: refused,
    shownBy: ownFolders('is refused and stays as it is: a change brings the run folder as a link out of the checkout'),
  },
  {
    ...neighbour,
    what: 'a pull request brings the run folder with files, and with the mark by which the gate knows its own',
    before: 'the gate replaced files of the repository, and resumed forged samples',
    now: refused,
    shownBy: ownFolders('is refused and stays as it is: a change brings the run folder with files in it, and with the mark of the gate'),
  },
  {
    ...neighbour,
    what: 'a pull request brings a link on the way to the store',
    before: 'the gate wrote and removed files behind the link',
    now: refused,
    shownBy: ownFolders('is refused and stays as it is: a change brings a link on the way to the store'),
  },
  {
    ...neighbour,
    what: 'the run folder is one with weights in it',
    before: 'files of these names were replaced',
    now: refused,
    shownBy: ownFolders('is refused and stays as it is: the run folder holds weights'),
  },
  {
    ...neighbour,
    what: 'the store is a folder with weights in it',
    before: 'files of these names were replaced',
    now: refused,
    shownBy: ownFolders('is refused and stays as it is: the store holds weights'),
  },
  {
    ...neighbour,
    what: 'a link lies in the run folder, in the place of a file that the gate writes',
    before: 'the file behind the link was overwritten',
    now: refused,
    shownBy: ownFolders('is refused and stays as it is: an earlier step leaves a link in the run folder'),
  },
  {
    ...neighbour,
    what: 'run folder and store are named, and are not there yet',
    before: 'a refusal would stop an honest run',
    now: 'exit 1, `regressed`; they are made, and git sees nothing of them',
    shownBy: ownFolders('is none that was absent, and another one that is named beside it'),
  },
  {
    promise: 'shared-lock',
    source: 'reported',
    what: 'a second user of the machine runs a job, as the runner of another organization does',
    before: "EACCES: the lock in the temporary folder was the first user's",
    now: 'exit 1, `regressed`, for both',
    shownBy: testIn('acceptance/shared-lock.test.ts')('take the same lock, one after the other'),
  },
  {
    promise: 'shared-lock',
    source: 'neighbour',
    what: "the process that holds the lock was killed, and is another user's",
    before: 'nobody else could measure any more',
    now: 'the lock is broken and taken',
    shownBy: testIn('run/machine-lock.test.ts')('every user of the machine can take the lock, and break that of a dead process'),
    notByAction: 'a lock that is silent for minutes is made by its time stamp, of a process that the test kills',
  },
];
