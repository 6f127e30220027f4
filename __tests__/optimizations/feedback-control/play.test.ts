import { beforeAll, describe, expect, it } from 'vitest';
import type { Subject } from '../../../src/contract/optimization.ts';
import type { Observation } from '../../../src/contract/player.ts';
import { feedbackControlBenchmark } from '../../../src/optimizations/feedback-control/benchmark.ts';
import { feedbackComparator, levelOf } from '../../../src/optimizations/feedback-control/comparator.ts';
import { feedbackPlayer } from '../../../src/optimizations/feedback-control/play.ts';
import { feedbackControl } from '../../../src/optimizations/feedback-control/subject.ts';
import type { ArmId, Json } from '../../../src/records/words.ts';
import { replayTools, turnOf } from '../../testkit/episode-tools.ts';
import { costsOf, type Plant, plantNames } from '../adaptive-batching/plants.ts';
import { denseFacts } from '../miniature.ts';

const { points } = feedbackControlBenchmark.workload(denseFacts, feedbackControlBenchmark.options.parse({}, 'with'));
const pointOf = (id: string) => {
  const point = points.find((each) => each.id === id);
  if (point?.kind !== 'episode') throw new Error(`no episode ${id}`);
  return point;
};

const comparators = new Map<Plant, Json>();
beforeAll(async () => {
  for (const plant of plantNames)
    comparators.set(plant, (await feedbackPlayer.tune?.(replayTools({ costs: costsOf(plant, 3) }), {})) ?? null);
});

interface Played {
  readonly plant?: Plant;
  readonly id: string;
  readonly arm?: ArmId;
  readonly options?: Json;
  readonly subject?: Pick<Subject<never>, 'start'>;
  readonly seed?: number;
}
const play = async ({
  plant = 'dense',
  id,
  arm = 'head',
  options = {},
  subject = feedbackControl,
  seed = 1,
}: Played): Promise<Observation> =>
  feedbackPlayer.play(
    turnOf(pointOf(id), { arm, tuned: comparators.get(plant) ?? null, seed }),
    replayTools({ costs: costsOf(plant, 99), subject, options, seed }),
  );

describe('the comparator', () => {
  it.each(plantNames)('%s: the set-point is what the open loop takes undisturbed', (plant) => {
    const comparator = feedbackComparator.parse(comparators.get(plant));
    const { plant: fitted } = comparator;
    const { setPoint, slope, batch } = levelOf(comparator, 8);
    expect(setPoint).toBeCloseTo(fitted.fixed + batch * (fitted.request + 8 * fitted.token), 9);
    expect(slope).toBeCloseTo(fitted.request + 8 * fitted.token, 9);
    // The plant that made the table: what is replayed is near what was measured.
    const costs = costsOf(plant, 1, 0);
    const real = costs.prefill({ variant: 'main', batch, length: 8 }) + 2 * costs.step({ variant: 'main', batch, past: 8 });
    expect(setPoint / real).toBeGreaterThan(0.95);
    expect(setPoint / real).toBeLessThan(1.05);
  });
});

describe('the closed loop, in replay', () => {
  it.each(plantNames.flatMap((plant) => ['step', 'ramp', 'burst', 'low', 'high'].map((disturbance) => [plant, disturbance] as const)))(
    '%s, %s: settles within 20 steps, overshoots at most 15 %, does not swing; the open loop does not settle',
    async (plant, disturbance) => {
      for (let seed = 1; seed <= 5; seed++) {
        const { values, warnings } = await play({ plant, id: `replay-${disturbance}`, seed });
        expect(warnings).toEqual([]);
        expect(values['settling-steps']).toBeLessThanOrEqual(20);
        expect(values['overshoot']).toBeLessThanOrEqual(15);
        expect(values['tracking-accuracy']).toBeGreaterThan(99);
        expect(values['stable']).toBe(1);
        const open = (await play({ plant, id: `replay-${disturbance}`, arm: 'reference', seed })).values;
        expect(Object.keys(open)).not.toContain('settling-steps');
        expect(open['tracking-accuracy']).toBeLessThan(90);
      }
    },
  );

  it.each(plantNames.flatMap((plant) => ['saturation', 'queue'].map((disturbance) => [plant, disturbance] as const)))(
    '%s, %s: settles, however far it was pushed',
    async (plant, disturbance) => {
      for (let seed = 1; seed <= 5; seed++) {
        const { values, warnings } = await play({ plant, id: `replay-${disturbance}`, seed });
        expect(warnings).toEqual([]);
        expect(values['settling-steps']).toBeLessThanOrEqual(disturbance === 'queue' ? 20 : 9);
        expect(values['tracking-accuracy']).toBeGreaterThan(98);
        expect(values['ripple']).toBeLessThan(5);
      }
    },
  );

  it('is the same to the bit for the same seed, whatever the machine does meanwhile', async () => {
    const what = { id: 'replay-burst' };
    const first = await play(what);
    expect(await play({ ...what, arm: 'base' })).toEqual(first);
    const elsewhere = await feedbackPlayer.play(
      turnOf(pointOf('replay-burst'), { arm: 'head', tuned: comparators.get('dense') ?? null }),
      replayTools({ costs: costsOf('latent', 4, 0.9), subject: feedbackControl }),
    );
    expect(elsewhere).toEqual(first);
    expect((await play({ ...what, seed: 2 })).values).not.toEqual(first.values);
  });

  it('shows the course, step by step', async () => {
    const { trace = {} } = await play({ id: 'replay-step' });
    expect(Object.keys(trace)).toEqual(['time', 'tokens', 'batch', 'latency', 'set-point']);
    for (const column of Object.values(trace)) expect(column).toHaveLength(60);
    expect(trace['tokens']?.slice(19, 21)).toEqual([8, 16]);
    expect(trace['batch']?.[0]).toBe(8);
    expect(trace['batch']?.[59]).toBeLessThan(8);
  });
});

