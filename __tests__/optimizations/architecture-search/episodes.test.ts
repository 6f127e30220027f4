import { describe, expect, it } from 'vitest';
import type { Subject } from '../../../src/contract/optimization.ts';
import type { Tools } from '../../../src/contract/player.ts';
import type { Policy } from '../../../src/contract/policy.ts';
import { comparatorOf, latencyOf, type PoolRecord } from '../../../src/optimizations/architecture-search/comparator.ts';
import type { ServeObservation, ServeSetting } from '../../../src/optimizations/architecture-search/exchange.ts';
import { searchOptions } from '../../../src/optimizations/architecture-search/options.ts';
import { searchPlayer } from '../../../src/optimizations/architecture-search/play.ts';
import { architectureSearch } from '../../../src/optimizations/architecture-search/subject.ts';
import type { ArmId, Json, Values } from '../../../src/records/words.ts';
import { seededRandom } from '../../../src/statistics/random.ts';
import { defaultPool } from '../../testkit/default-pool.ts';
import { replayTools, turnOf } from '../../testkit/episode-tools.ts';

/** Measured once on the four miniatures: milliseconds of a request, nats per token (character), bytes. */
const names = ['main', ...defaultPool];
const machines: Readonly<Record<string, readonly (readonly [number, number, number])[]>> = {
  dense: [
    [6.79, 0, 4750384],
    [5.93, 0.128, 3963966],
    [5.22, 0.656, 3177532],
    [5.32, 0.478, 3761079],
    [4.78, 0.835, 3171263],
    [3.76, 1.019, 2771834],
    [2.86, 1.656, 1985404],
  ],
  moe: [
    [8.41, 0, 6862912],
    [7.32, 0.113, 5683274],
    [6.53, 0.346, 4503619],
    [6.56, 0.334, 5476552],
    [6.11, 0.503, 4591821],
    [4.7, 0.709, 4089380],
    [3.89, 1.271, 2909729],
  ],
  glm: [
    [9.46, 0, 6681285],
    [8.41, 0.138, 5537359],
    [7.29, 0.639, 4394561],
    [7.46, 0.702, 5121016],
    [7.19, 0.93, 4310026],
    [4.53, 1.129, 3561978],
    [3.74, 1.639, 2603512],
  ],
  vl: [
    [4.9, 0, 4896305],
    [4.44, 0.0, 4453951],
    [3.79, 0.0, 4011568],
    [3.92, 1.851, 4299770],
    [3.66, 1.859, 3968003],
    [2.88, 4.774, 3702564],
    [2.34, 4.793, 3260193],
  ],
};

type Faulty = Pick<Subject<never>, 'start'>;
const replay = (machine: string, more: Partial<Parameters<typeof replayTools>[0]> = {}): Tools => {
  const table = machines[machine]!;
  const row = (variant: string): readonly [number, number, number] => table[names.indexOf(variant)]!;
  const noise = seededRandom(3);
  return replayTools({
    variants: names,
    costs: {
      // Now and then something else runs.
      prefill: ({ variant }) => row(variant)[0] * 0.6 * (1 + 0.06 * noise() + (noise() < 0.03 ? 1 : 0)),
      step: ({ variant }) => row(variant)[0] * 0.2,
      open: () => 20,
    },
    nllDelta: (variant) => row(variant)[1],
    inspect: (variant) => ({ bytes: row(variant ?? 'main')[2] }),
    subject: architectureSearch as unknown as Faulty,
    ...more,
  });
};
type Point = 'replay-drift' | 'live-drift';
const played = async (machine: string, point: Point, arm: ArmId = 'head', subject?: Faulty): Promise<Values> => {
  const tuned = await searchPlayer.tune!(replay(machine), {});
  const turn = turnOf({ id: point, setting: null, exact: point !== 'live-drift' }, { arm, tuned });
  return (await searchPlayer.play(turn, replay(machine, subject === undefined ? {} : { subject }))).values;
};

/** The built-in's search, and a controller of one's own. */
const controlledBy = (choose: (setting: ServeSetting, seen: ServeObservation) => string): Faulty => ({
  start: async (episode): Promise<Policy> => {
    const setting = episode.setting as unknown as ServeSetting | { task: 'search' };
    if (setting.task === 'search') return (architectureSearch.start as unknown as NonNullable<Faulty['start']>)(episode);
    return { next: async (seen) => ({ serve: choose(setting, seen as unknown as ServeObservation) }) };
  },
});
const answering = (...answers: readonly Json[]): Faulty => ({
  start: async () => {
    let at = 0;
    return { next: async () => answers[Math.min(at++, answers.length - 1)]! };
  },
});

/** A search of one's own, and the built-in's controller. */
const searchedBy = (search: Faulty): Faulty => {
  const startOf = ({ start }: Faulty) => start as unknown as NonNullable<Subject<unknown>['start']>;
  return {
    start: async (episode) => {
      const { task } = episode.setting as unknown as { readonly task: string };
      return startOf(task === 'search' ? search : (architectureSearch as unknown as Faulty))(episode);
    },
  };
};

describe.each(Object.keys(machines))('%s', (machine) => {
  it('finds nine tenths of the front with fewer trials than there are variants', async () => {
    const { efficiency } = await played(machine, 'replay-drift');
    expect(efficiency).toBeGreaterThanOrEqual(0.9);
    expect(efficiency).toBeLessThanOrEqual(1);
    expect((await played(machine, 'replay-drift', 'reference'))['efficiency']).toBeLessThan(efficiency!);
  });

  it.each(['replay-drift', 'live-drift'] as const)('%s: keeps more budgets than the best single variant, and the bound', async (point) => {
    const [reference, head] = [await played(machine, point, 'reference'), await played(machine, point)];
    const pool = (await searchPlayer.tune!(replay(machine), {})) as unknown as PoolRecord;
    const { lossBound } = comparatorOf(pool, 0.5);
    expect(head['goodput']! / reference['goodput']!).toBeGreaterThan(1.05);
    expect(head['nll-delta']).toBeLessThanOrEqual(lossBound);
    expect(head['adaptation-ms']).toBeLessThan(60);
    expect(head).toEqual(await played(machine, point, 'base'));
  });
});

