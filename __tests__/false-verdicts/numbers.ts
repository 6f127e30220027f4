import { expect } from 'vitest';
import type { CellVerdict, MetricVerdict, Verdict } from '../../src/records/verdict.ts';
import { configuration, Project } from '../commands/project.ts';
import type { Kind, Situation } from './situation.ts';

/**
 * A program that answers each round with numbers of `launch` (how many times it was started in this
 * tree before) and `round`; `noise(of)` is a number from −1 to 1 that is the same in every run.
 */
const program = (answer: string): string => `import { createInterface } from 'node:readline';
import { appendFileSync, statSync } from 'node:fs';
appendFileSync('starts', '.');
const launch = statSync('starts').size - 1;
const noise = (of) => { const x = Math.sin(12.9898 * (launch + 1) + 78.233 * (of + 1)) * 43758.5453; return 2 * (x - Math.floor(x)) - 1; };
let round = 0;
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(${answer}));
  round++;
}
`;

interface Measured {
  readonly better?: 'lower' | 'higher';
  readonly kind: 'timing' | 'exact';
  readonly scale?: 'linear';
  /** JavaScript of \`launch\`, \`round\` and \`noise\`. */
  readonly base: string;
  readonly head: string;
  /** Of \`gate.tolerance\`. */
  readonly tolerance?: string;
  /** How much worse base accepts it to be. */
  readonly accepted?: number;
}

/** One run of the command line over all of these metrics, when it is first asked for. */
const runOf = (metrics: Readonly<Record<string, Measured>>): (() => Promise<Verdict>) => {
  const measure = async (): Promise<Verdict> => {
    const project = Project.make();
    const entries = Object.entries(metrics);
    const answer = (side: 'base' | 'head'): string => `{ ${entries.map(([id, each]) => `'${id}': ${each[side]}`).join(', ')} }`;
    const engine = [
      'engine',
      'measure: node bench.mjs',
      'inputs: [bench.mjs]',
      'metrics:',
      ...entries.map(
        ([id, { better = 'lower', kind, scale }]) =>
          `  - { id: ${id}, unit: ${kind === 'timing' ? 'ms' : 'points'}, better: ${better}, kind: ${kind}${scale === undefined ? '' : `, scale: ${scale}`} }`,
      ),
    ];
    const tolerances = entries.flatMap(([id, { tolerance }]) => (tolerance === undefined ? [] : [`${id}: ${tolerance}`]));
    const accepted = entries.flatMap(([metric, { accepted: bound }]) =>
      bound === undefined ? [] : [{ cell: `engine`, metric, bound, expires: '9999-12-31', reason: 'it is worth it' }],
    );
    const rest = tolerances.length === 0 ? [] : [`gate: { tolerance: { ${tolerances.join(', ')} } }`];
    project.commit({
      '.gitignore': '.optimization-gate\nstarts\n',
      'bench.mjs': program(answer('base')),
      'optimization-gate.yml': configuration([engine], rest),
      'baselines/accepted.json': JSON.stringify({ schema: 'optimization-gate/accepted/1', accepted }),
    });
    project.commit({ 'bench.mjs': program(answer('head')) });
    await project.gate('--base', 'HEAD~1');
    return project.verdict();
  };
  let measured: Promise<Verdict> | null = null;
  return () => {
    measured ??= measure();
    return measured;
  };
};

const metricOf = (verdict: Verdict, id: string): MetricVerdict => {
  const found = verdict.cells[0]?.metrics.find((metric) => metric.id === id);
  if (found === undefined) throw new Error(`no metric ${id} was judged`);
  return found;
};

const constant = (base: number, head: number): Pick<Measured, 'base' | 'head'> => ({ base: String(base), head: String(head) });
const exact = { kind: 'exact' } as const;
const timing = { kind: 'timing' } as const;