describe('with real executions', () => {
  it('services are what the sessions take', async () => {
    const { values, trace } = await play({ id: 'live-step' });
    expect(values['stable']).toBe(1);
    expect(values['tracking-accuracy']).toBeGreaterThan(95);
    expect(trace?.['latency']).not.toEqual((await play({ id: 'live-step', seed: 2 })).trace?.['set-point']);
    expect(trace?.['time']).toHaveLength(20);
  });
});

describe('a fault is seen', () => {
  const faulty: readonly (readonly [string, Json, string, (value: number) => boolean])[] = [
    ['gains ten times as large', { integral: 4, proportional: 1 }, 'stable', (value) => value === 0],
    ['gains ten times as large', { integral: 4, proportional: 1 }, 'overshoot', (value) => value > 30],
    ['a loop that hardly closes', { integral: 0.02, proportional: 0 }, 'settling-steps', (value) => value > 30],
    ['a loop that is open', { integral: 0, proportional: 0 }, 'tracking-accuracy', (value) => value < 90],
    ['a limit that is too low', { maximum: 3 }, 'tracking-accuracy', (value) => value < 90],
  ];
  it.each(faulty)('%s %j: %s', async (_, options, series, wrong) => {
    expect(wrong((await play({ id: 'replay-step', options })).values[series] ?? Number.NaN)).toBe(true);
    expect(wrong((await play({ id: 'replay-step' })).values[series] ?? Number.NaN)).toBe(false);
  });

  it.each(plantNames)('%s: an integral that runs on past the limits takes longer to come back', async (plant) => {
    const steps = async (options: Json) => (await play({ plant, id: 'replay-saturation', options })).values['settling-steps'] ?? Number.NaN;
    expect(await steps({ antiWindup: false })).toBeGreaterThan(1.1 * (await steps({})));
  });

  it('a loop that never settles counts as more steps than any that does, and says so', async () => {
    for (const arm of ['base', 'head'] as const) {
      const { values, warnings } = await play({ id: 'replay-step', arm, options: { integral: 0, proportional: 0 } });
      expect(values['settling-steps']).toBe(41);
      expect(warnings).toEqual([`warning: settling-steps: ${arm} did not always settle within 40 steps, which counts as 41`]);
    }
    expect((await play({ id: 'replay-step', arm: 'reference' })).warnings).toEqual([]);
  });

  it.each([null, {}, { batch: '8' }, { batch: Number.NaN }, { batch: 0.5 }, { batch: 17 }, { batch: 4, wait: 1 }])(
    'an answer %j is refused with a code',
    async (answer) => {
      const subject = { start: async () => ({ next: async () => answer as Json }) };
      await expect(play({ id: 'replay-step', subject })).rejects.toThrow(
        expect.objectContaining({ code: 'subject-protocol', where: 'head at replay-step' }),
      );
    },
  );

  it('the built-in refuses a setting, options or an observation that cannot be', async () => {
    const start = (options: Json, setting: Json) =>
      feedbackControl.start?.({ point: 'p', seed: 1, options, setting }) ?? Promise.reject(new Error('no policy'));
    const setting = { setPoint: 10, initial: 4, minimum: 1, maximum: 16, slope: 2 };
    await expect(start({ integral: -1 }, setting)).rejects.toThrow(expect.objectContaining({ code: 'option-invalid' }));
    await expect(start({}, { ...setting, slope: 0 })).rejects.toThrow(expect.objectContaining({ code: 'document-invalid' }));
    const policy = await start({}, setting);
    await expect(policy.next({ step: 0, latency: -1, batch: 3 })).rejects.toThrow(expect.objectContaining({ code: 'document-invalid' }));
  });
});