describe('a fault is seen', () => {
  it('a search that offers its first trials', async () => {
    const sound = await played('dense', 'replay-drift');
    const lazy = await played('dense', 'replay-drift', 'head', searchedBy(answering({ try: names[6]! }, { offer: ['main', names[6]!] })));
    expect(lazy['efficiency']).toBeLessThan(sound['efficiency']! - 0.1);
  });

  it.each([
    ['never swaps', 'goodput', ({ members }: ServeSetting) => members[0]!.name, (sound: number, faulty: number) => faulty < 0.8 * sound],
    [
      'forgets the bound',
      'nll-delta',
      ({ members }: ServeSetting) => members.toSorted((a, b) => a.latency - b.latency)[0]!.name,
      (sound: number, faulty: number) => faulty > sound + 0.2,
    ],
    [
      'swaps for every request',
      'adaptation-ms',
      ({ members }: ServeSetting, { served, event, current }: ServeObservation) =>
        event === 'budget' && current !== null ? current : members.toSorted((a, b) => a.latency - b.latency)[served % 2]!.name,
      (sound: number, faulty: number) => faulty > 1.2 * sound,
    ],
    [
      'obeys a tighter budget six requests late',
      'adaptation-ms',
      (() => {
        let [late, budget] = [0, 0];
        return ({ members }: ServeSetting, seen: ServeObservation) => {
          if (seen.budget !== budget) [budget, late] = [seen.budget, 0];
          else late += 1;
          const fitting = members.filter(({ latency }) => latency * 1.1 <= budget).toSorted((a, b) => b.latency - a.latency)[0];
          return late < 6 && seen.current !== null ? seen.current : (fitting ?? members.toSorted((a, b) => a.latency - b.latency)[0]!).name;
        };
      })(),
      (sound: number, faulty: number) => faulty > 1.2 * sound,
    ],
  ] as const)('a controller that %s worsens %s', async (_what, series, choose, worse) => {
    const sound = await played('dense', 'live-drift');
    const faulty = await played('dense', 'live-drift', 'head', controlledBy(choose));
    expect(worse(sound[series]!, faulty[series]!), `${sound[series]} → ${faulty[series]}`).toBe(true);
  });

  it.each([
    ['no action', answering({ serve: 'main' }), /asked for its next action/],
    ['an unknown variant', answering({ try: 'no-such' }), /none called no-such/],
    ['more trials than allowed', answering({ try: 'main' }), /at most 4\./],
    ['what it did not try', answering({ offer: ['main', names[1]!] }), /one that it tried before/],
    ['a variant outside the pool', answering({ try: 'main' }, { offer: ['main'] }), /asked for its next action/],
    ['what it did not find', controlledBy(() => 'no-such'), /none called no-such/],
  ])('refuses %s', async (_what, subject, message) => {
    await expect(played('dense', 'live-drift', 'head', subject)).rejects.toMatchObject({
      code: 'subject-protocol',
      message: expect.stringMatching(message),
    });
  });
});

describe('the comparator', () => {
  it('measures every variant there is, several times, and nothing of the policy', async () => {
    const pool = (await searchPlayer.tune!(replay('dense', { subject: answering(null) }), {})) as unknown as PoolRecord;
    expect(pool.map(({ name }) => name)).toEqual(names);
    for (const [at, each] of pool.entries()) {
      expect(latencyOf(each)).toBeCloseTo(machines['dense']![at]![0], 0);
      expect(each.latencies).toHaveLength(10);
      expect(each.swap).toBeGreaterThan(20);
    }
  });

  it('serves what an arm has built, at the loss of its own builds', async () => {
    const tuned = await searchPlayer.tune!(replay('dense'), {});
    const turn = turnOf({ id: 'live-drift', setting: null }, { arm: 'head', tuned });
    const few = await searchPlayer.play(turn, replay('dense', { variants: ['main', 'depth-50-width-50'] }));
    expect(new Set(few.trace!['variant'])).toEqual(new Set([0, 1]));
    const worse = await searchPlayer.play(turn, replay('dense', { nllDelta: (variant) => (variant === 'main' ? 0 : 0.3) }));
    expect(worse.values['nll-delta']).toBeLessThanOrEqual(0.3);
  });

  it('the best single variant keeps the bound', () => {
    const pool: PoolRecord = names.map((name, at) => {
      const [latency, loss, bytes] = machines['dense']![at]!;
      return { name, latencies: [latency], swap: 20, 'nll-delta': loss, bytes, work: null };
    });
    expect(comparatorOf(pool, 1).best).toBe('depth-50-width-50');
    expect(comparatorOf(pool, 0.5).best).toBe('depth-100-width-75');
    expect(comparatorOf(pool, 0).best).toBe('main');
  });

  it('reads options of its own', () => {
    expect(searchOptions.parse({}, 'with')).toMatchObject({ trials: 4, quality: 0.5 });
    expect(() => searchOptions.parse({ pool: [{ depth: 2, width: 1 }] }, 'with')).toThrow(
      expect.objectContaining({ code: 'option-invalid' }),
    );
  });
});