const signs = runOf({
  'negative-better': { ...exact, better: 'higher', ...constant(-10, -5) },
  'negative-worse': { ...exact, better: 'higher', ...constant(-10, -15) },
  'sign-worse': { ...exact, better: 'higher', ...constant(5, -10) },
  'sign-better': { ...exact, better: 'higher', ...constant(-10, 5) },
  'from-zero': { ...exact, ...constant(0, 5) },
  'to-zero': { ...exact, better: 'higher', ...constant(5, 0) },
  'both-zero': { ...exact, ...constant(0, 0) },
  denormal: { ...exact, ...constant(5e-324, 1e-320) },
  'tiny-unit': { ...exact, scale: 'linear', ...constant(1e-13, 3e-13) },
  share: { ...exact, better: 'higher', ...constant(-10, -10.2), tolerance: '2%' },
  'time-of-zero': { ...timing, ...constant(0, 5) },
  'time-both-zero': { ...timing, ...constant(0, 0) },
  'time-to-zero': { ...timing, base: '5 + noise(round) / 100', head: 'round % 7 === 3 ? 0 : 5' },
  'negative-time': { ...timing, base: '5 + noise(round) / 100', head: '-5' },
  'exact-at-tolerance': { ...exact, ...constant(50, 51), tolerance: '2%' },
  'exact-share-at-tolerance': { ...exact, better: 'higher', ...constant(100, 98), tolerance: '2%' },
  'exact-beyond': { ...exact, ...constant(1e12, 1e12 + 1) },
  'exact-rounded': { ...exact, base: '0.3', head: '0.1 + 0.2' },
  'exact-at-bound': { ...exact, ...constant(7, 7.7), accepted: 0.1 },
});

const noisy = runOf({
  jitters: { ...exact, base: '20 + (noise(1) > 0 ? 0.5 : 0)', head: '80 + (noise(2) > 0 ? 0.5 : 0)' },
  'jitters-better': { ...exact, base: '80 + (noise(3) > 0 ? 0.5 : 0)', head: '20 + (noise(4) > 0 ? 0.5 : 0)' },
  'jitters-alike': { ...exact, base: '80 + noise(5) / 2', head: '80 + noise(6) / 2', tolerance: '2%' },
  'jitters-in-head': { ...exact, base: '20', head: '80 + 40 * noise(7)' },
  'hidden-in-noise': { ...exact, base: '20', head: '24 + 40 * noise(8)' },
  'last-round': { ...exact, base: '20', head: 'round < 40 ? 80 : 20' },
  'third-round': { ...exact, base: '20', head: 'round % 3 === 0 ? 80 : 20' },
  'jitters-around-zero': { ...exact, better: 'higher', base: 'noise(9)', head: 'noise(10) - 5' },
  'rarely-worse': { ...exact, base: '20', head: 'launch % 8 === 3 ? 500 : 5' },
  'far-in-some-launches': { ...exact, base: '100', head: 'launch % 4 === 3 ? 1100 : 105', accepted: 0.1 },
  steady: { ...exact, ...constant(20, 20) },
});

/**
 * Two screening launches in five lean to the good side, so that nothing advances; what is confirmed
 * is as slow as a machine reported it.
 */
const slowerAfterScreen = 'launch < 5 ? (launch % 2 ? -0.3 : 0.1) : Math.log(1.178) + 0.2 * noise(1)';
/** Advances in the screens, is given up at the first look of 12, and is slower in the launches that the other metrics ask for. */
const slowerAfterFirstLook = 'launch < 5 ? 0.05 : launch < 17 ? (launch % 2 ? -0.05 : 0.03) : 0.1';
const tolerant = runOf({
  'stays-noisy': { ...timing, base: '50 + noise(round) / 100', head: `50 * Math.exp(${slowerAfterScreen}) + noise(round) / 100` },
  'given-up': { ...timing, base: '50 + noise(round) / 100', head: `50 * Math.exp(${slowerAfterFirstLook}) + noise(round) / 100` },
  'noisy-alike': { ...timing, base: '50 * Math.exp(0.1 * noise(2))', head: '50 * Math.exp(0.1 * noise(3))' },
  'slow-rounds': { ...timing, base: '50 + noise(round) / 100', head: '(round % 5 < 2 ? 150 : 45) + noise(round) / 100' },
  'at-tolerance': { ...timing, ...constant(50, 51) },
  'in-steps': {
    ...timing,
    base: 'Math.floor(500 + noise(round + 9 * launch)) / 10',
    head: 'Math.floor(510 + noise(round + 7 * launch)) / 10',
  },
  'whole-milliseconds': {
    ...timing,
    base: 'Math.floor(1.9 + 0.5 * noise(round))',
    head: 'Math.floor(2.3 + 0.5 * noise(round + 50))',
  },
  'whole-milliseconds-worse': { ...timing, base: 'Math.floor(10 + 2 * noise(round))', head: 'Math.floor(30 + 2 * noise(round))' },
  'one-digit': { ...timing, ...constant(2, 2) },
});

