import { type JobFault, testIn } from './job-fault.ts';

const forgedFiles = testIn('acceptance/forged-files.test.ts');
const foreignWrites = testIn('acceptance/foreign-writes.test.ts');
const borrowedNames = testIn('acceptance/borrowed-names.test.ts');
const commandFiles = testIn('acceptance/command-files.test.ts');
const isolation = testIn('acceptance/isolation.test.ts');
const storeAttacks = testIn('acceptance/store-attacks.test.ts');

/** Somebody made a pass of a failure by it. */
const reported = { promise: 'own-verdict', source: 'reported', before: 'exit 0: a worse head passed' } as const;
const neighbour = { promise: 'own-verdict', source: 'neighbour', before: 'a worse head could pass' } as const;

/** A reviewer made a pass of a failure by it. */
const found = { ...neighbour, before: reported.before } as const;

const judged = 'exit 1, `regressed` in outputs and comment';
const changed = (code: string): string => `exit 3, \`error\` in outputs, ${code} in comment, summary and log; no launch is kept`;

/** What head's code does to its own verdict. */
export const faults: readonly JobFault[] = [
  {
    ...reported,
    what: 'head appends launches with good numbers to `samples.jsonl` in its working directory',
    now: `${judged}; the file holds what was measured, and \`gate\` judges it again alike`,
    shownBy: forgedFiles('regresses although it appends launches with good numbers'),
  },
  {
    ...neighbour,
    what: 'head loosens the tolerances in `plan.json`',
    now: `${judged}; the plan is written again`,
    shownBy: forgedFiles('regresses although it loosens the plan'),
  },
  {
    ...neighbour,
    what: 'head writes a verdict and a report',
    now: `${judged}; both are those of the gate`,
    shownBy: forgedFiles('regresses although it writes a verdict and a report'),
  },
  {
    ...neighbour,
    what: 'head removes the run folder',
    now: `${judged}; the folder is there again`,
    shownBy: forgedFiles('regresses although it removes the run folder'),
  },
  {
    ...neighbour,
    what: 'head puts a link to another folder in the place of the run folder',
    now: `${judged}; nothing is written behind the link`,
    shownBy: forgedFiles('regresses although it puts a link in its place'),
  },
  {
    ...neighbour,
    what: 'head puts links in the place of the files of the run folder',
    now: `${judged}; nothing is written behind the links`,
    shownBy: forgedFiles('regresses although it puts links in the place of its files'),
  },
  {
    ...reported,
    what: "`git replace` of base's commit, before base's tree is made",
    now: `${judged}: base is what its commit holds`,
    shownBy: forgedFiles('regresses although its setup gives git another commit in the place of base'),
  },
  {
    ...reported,
    what: 'a smudge filter in `.git/config`',
    now: `${judged}: base is what its commit holds`,
    shownBy: forgedFiles('regresses although its setup gives git a filter'),
  },
  {
    ...neighbour,
    what: 'attributes of git that give files another encoding',
    now: `${judged}: base is what its commit holds`,
    shownBy: forgedFiles('regresses although its setup gives git attributes'),
  },
  {
    ...neighbour,
    what: 'filters of git that the gate would start later',
    now: `${judged}; no filter was started`,
    shownBy: foreignWrites('runs nothing that it sets as a filter of git'),
  },
  {
    ...reported,
    what: "head's setup edits base's tree below the temporary folder",
    now: changed('base-changed'),
    shownBy: foreignWrites("ends the run when it edits base's program in its setup"),
  },
  {
    ...neighbour,
    what: "head's setup adds a file to base's tree",
    now: changed('base-changed'),
    shownBy: foreignWrites("ends the run when it adds a file to base's tree in its setup"),
  },
  {
    ...reported,
    what: "head's program edits base's tree while it is measured",
    now: changed('base-changed'),
    shownBy: foreignWrites("ends the run when it edits base's program when it is measured"),
  },
  {
    ...neighbour,
    what: "head's program edits base's program for 60 ms",
    now: changed('base-changed'),
    shownBy: foreignWrites("ends the run when it edits base's program for a moment when it is measured"),
  },
  {
    ...neighbour,
    what: "head's program puts a link to its own program in the place of base's",
    now: changed('base-changed'),
    shownBy: foreignWrites("ends the run when it puts a link in the place of base's program"),
  },
  {
    ...neighbour,
    what: "head's program renames base's tree away and back within 60 ms",
    now: changed('base-changed'),
    shownBy: foreignWrites("ends the run when it puts another tree in the place of base's for a moment"),
  },
  {
    ...neighbour,
    what: "head's program renames a folder of base's tree away and back within 60 ms",
    now: changed('base-changed'),
    shownBy: foreignWrites("ends the run when it puts another folder in the place of one of base's tree for a moment"),
  },
  {
    ...neighbour,
    what: "base's own setup and both programs write to files of their trees",
    before: 'base-changed would end an honest run',
    now: judged,
    shownBy: foreignWrites("is what base's own setup does to base's files, and what both write to files that git does not track"),
  },
  {
    ...neighbour,
    what: "base's program writes to a tracked file in each round",
    before: 'base-changed would end an honest run',
    now: judged,
    shownBy: foreignWrites("is what base's program writes to a tracked file in each run, or adds to a folder and beside it"),
  },
  {
    ...reported,
    what: 'head overwrites `dist/worker.js`',
    now: changed('program-changed'),
    shownBy: foreignWrites('ends the run when it writes to dist/worker.js'),
  },
  {
    ...reported,
    what: 'head overwrites the module that runs the gate',
    now: changed('program-changed'),
    shownBy: foreignWrites('ends the run when it writes to dist/action.js'),
  },
  {
    ...neighbour,
    what: "head adds a file to the gate's program",
    now: changed('program-changed'),
    shownBy: foreignWrites('ends the run when it writes to dist/worker/new.js'),
  },
  {
    ...neighbour,
    what: 'head adds a system library to a folder of `LD_LIBRARY_PATH`',
    now: changed('program-changed'),
    shownBy: foreignWrites('ends the run when it adds a library that the gate loads by LD_LIBRARY_PATH'),
  },
  {
    ...found,
    what: 'head adds a package that the native runtime would load before its own',
    now: changed('program-changed'),
    shownBy: foreignWrites('ends the run when it gets a package of head that it would load, from its setup'),
  },
  {
    ...found,
    what: 'head puts another native runtime where the gate looks for one',
    now: `${judged}; the runtime is looked for once`,
    shownBy: foreignWrites('is not found anew where head puts another one in its setup'),
  },
  {
    ...found,
    what: "head writes to base's program through a mapping, where files lie in memory",
    now: changed('base-changed'),
    shownBy: foreignWrites("ends the run when head maps base's program in its setup"),
  },
  {
    ...neighbour,
    what: 'head writes to the text that quality is judged on, for a moment',
    now: changed('program-changed'),
    shownBy: foreignWrites('ends the run when it writes to the text that quality is judged on, for a moment when it is measured'),
  },
  {
    ...neighbour,
    before: 'git and tar load them, tar beside the token of the cache',
    what: 'head adds libraries that git and tar load to a folder of `LD_LIBRARY_PATH`',
    now: `${judged}; neither loads them`,
    shownBy: foreignWrites('starts git and tar with no library that it adds by LD_LIBRARY_PATH'),
  },
  {
    ...neighbour,
    before: 'the forged outputs and variables hold',
    what: 'head writes outputs and variables of later steps, and takes away the rights to write there',
    now: `${judged}; the files are written back`,
    shownBy: commandFiles('stays where head takes the rights to write them'),
  },
  {
    ...found,
    what: "an isolated head writes to a terminal or pipe of base's program, to a message queue, or by a second `/proc`",
    now: `${judged}; base says what it says alone`,
    shownBy: isolation('meets nothing of the other side in terminals, queues and processes, nor where its folders lie under other names'),
  },
  {
    ...reported,
    what: 'head writes build records into a store that outlives its job, for itself and for what `update` of main stores',
    now: `${judged}; later pull requests and \`update\` compare with what base builds, and main's baselines are honest`,
    shownBy: storeAttacks('is not told that path, and what a program plants there is believed by no run'),
  },
  {
    ...neighbour,
    what: 'head leaves forged samples in the workspace, for the same job to resume',
    now: `${judged}; only samples of a cache entry of a run that ended are resumed`,
    shownBy: storeAttacks('does not resume samples that lie in the workspace, but those of the cache, or none'),
  },
  {
    ...neighbour,
    what: 'head puts a program in the place of the one that gets the token of the cache',
    now: 'exit 3, program-changed; the program is never started',
    shownBy: storeAttacks('gives the token of the cache to no program that was put in the place of its own'),
  },
  {
    ...neighbour,
    what: 'head writes into the model that both sides are given',
    now: 'exit 3, store-corrupt in comment, summary and log; the next run is honest',
    shownBy: storeAttacks('comes to no verdict: writes into the model through its own name for it'),
  },
  {
    ...neighbour,
    what: 'head replaces the model that base is shown',
    now: 'exit 3, store-corrupt in comment, summary and log; the next run is honest',
    shownBy: storeAttacks('comes to no verdict: replaces the model that base is shown'),
  },
  {
    ...reported,
    what: 'a daemon behind a double fork appends to `GITHUB_OUTPUT`, `GITHUB_ENV`, `GITHUB_PATH` and the summary',
    now: `${judged}; the daemon ends with its program, and the files hold only what the gate wrote`,
    shownBy: commandFiles('stays where head leaves a daemon that writes to them'),
  },
  {
    ...neighbour,
    what: 'head appends outcomes to these files',
    now: `${judged}; what it wrote is removed, and a warning says so`,
    shownBy: commandFiles('stays where head appends to them'),
  },
  {
    ...neighbour,
    what: 'head begins an output that does not end',
    now: `${judged}; what it wrote is removed, and a warning says so`,
    shownBy: commandFiles('stays where head begins an output that does not end'),
  },
  {
    ...neighbour,
    what: 'head puts folders and links in the place of these files',
    now: `${judged}; they are files again, and a warning says so`,
    shownBy: commandFiles('stays where head puts folders and links in their place'),
  },
  {
    ...found,
    what: 'head adds a library to a folder of `LD_LIBRARY_PATH` with which the runtime is linked, and Node is not',
    before: 'its code ran in the processes that measure',
    now: changed('program-changed'),
    shownBy: foreignWrites('ends the run when it adds a library that the gate loads by LD_LIBRARY_PATH'),
  },
  {
    ...neighbour,
    what: 'head adds a package that the native runtime would load before its own, for 60 ms while another launch may start',
    now: changed('program-changed'),
    shownBy: foreignWrites('ends the run when it gets a package of head that it would load, for a moment when it is measured'),
  },
  {
    ...found,
    what: "head tells git to look at base's tree, so that nobody sees that base's program reads head's files",
    now: 'exit 1, `failed` with inputs-leak',
    shownBy: foreignWrites("is seen to run in base's program, although it tells git to look at another tree"),
  },
  {
    ...found,
    what: "head exchanges blocks of base's files, of the models or of the store with its own, which leaves all their times",
    now: `${changed('base-changed')}; of the models program-changed, of the store store-corrupt`,
    shownBy: foreignWrites('ends the run when head does that to files of base, of the models, and of the store'),
  },
  {
    ...found,
    what: "head adds an empty folder to base's tree, by which base's program takes another way",
    now: changed('base-changed'),
    shownBy: foreignWrites("ends the run when it adds an empty folder to base's tree in its setup"),
  },
  {
    ...found,
    what: "head's setup takes the right to write in a folder of base's tree, sets back the time of a file there, or adds a folder `.git` to a folder",
    now: changed('base-changed'),
    shownBy: foreignWrites("ends the run when it takes the right to write in a folder of base's tree in its setup"),
  },
  {
    ...found,
    what: "head's program takes the right to write in a folder of base's tree",
    now: changed('base-changed'),
    shownBy: foreignWrites("ends the run when it takes the right to write in a folder of base's tree when it is measured"),
  },
  {
    ...found,
    what: 'a file of head’s, or one beside it, refuses that its times are set, so that nobody sees that base’s program reads it',
    now: 'exit 1, `failed` with inputs-leak',
    shownBy: foreignWrites("is seen to run in base's program, although it keeps times of another file from being set"),
  },
  {
    ...found,
    what: "head's setup makes its files like those of base, so that nobody sees that base's program reads them",
    now: 'exit 1, `failed` with inputs-leak',
    shownBy: foreignWrites("is seen to run in base's program, although it makes its file like that of base until it is measured"),
  },
  {
    ...found,
    what: "head keeps reads of its files from being recorded, so that nobody sees that base's program reads them",
    now: 'exit 1, `failed` with inputs-leak',
    shownBy: foreignWrites("is seen to run in base's program, although it keeps reads of its files from being recorded"),
  },
  {
    ...found,
    what: "with `isolation`, base's program reads head's checkout, where nothing records reads",
    now: 'exit 1, `failed` with inputs-leak',
    shownBy: isolation("is seen where base's program reads the checkout, from which head was copied"),
  },
  {
    ...found,
    what: "with `isolation`, head's `setup:` or a search path names an interpreter in the checkout, which the gate asks as base's user where packages lie",
    now: judged,
    shownBy: isolation('starts none of its programs in the place of base to learn where packages lie'),
  },
  {
    ...found,
    what: "with `isolation`, head's commit brings a program in a folder of the checkout that `PATH` names, which base's setup runs",
    now: 'exit 1, `failed` with inputs-leak',
    shownBy: isolation("is seen where base's setup runs a program of the checkout, which head's commit brings"),
  },
  {
    ...found,
    what: "head's commit brings a `git` in a folder of the checkout that `PATH` names",
    now: `${judged}; another git is taken`,
    shownBy: borrowedNames('does not make a git that its commit brings one of the gate'),
  },
  {
    ...found,
    what: "head swaps a folder of base's tree for a moment, in which base's program made caches when it ran first",
    now: changed('base-changed'),
    shownBy: foreignWrites("ends the run when it puts another folder in the place of one where base's program keeps caches, and beside it"),
  },
  {
    ...neighbour,
    what: 'head puts a link in the place of the folder of the command files, which leads the runner elsewhere',
    before: '`verdict` was `passed` in outputs, and later steps got its variables',
    now: `${judged}; folder and files are written back, and a warning says so`,
    shownBy: commandFiles('stays where head puts links in the place of their folder, which lead each process elsewhere'),
  },
  {
    ...neighbour,
    what: 'head makes one file of all command files, by hard links',
    before: 'what the gate writes as outputs would be variables of later steps',
    now: `${judged}; they are several files again, and a warning says so`,
    shownBy: commandFiles('stays where head makes one file of all'),
  },
  {
    ...found,
    what: "with `isolation`, head leaves keys in the kernel that base's program finds, also where base has a user of its own",
    now: `${judged}; the kernel refuses keys to both`,
    shownBy: isolation('meets no keys of the other side'),
  },
  {
    ...neighbour,
    what: "head's setup leaves a daemon that clears its environment",
    now: `${judged}; no process is left`,
    shownBy: foreignWrites('ends with its setup'),
  },
  {
    ...neighbour,
    what: "head's program leaves a daemon that clears its environment",
    now: `${judged}; no process is left`,
    shownBy: foreignWrites('ends with its program'),
  },
  {
    ...reported,
    what: 'head calls its own package `optimization-gate`, so that its worker would run as the built-ins',
    now: `${judged}; its worker was not started`,
    shownBy: borrowedNames('regresses with a package of the name of the gate'),
  },
  ...(
    [
      ['brings `node_modules/optimization-gate`', 'a dependency of the name of the gate'],
      ['brings `onnxruntime-node` and `onnxruntime-common`', 'a runtime of its own'],
      ['brings `.npmrc`, `.env`, `node.config.json` and `sitecustomize.py`', 'settings of Node and Python'],
      ['brings modules that are called as those of Node', 'modules of the names of those that Node has'],
    ] as const
  ).map(
    ([what, title]): JobFault => ({
      ...neighbour,
      what: `head ${what}`,
      now: `${judged}; none of these files was run by the gate`,
      shownBy: borrowedNames(`regresses with ${title}`),
    }),
  ),
  {
    ...neighbour,
    what: 'head puts `git`, `env`, `sh` and others into a folder of the search path',
    now: `${judged}; none of them is started`,
    shownBy: borrowedNames('does not make a %s of head a program of the gate'),
  },
  {
    ...neighbour,
    what: "head's output changes while it is taken over, or holds links and pipes",
    now: 'the output is refused',
    shownBy: testIn('store/store.test.ts')(
      'are refused where their files change after their digest was computed, but not where another artefact shares them',
    ),
    notByAction: 'the moment between digest and use is one that only the test of the store can choose',
  },
  {
    ...neighbour,
    what: 'head forges intermediate results that launches share',
    now: 'they are computed again: their signature is not that of the run',
    shownBy: testIn('store/scratch.test.ts')('does not read what somebody without the secret wrote'),
    notByAction: 'a forged result changes only what the same launch would compute; the test reads it back',
  },
  {
    ...neighbour,
    what: 'a machine without namespaces holds processes together by a reaper or by marks',
    now: 'all processes of the code under test end with the first one',
    shownBy: testIn('processes/confinement.test.ts')('end together with the first of them, daemons too'),
    notByAction: 'a machine has one way of its own, which the rows above take; the test takes all three',
  },
  {
    ...neighbour,
    what: 'with `isolation`, head writes to run folder, store, git, the checkout, the gate and base, and kills the gate',
    now: 'exit 1, `failed`, with its messages: each attempt was refused',
    shownBy: isolation('lets it write to nothing that it is judged by'),
  },
  {
    ...neighbour,
    what: "with `isolation`, head writes to base's folders and answers then",
    now: judged,
    shownBy: isolation('sees that head regresses also after all of that'),
  },
  {
    ...neighbour,
    what: 'a change removes `isolation` from its own configuration',
    now: `${judged}; the comment says that base's user is in force`,
    shownBy: isolation('takes the user from base, whatever the change says'),
  },
  {
    ...neighbour,
    what: '`isolation` names a user that the machine lacks',
    before: 'code under test would run as the user of the job',
    now: 'exit 2, isolation-unavailable in comment, summary and log, with the command that makes the user',
    shownBy: isolation('ends early, with the command that helps, where the machine lacks the user'),
  },
  {
    ...neighbour,
    what: 'with `isolation` and `base-user`, head uses up what the system allows one user, and drops `base-user` from the configuration',
    now: `${judged}; the comment says that base's user is in force`,
    shownBy: isolation('keeps from base nothing that a user has, where base has a user of its own, also where head drops it'),
  },
  {
    ...neighbour,
    what: "with `isolation`, head puts packages above base's tree, in `/tmp`, `/var/tmp` and `/dev/shm`",
    now: judged,
    shownBy: isolation('finds nothing of the other side in the folders above its own, nor in those that everybody writes to'),
  },
];
