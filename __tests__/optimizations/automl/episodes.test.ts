import { describe, expect, it } from 'vitest';
import type { SessionOptions } from '../../../src/contract/generation.ts';
import type { Subject } from '../../../src/contract/optimization.ts';
import type { Tools } from '../../../src/contract/player.ts';
import { automlBenchmark } from '../../../src/optimizations/automl/benchmark.ts';
import type { SearchObservation, SearchSetting } from '../../../src/optimizations/automl/exchange.ts';
import { automlOptions } from '../../../src/optimizations/automl/options.ts';
import { type OracleRecord, oracleOf } from '../../../src/optimizations/automl/oracle.ts';
import { automlPlayer } from '../../../src/optimizations/automl/play.ts';
import { configurationsOf, servedAs, spaceOf } from '../../../src/optimizations/automl/space.ts';
import { automl } from '../../../src/optimizations/automl/subject.ts';
import { structuredPruningBenchmark } from '../../../src/optimizations/structured-pruning/benchmark.ts';
import { tensorDecompositionBenchmark } from '../../../src/optimizations/tensor-decomposition/benchmark.ts';
import type { ArmId, Json, Values } from '../../../src/records/words.ts';
import { seededRandom } from '../../../src/statistics/random.ts';
import { replayTools, turnOf } from '../../testkit/episode-tools.ts';
import { denseFacts } from '../miniature.ts';

const variants = ['main', 'pruned-25', 'pruned-50', 'factored'];
/** Milliseconds of a request and nats per token, measured once on a miniature; two threads and full optimization help. */
const speeds: Record<string, number> = { main: 4.75, 'pruned-25': 4.18, 'pruned-50': 3.57, factored: 4.32 };
const losses: Record<string, number> = { main: 0, 'pruned-25': 0.06, 'pruned-50': 0.6, factored: 0.19 };
const threads = (sessionOptions: SessionOptions): number => (sessionOptions.threads === 2 ? 0.75 : 1);
const graph = (sessionOptions: SessionOptions): number =>
  ({ all: 1, extended: 1, basic: 1.03, disabled: 1.16 })[sessionOptions.graphOptimization ?? 'all'];