/** What advances is an improvement, decided after twelve launches. */
const afterScreens = runOf({
  'slower-later': { ...timing, base: '50 + noise(round) / 100', head: '(launch < 5 ? 50 : 75) + noise(round) / 100' },
  'larger-later': { ...exact, base: '100', head: 'launch < 5 ? 100 : 103' },
  'beyond-numbers-later': { ...exact, base: '100', head: 'launch < 5 ? 100 : 1e308' },
  better: { ...timing, base: '50 + noise(round) / 100', head: '40 + noise(round) / 100' },
});

interface Row {
  readonly kind: Kind;
  readonly example: string;
  readonly before: string;
  readonly now: string;
  readonly source: Situation['source'];
  readonly run: () => Promise<Verdict>;
  readonly speed: Situation['speed'];
  readonly metric: string;
  readonly expected: Partial<Readonly<Record<keyof MetricVerdict, unknown>>>;
}

const situation = ({ run, metric, expected, ...row }: Row): Situation => ({
  ...row,
  check: async () => expect(metricOf(await run(), metric)).toMatchObject(expected),
});

const ofSigns = (
  metric: string,
  example: string,
  before: string,
  verdict: string,
  source: Situation['source'] = 'neighbour',
  more: Row['expected'] = {},
): Situation =>
  situation({
    kind: 'signs-and-zeros',
    example,
    before,
    now: verdict,
    source,
    run: signs,
    speed: 'fast',
    metric,
    expected: { verdict, role: 'gate', ...more },
  });

const ofNoise = (metric: string, example: string, before: string, verdict: string, source: Situation['source'] = 'neighbour'): Situation =>
  situation({
    kind: 'noisy-metric',
    example,
    before,
    now: verdict,
    source,
    run: noisy,
    speed: 'slow',
    metric,
    expected: { verdict, role: 'gate', reason: expect.stringMatching(/^declared exact, but varies by /) },
  });

const atTolerance = (metric: string, example: string, before: string, verdict: string, run = signs): Situation =>
  situation({
    kind: 'at-the-tolerance',
    example,
    before,
    now: verdict,
    source: metric === 'at-tolerance' || metric === 'in-steps' ? 'reported' : 'neighbour',
    run,
    speed: run === signs ? 'fast' : 'slow',
    metric,
    expected: { verdict },
  });

const ofClock = (metric: string, example: string, before: string, verdict: string): Situation =>
  situation({
    kind: 'signs-and-zeros',
    example,
    before,
    now: verdict,
    source: 'neighbour',
    run: tolerant,
    speed: 'slow',
    metric,
    expected: { verdict, ...(verdict === 'inconclusive' ? { reason: expect.stringMatching(/^clock: /) } : {}) },
  });

/** A controller of a loop whose gain is an expression. */
const controller = (gain: string): string => `import { createInterface } from 'node:readline';
let setting, batch, gain;
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  if (asked.do === 'start') ({ setting } = asked.episode), (batch = setting.initial), (gain = ${gain});
  if (asked.do === 'next') batch += (gain * (setting.setPoint - asked.observation.latency)) / setting.slope;
  if (asked.do === 'next') batch = Math.min(setting.maximum, Math.max(setting.minimum, batch));
  console.log(JSON.stringify({ ok: asked.do === 'next' ? { batch } : null }));
}
`;

/** A search that draws what it tries, with another luck for each salt, and ends after a share of its trials. */
const search = (salt: number, share: number): string => `import { createHash } from 'node:crypto';
export const start = async ({ setting }) => {
  const all = setting.options.reduce((some, { id, values }) => some.flatMap((one) => values.map((value) => ({ ...one, [id]: value }))), [{}]);
  const luck = (one) => createHash('sha256').update(JSON.stringify([${salt}, setting.seed, one])).digest('hex');
  const order = all.slice(1).sort((one, other) => (luck(one) < luck(other) ? -1 : 1)).slice(0, ${share} * setting.trials);
  let best = null;
  return {
    next: async (seen) => {
      if (best === null || seen.latency < best.latency) best = seen;
      return order.length === 0 ? { found: best.configuration } : { try: order.shift(), calls: setting.calls };
    },
  };
};
`;

