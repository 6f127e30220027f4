import { type JobFault, testIn } from './job-fault.ts';

const variables = testIn('acceptance/declared-environment.test.ts');
const words = testIn('acceptance/job-cache.test.ts');
const cache = testIn('acceptance/cache.test.ts');
const disks = testIn('acceptance/full-disk.test.ts');
const doctor = testIn('acceptance/doctor.test.ts');
const missing = testIn('acceptance/missing-parts.test.ts');
const store = testIn('commands/store.test.ts');

const device = { promise: 'device-variables', source: 'reported' } as const;
const saved = { promise: 'cache', source: 'reported' } as const;
const machine = { promise: 'machine', source: 'reported' } as const;
const besideMachine = { promise: 'machine', source: 'neighbour' } as const;

const onlyCommandLine = 'only the command line has it';
const oneLine = 'the verdict stands; the log and the summary say it once, in words of its own';
const internal = '`internal` with a stack trace, or "restore from version control"';
const moved = (code: string, option: string): string =>
  `exit 3, \`error\` in outputs; ${code}, the path and ${option} in comment, summary and log`;
const jobs = cache('save what is new, believe what is whole, and go on without the rest');
const missedByDoctor = '`doctor` is content, and the run is refused';

/** What the machine of a job has, lacks and keeps. */
export const faults: readonly JobFault[] = [
  {
    ...device,
    what: '`ROCR_VISIBLE_DEVICES`, `ZE_AFFINITY_MASK`, `HF_HUB_CACHE`, `NUMEXPR_NUM_THREADS` and `VK_DRIVER_FILES` are set for the job',
    before: 'measured code does not see them',
    now: 'measured code sees all of them, and no token',
    shownBy: variables('reach measured code where they choose devices and files, or base declares them; no token does'),
  },
  {
    ...device,
    what: 'a change declares a variable of its own in `environment:`',
    before: 'there is no such key',
    now: 'it counts once base declares it; until then the comment lists the edit',
    shownBy: variables('that only the change declares do not reach it, and the comment lists the edit'),
  },
  {
    ...device,
    what: 'the value of a declared variable, or of one that chooses devices, is another than in the earlier run',
    before: 'the earlier result is taken over',
    now: 'another digest of the code, or of the runtime',
    shownBy: variables('belong to the digest of the code where they are declared, and to that of the runtime where they choose devices'),
  },
  ...(['MY_TOKEN', 'GITHUB_OUTPUT', 'INPUT_BASE', 'ACTIONS_RUNTIME_TOKEN', 'LD_PRELOAD'] as const).map(
    (name): JobFault => ({
      ...device,
      source: name === 'MY_TOKEN' ? 'reported' : 'neighbour',
      what: `\`environment:\` names \`${name}\``,
      before: 'measured code would see it',
      now: 'exit 2, config-invalid in outputs, comment and log; once base has it a warning, and it is left out',
      shownBy: variables(`are refused by name in the change that declares them, and left out once base does: ${name}`),
    }),
  ),
  {
    ...saved,
    what: 'a cache service that hangs',
    before: 'the job is blocked for minutes, several times',
    now: 'about 30 s once; the verdict stands, and log and summary say it once with the limit',
    shownBy: jobs,
  },
  {
    ...saved,
    what: 'a transfer of the cache that drips',
    before: 'the job waits as long as it drips',
    now: `given up after 30 s; ${oneLine}`,
    shownBy: words('a transfer that drips'),
  },
  {
    ...saved,
    what: 'another job saves the same key first',
    before: '"may only read it"',
    now: 'the verdict stands, and nothing is said',
    shownBy: words('an entry that another job of the same key saves first is no failure, and nothing is said'),
  },
  ...(
    [
      ['reported', 'an entry of the cache is too large (413)', 'an entry that is too large (413)'],
      ['reported', 'a proxy stands before the cache when it is read', 'a proxy on the way to a restore (407)'],
      ['neighbour', 'a proxy stands before the cache when it is written', 'a proxy on the way to a save (407)'],
      ['neighbour', 'the token of the runner has expired', 'an expired token of the runner'],
      ['neighbour', 'the cache of the repository is full', 'a full cache'],
      ['neighbour', 'the cache loses connections', 'lost connections'],
    ] as const
  ).map(
    ([source, what, title]): JobFault => ({ ...saved, source, what, before: '"may only read it"', now: oneLine, shownBy: words(title) }),
  ),
  {
    ...saved,
    what: 'a pull request is pushed to again and builds nothing new',
    before: 'each push saves the whole store',
    now: 'nothing is saved; the first push saves only what the default branch lacks',
    shownBy: jobs,
  },
  {
    ...saved,
    what: 'an entry of the cache is cut short',
    before: 'every later run finds it again, and fails to read it',
    now: 'the verdict stands; the next entry takes its place and is restored',
    shownBy: jobs,
  },
  {
    ...saved,
    source: 'neighbour',
    what: 'an entry of the cache has a changed weight, links and files of somebody else',
    before: 'all of it lies in the store',
    now: 'none of it is used, the log says which parts, and another entry takes its place',
    shownBy: jobs,
  },
  {
    ...machine,
    what: 'a store that is read-only, or on a full disk',
    before: internal,
    now: `${moved('store-unwritable or disk-full', '`store`')}; the same store, writable again, is used`,
    shownBy: disks('is named with the option that moves it: that of the store'),
  },
  {
    ...machine,
    what: 'a run folder that is read-only, or on a full disk',
    before: internal,
    now: `${moved('folder-unwritable or disk-full', '`run-dir`')}; regressed once there is room`,
    shownBy: disks('is named with the option that moves it: that of the run folder'),
  },
  {
    ...besideMachine,
    what: 'a full disk for temporary files',
    before: internal,
    now: moved('disk-full', '`TMPDIR`'),
    shownBy: disks('is named with the variable that moves it: that of temporary files'),
  },
  {
    ...besideMachine,
    what: "head's program writes to a disk that is full",
    before: 'head fails, as if its code were wrong',
    now: moved('disk-full', 'what the program said'),
    shownBy: disks('is no fault of head where head or base writes to it'),
  },
  {
    ...besideMachine,
    what: 'a disk fills up while samples are written',
    before: 'what was measured is lost, or a line is cut in the middle',
    now: 'exit 3, disk-full; the lines that were written stay, and the next `measure` goes on from them',
    shownBy: disks('costs nothing of what was measured'),
    notByAction: 'the phases of a run are commands of their own only on the command line',
  },
  {
    ...machine,
    what: 'a store grows with every job',
    before: '724 MiB after a morning, without a limit',
    now: 'at the end of the job it keeps to `store-budget`',
    shownBy: disks('keeps to its budget at the end of every job'),
  },
  {
    ...machine,
    what: 'somebody wants a smaller store at once',
    before: 'no command cleans it',
    now: '`store clean` removes the longest unused first, and never what a job uses',
    shownBy: store('cleans down to the budget, what no record names first, and never what a job uses'),
    notByAction: onlyCommandLine,
  },
  ...(
    [
      ['a model that is unknown', 'an unknown model'],
      ['a folder of a model without a card', 'a folder without a card'],
      ['a program of `setup` that is not there', 'a program of setup'],
    ] as const
  ).map(
    ([what, title]): JobFault => ({
      ...besideMachine,
      what: `a configuration names ${what}`,
      before: 'the message does not say what is missing',
      now: 'exit 2, `error` in outputs; comment, summary and log name it',
      shownBy: missing(`ends the run, and the pull request tells what: ${title}`),
    }),
  ),
  {
    ...besideMachine,
    what: 'a configuration names a program of `measure` that is not there',
    before: 'the message does not say what is missing',
    now: 'exit 1, `failed` in outputs; comment and summary name it',
    shownBy: missing('fails its cell where that is the program that is measured'),
  },
  ...(['a model that is unknown', 'a folder of a model without a card', 'a program that is not there'] as const).map(
    (what): JobFault => ({
      ...machine,
      what: `\`doctor\` where the configuration names ${what}`,
      before: missedByDoctor,
      now: 'a bad check with the code of the run, and an exit status other than 0',
      shownBy: doctor('finds what a run refuses: %s'),
      notByAction: onlyCommandLine,
    }),
  ),
];