type Faulty = Pick<Subject<never>, 'start'>;
const replay = (more: Partial<Parameters<typeof replayTools>[0]> = {}): Tools => {
  const noise = seededRandom(9);
  return replayTools({
    variants,
    costs: {
      prefill: ({ variant, sessionOptions = {} }) =>
        0.6 * speeds[variant]! * threads(sessionOptions) * graph(sessionOptions) * (1 + 0.08 * noise() + (noise() < 0.03 ? 1 : 0)),
      step: ({ variant, sessionOptions = {} }) => 0.2 * speeds[variant]! * threads(sessionOptions) * graph(sessionOptions),
      open: () => 20,
    },
    nllDelta: (variant) => losses[variant]!,
    subject: automl as unknown as Faulty,
    ...more,
  });
};
const tuned = await automlPlayer.tune!(replay(), {});
/** Means over twenty draws of a replay, of losses the largest; one play of what is executed. */
const played = async (
  point: 'replay' | 'found',
  arm: ArmId = 'head',
  more: Partial<Parameters<typeof replayTools>[0]> = {},
): Promise<Values> => {
  const draws: Values[] = [];
  for (let round = 0; round < (point === 'replay' ? 20 : 1); round++) {
    const turn = turnOf({ id: point, setting: null, exact: point === 'replay' }, { arm, tuned });
    draws.push((await automlPlayer.play({ ...turn, round }, replay({ seed: round, ...more }))).values);
  }
  const reduced = (name: string): number => {
    const values = draws.flatMap((each) => each[name] ?? []);
    return name === 'nll-delta' ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  return Object.fromEntries(Object.keys(draws[0] ?? {}).map((name) => [name, reduced(name)]));
};

/** A search of one's own: answers in turn, or the built-in that is told something else. */
const answering = (...answers: readonly Json[]): Faulty => ({
  start: async () => {
    let at = 0;
    return { next: async () => answers[Math.min(at++, answers.length - 1)]! };
  },
});
const told = (setting: (as: SearchSetting) => SearchSetting, seen: (as: SearchObservation) => SearchObservation): Faulty => ({
  start: async (episode) => {
    const policy = await (automl.start as unknown as NonNullable<Faulty['start']>)({
      ...episode,
      setting: setting(episode.setting as unknown as SearchSetting) as unknown as Json,
    });
    return { next: async (observation) => policy.next(seen(observation as unknown as SearchObservation) as unknown as Json) };
  },
});
const initial = { variant: 'main', threads: 1, 'graph-optimization': 'all', arena: true, 'memory-pattern': true, spinning: false };

/** Gives up at once: what it is shown first is the default. */
const findingFirst: Faulty = {
  start: async () => ({ next: async (seen) => ({ found: (seen as unknown as SearchObservation).configuration }) as unknown as Json }),
};

/** Tries what it is shown, over and over. */
const trying = (calls: number): Faulty => ({
  start: async () => ({ next: async (seen) => ({ try: (seen as unknown as SearchObservation).configuration, calls }) as unknown as Json }),
});

describe('a search', () => {
  it('gets nine tenths of the gain of the exhaustive one with two fifths of its trials', async () => {
    const values = await played('replay');
    const { configurations } = tuned as unknown as OracleRecord;
    expect(configurations).toHaveLength(24);
    expect(values['quality']).toBeGreaterThanOrEqual(0.9);
    expect(values['trials']).toBeLessThanOrEqual(0.4 * configurations.length);
    expect(values['automation']).toBeGreaterThan(85);
    expect(values['nll-delta']).toBe(0.06);
    expect(values['regret']).toBeLessThan(values['regret-by-chance']!);
    expect(values).toEqual(await played('replay', 'base'));
  });

  it('is timed for real, with what it found; the reference is the default', async () => {
    const [reference, head] = [await played('found', 'reference'), await played('found')];
    expect(reference['found-ms']).toBeCloseTo(4.9, 0);
    expect(head['found-ms']! / reference['found-ms']!).toBeLessThan(0.75);
    expect(head['search-seconds']).toBeGreaterThan(0.2);
    expect(Object.keys(reference)).toEqual(['found-ms']);
    const replayed = await played('replay', 'reference');
    expect(Object.keys(replayed)).toEqual(['nll-delta', 'found-ms', 'regret', 'regret-by-chance', 'quality']);
    expect(replayed).toMatchObject({ 'nll-delta': 0, quality: 0 });
    expect((await played('replay'))['regret']!).toBeLessThan(replayed['regret']! / 3);
  });
});

it('every search of a replay has the same figures, in a space that leaves something to find and in one that does not', async () => {
  const namesIn = async (record: Json): Promise<ReadonlySet<string>> => {
    const names = new Set<string>();
    for (let round = 0; round < 60; round++) {
      const turn = { ...turnOf({ id: 'replay', setting: null, exact: true }, { arm: 'head', tuned: record }), round };
      names.add(Object.keys((await automlPlayer.play(turn, replay({ seed: round }))).values).join());
    }
    return names;
  };
  expect(await namesIn(tuned)).toEqual(new Set(['nll-delta,found-ms,regret,regret-by-chance,quality,trials,automation']));
  // Only models that lose too much besides the default.
  const { configurations, ...rest } = tuned as unknown as OracleRecord;
  const one = configurations.filter(({ configuration: { threads: of, 'graph-optimization': level } }) => of === 1 && level === 'all');
  const hopeless = { ...rest, losses: { main: 0, 'pruned-25': 9, 'pruned-50': 9, factored: 9 }, configurations: one };
  expect(await namesIn(hopeless as unknown as Json)).toEqual(new Set(['nll-delta,found-ms,regret,regret-by-chance']));
});

describe('an arm that has not built every model of the space', () => {
  const few = { variants: ['main', 'pruned-25'] };

  it('searches among those that it has, and answers for what it lacks', async () => {
    const [all, some] = [await played('replay'), await played('replay', 'head', few)];
    expect(some['nll-delta']).toBeLessThanOrEqual(losses['pruned-25']!);
    expect(some['regret']).toBeGreaterThan(all['regret']!);
    const found = await played('found', 'head', few);
    expect(found['found-ms']).toBeGreaterThan(0);
  });

  it('has the default where it has none', async () => {
    expect((await played('replay', 'head', { variants: ['main'] }))['nll-delta']).toBe(0);
  });
});

describe('a fault is seen', () => {
  it('a search that ignores its constraint: by the loss of what it found, and not as a faster one', async () => {
    const subject = told(
      (setting) => ({ ...setting, 'nll-bound': 100 }),
      (seen) => seen,
    );
    const [sound, faulty] = [await played('replay'), await played('replay', 'head', { subject })];
    expect(faulty['nll-delta']).toBe(0.6);
    expect(sound['nll-delta']).toBe(0.06);
    expect(faulty['quality']).toBeLessThan(0.5);
    expect(faulty['regret']).toBeGreaterThan(sound['regret']! + 5);
    const [before, after] = [await played('found'), await played('found', 'head', { subject })];
    expect(after['found-ms']).toBeGreaterThan(1.2 * before['found-ms']!);
  });

  it('a search that looks the wrong way', async () => {
    const subject = told(
      (setting) => setting,
      (seen) => ({ ...seen, latency: 1 / seen.latency }),
    );
    const [sound, faulty] = [await played('replay'), await played('replay', 'head', { subject })];
    expect(faulty['quality']).toBeLessThan(sound['quality']! - 0.3);
    expect((await played('found', 'head', { subject }))['found-ms']).toBeGreaterThan(1.1 * (await played('found'))['found-ms']!);
  });

  it('a search that tries nothing', async () => {
    const lazy = await played('replay', 'head', { subject: findingFirst });
    const { automation, ...others } = lazy;
    expect(others).toEqual({ ...(await played('replay', 'reference')), trials: 25 });
    // Some options have their best value by default.
    expect(automation).toBeLessThan(60);
  });

  it('a build that answers worse than base said', async () => {
    const worse = await played('replay', 'head', { nllDelta: (variant) => 3 * losses[variant]! });
    expect(worse['nll-delta']).toBeCloseTo(0.18);
    // What breaks the bound on this arm may not be used.
    expect(worse['regret']).toBeGreaterThan((await played('replay'))['regret']! + 5);
    const { 'found-ms': latency } = await played('found', 'head', { nllDelta: (variant) => 3 * losses[variant]! });
    expect(latency).toBeGreaterThan(1.05 * (await played('found'))['found-ms']!);
  });

  it.each([
    ['no action', answering(7), /asked for its next action/],
    ['a configuration that does not exist', answering({ try: { ...initial, threads: 3 }, calls: 1 }), /asked for a configuration/],
    ['half a configuration', answering({ try: { variant: 'main' }, calls: 1 }), /asked for a configuration/],
    ['too many requests', trying(9), /at most 8/],
    ['too many trials', trying(1), /at most 9\./],
    ['what it did not try', answering({ found: { ...initial, threads: 2 } }), /one that it tried before/],
  ])('refuses %s', async (_what, subject, message) => {
    for (const point of ['replay', 'found'] as const)
      await expect(played(point, 'head', { subject })).rejects.toMatchObject({
        code: 'subject-protocol',
        message: expect.stringMatching(message),
      });
  });
});

describe('the space', () => {
  it('has what was built, the default first', () => {
    const space = spaceOf(automlOptions.parse({ variants: ['factored', 'pruned-25'] }, 'with'), ['main', 'pruned-25']);
    expect(space.map(({ id, values }) => [id, values.length])).toEqual([
      ['variant', 2],
      ['threads', 2],
      ['graph-optimization', 3],
      ['arena', 1],
      ['memory-pattern', 1],
      ['spinning', 1],
    ]);
    expect(configurationsOf(space)[0]).toEqual(initial);
    expect(servedAs(initial)).toEqual({
      variant: 'main',
      sessionOptions: { threads: 1, graphOptimization: 'all', arena: true, memoryPattern: true, spinning: false },
    });
  });

  it('knows which options matter and the best that keeps the bound', () => {
    const { best, mattering } = oracleOf(tuned as unknown as OracleRecord, 0.15, 'test');
    expect(mattering).toEqual(['variant', 'threads', 'graph-optimization']);
    expect(best).toBeCloseTo(4.18 * 0.75 * 1.02, 0);
    expect(oracleOf(tuned as unknown as OracleRecord, 0.7, 'test').best).toBeLessThan(best);
  });

  it('builds what the other optimizations build, under the same key', () => {
    const { variants: specs } = automlBenchmark.workload(denseFacts, automlOptions.parse({}, 'with'));
    const main = (benchmark: { workload: typeof structuredPruningBenchmark.workload }, options: never): unknown =>
      benchmark.workload(denseFacts, options).variants['main']?.options;
    expect(specs['pruned-25']).toEqual({
      optimization: 'structured-pruning',
      options: main(
        structuredPruningBenchmark,
        structuredPruningBenchmark.options.parse({ target: 'ffn', ratio: 0.25, importance: 'activation' }, 'with') as never,
      ),
      mayFail: 'where-base-does',
    });
    expect(specs['factored']?.options).toEqual(
      tensorDecompositionBenchmark.workload(denseFacts, tensorDecompositionBenchmark.options.parse({}, 'with')).variants['main']?.options,
    );
    expect(Object.keys(automlBenchmark.workload(denseFacts, automlOptions.parse({ variants: [] }, 'with')).variants)).toEqual([]);
    expect(automlBenchmark.applies(denseFacts, automlOptions.parse({}, 'with'))).toBe(true);
    expect(automlBenchmark.applies(denseFacts, automlOptions.parse({ variants: [], 'graph-optimization': ['all'] }, 'with'))).toMatchObject(
      {
        status: 'not-applicable',
      },
    );
  });
});