/** The cell of a change to a policy, from one text of `policy.mjs` to another. */
const changedPolicy = async (entry: readonly string[], base: string, head: string): Promise<CellVerdict> => {
  const project = Project.make();
  const own = ['own', ...entry, 'inputs: [policy.mjs]'];
  project.commit({ '.gitignore': '.optimization-gate\n', 'policy.mjs': base, 'optimization-gate.yml': configuration([own]) });
  project.commit({ 'policy.mjs': head });
  await project.gate('--base', 'HEAD~1');
  return project.cell('own');
};

const controlled = (head: string): Promise<CellVerdict> =>
  changedPolicy(['like: feedback-control', 'serve: node policy.mjs'], controller('0.4'), controller(head));

/** Half of the layers' channels may go, so that there is always something to find. */
const searching = ['like: automl', 'like-with: { variants: [pruned-50], nll-bound: 10 }', 'module: policy.mjs'];

const ofChance = (example: string, before: string, now: string, head: string, expected: Partial<CellVerdict>): Situation => ({
  kind: 'noisy-metric',
  example,
  before,
  now,
  source: 'reported',
  speed: 'slow',
  check: async () => expect(await controlled(head)).toMatchObject(expected),
});

const ofSearch = (example: string, now: string, share: number): Situation => ({
  kind: 'noisy-metric',
  example,
  before: 'passed, regressed or improved, by the luck of five searches',
  now,
  source: 'neighbour',
  speed: 'slow',
  check: async () => expect(await changedPolicy(searching, search(1, 1), search(2, share))).toMatchObject({ verdict: now }),
});

