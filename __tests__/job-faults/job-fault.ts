/** What holds for attacks and faults of one kind. */
export const promises = {
  'own-verdict': "Head's code cannot write its own verdict.",
  'own-inputs': 'A change cannot choose the inputs of the action that judge it.',
  'own-folders': 'The gate writes and removes only in folders of its own.',
  'shared-lock': 'All users of a machine can take the same lock.',
  'unit-of-baselines': 'Each runner class and each project writes its own baselines of a commit.',
  'early-refusal': 'What cannot end is refused before it measures, and each refusal has its own words.',
  order: 'An older run replaces nothing that a younger one wrote, and a green nothing that is red.',
  'broken-file': 'A broken file stops the change that breaks it, and no other.',
  'unavailable-base': 'Base that cannot be had is an error of the run.',
  'accepted-repository': 'Where git accepts a repository, so does the gate.',
  'device-variables': 'Variables that decide which device or files are used reach measured code.',
  'readable-error': 'An error names its project, and its reason is never cut away.',
  cache: 'A cache costs no more than its limits, and each of its failures has its own words.',
  machine: 'What the machine lacks is named, with the option that helps.',
  'every-exit': 'Every exit tells its outcome, to the pull request that it belongs to.',
} as const;

export type JobPromise = keyof typeof promises;

/** The test that shows a row: its file below `__tests__`, and its title as written there, or as a table of cases makes it. */
export interface ShownBy {
  readonly file: string;
  readonly title: string;
}

/** One row: an attack or a fault that a job can meet, what came of it once, and what the user sees now. */
export interface JobFault {
  readonly promise: JobPromise;
  /** What is done, in one sentence. */
  readonly what: string;
  /** What came of it at first; for a neighbour that nobody met, what would come of it. */
  readonly before: string;
  /** Exit status, outputs, comment and what is kept. */
  readonly now: string;
  readonly source: 'reported' | 'neighbour';
  readonly shownBy: ShownBy;
  /** Why its test does not run `dist/action.js`; absent where it does. */
  readonly notByAction?: string;
}

/** Makes the tests of one file, by their titles. */
export const testIn =
  (file: string) =>
  (title: string): ShownBy => ({ file, title });