export const situations: readonly Situation[] = [
  ofSearch('a search that draws what it tries ends after half of its trials', 'regressed', 0.5),
  ofSearch('a search that draws what it tries has another luck', 'passed', 1),
  ofChance(
    'a policy that is slow to react whenever chance will have it, in a replay that is judged by one play',
    'passed at times',
    'failed, policy-not-deterministic',
    '0.02 + 0.38 * Math.random()',
    { verdict: 'failed', reason: expect.stringContaining('error[policy-not-deterministic] of head') },
  ),
  ofChance(
    'a controller whose gain changes by a hundredth, in a replay with one draw of noise',
    'regressed, where that draw makes it settle one step later',
    'passed',
    '0.395',
    { verdict: 'passed' },
  ),
  ofChance('a policy that is always slow to react', 'regressed', 'regressed', '0.02', { verdict: 'regressed' }),
  ofSigns('negative-better', 'higher is better, −10 → −5', 'regressed', 'improved', 'reported', {
    change: { estimate: 5 },
    scale: 'linear',
  }),
  ofSigns('negative-worse', 'higher is better, −10 → −15', 'improved', 'regressed', 'reported'),
  ofSigns('sign-worse', 'higher is better, 5 → −10', 'improved', 'regressed', 'reported'),
  ofSigns('sign-better', 'higher is better, −10 → 5', 'improved', 'improved'),
  ofSigns('from-zero', 'lower is better, 0 → 5', 'regressed', 'regressed'),
  ofSigns('to-zero', 'higher is better, 5 → 0', 'regressed', 'regressed'),
  ofSigns('both-zero', '0 → 0', 'passed', 'passed'),
  ofSigns('denormal', 'the smallest number there is, doubled many times', 'regressed', 'regressed'),
  ofSigns('tiny-unit', 'linear, 1e-13 → 3e-13, without a tolerance', 'passed', 'regressed'),
  ofSigns('share', 'a tolerance of 2 % of −10 that −10.2 keeps', 'passed', 'passed'),
  ofSigns('time-of-zero', 'a time of 0 ms in base', 'failed', 'inconclusive', 'reported', { state: 'clock' }),
  ofSigns('time-both-zero', 'a time of 0 ms in both arms', 'passed', 'inconclusive', 'reported', { state: 'clock' }),
  ofSigns('time-to-zero', 'a time of 0 ms in some rounds of head', 'failed', 'inconclusive', 'neighbour', { state: 'clock' }),
  ofSigns('negative-time', 'a negative time in head', 'failed', 'failed'),
  atTolerance('exact-at-tolerance', 'an exact 50 → 51 at 2 %', 'passed', 'passed'),
  atTolerance('exact-share-at-tolerance', 'higher is better, 100 → 98 at 2 %', 'regressed', 'passed'),
  atTolerance('exact-beyond', 'one more than a million million, without a tolerance', 'regressed', 'regressed'),
  atTolerance('exact-rounded', '0.3 → 0.1 + 0.2, without a tolerance', 'passed', 'passed'),
  atTolerance('exact-at-bound', '7 → 7.7, which base accepts up to 10 %', 'regressed', 'passed'),
  atTolerance('at-tolerance', 'a time of 50 → 51 ms at 2 %', 'regressed', 'inconclusive', tolerant),
  atTolerance('in-steps', 'a time that sits at its tolerance, in steps of 0.1 ms', 'regressed', 'inconclusive', tolerant),
  ofNoise('jitters', 'an exact metric that jitters by 0.5, 20 → 80', 'no verdict', 'regressed', 'reported'),
  ofNoise('jitters-better', 'the same turned round, 80 → 20', 'no verdict', 'improved'),
  ofNoise('jitters-alike', 'jitter alone', 'passed', 'passed'),
  ofNoise('jitters-in-head', 'noise that only head has, 20 → 80', 'no verdict', 'regressed'),
  ofNoise('hidden-in-noise', 'noise of head in which a change can hide', 'no verdict', 'inconclusive'),
  ofNoise('last-round', 'a good number in the last rounds of head alone', 'passed', 'regressed'),
  ofNoise('third-round', 'a good number in most rounds of head', 'passed', 'regressed'),
  ofNoise('far-in-some-launches', '100 → 105, and 1100 in each fourth launch, which base accepts up to 10 %', 'passed', 'regressed'),
  ofNoise('jitters-around-zero', 'jitter around 0, then around −5, higher is better', 'no verdict', 'regressed'),
  ofNoise('rarely-worse', '20 → 5, and 500 in one launch of eight', 'improved', 'inconclusive'),
  situation({
    kind: 'noisy-metric',
    example: 'a time that is three times as long in two rounds of five, and shorter in the others',
    before: 'improved',
    now: 'regressed',
    source: 'neighbour',
    run: tolerant,
    speed: 'slow',
    metric: 'slow-rounds',
    expected: { verdict: 'regressed', reason: expect.stringMatching(/^the mean over rounds is worse by /) },
  }),
  situation({
    kind: 'stays-noisy',
    example: '+17.8 % in 36 launches of a metric that did not advance',
    before: 'inconclusive, and the job passed',
    now: 'regressed',
    source: 'reported',
    run: tolerant,
    speed: 'slow',
    metric: 'stays-noisy',
    expected: { verdict: 'regressed', launches: 36, reason: 'shown by the last test, over all 36 launches' },
  }),
  ...(
    [
      ['slower-later', 'a time that is half as long again, in every launch after the screening ones', 'regressed'],
      ['larger-later', 'an exact 100 → 103, in every launch after the screening ones', 'regressed'],
      ['beyond-numbers-later', 'an exact metric that is 1e308, in every launch after the screening ones', 'failed'],
    ] as const
  ).map(([metric, example, verdict]) =>
    situation({
      kind: 'stays-noisy',
      example,
      before: 'passed',
      now: verdict,
      source: 'neighbour',
      run: afterScreens,
      speed: 'slow',
      metric,
      expected: { verdict },
    }),
  ),
  situation({
    kind: 'stays-noisy',
    example: 'a metric that was given up at the first look, and is slower in the launches after it',
    before: 'passed',
    now: 'inconclusive, dependent',
    source: 'neighbour',
    run: tolerant,
    speed: 'slow',
    metric: 'given-up',
    expected: { verdict: 'inconclusive', launches: 36, reason: expect.stringMatching(/^dependent: it looks worse, but /) },
  }),
  situation({
    kind: 'stays-noisy',
    example: 'a metric as noisy as that, of which both arms are alike',
    before: 'passed',
    now: 'passed',
    source: 'neighbour',
    run: tolerant,
    speed: 'slow',
    metric: 'noisy-alike',
    expected: { verdict: 'passed' },
  }),
  ofClock('whole-milliseconds', 'whole milliseconds of a time of 2 ms', 'undecided', 'inconclusive'),
  ofClock('whole-milliseconds-worse', 'whole milliseconds, 10 → 30 ms', 'regressed', 'regressed'),
  ofClock('one-digit', 'a time of 2 ms in every round, to one digit', 'passed', 'inconclusive'),
];
