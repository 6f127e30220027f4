import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { GenerationSession } from '../../../src/contract/generation.ts';
import type { Tools, Turn } from '../../../src/contract/player.ts';
import { streamingBenchmark } from '../../../src/optimizations/streaming/benchmark.ts';
import { streamingPlayer } from '../../../src/optimizations/streaming/play.ts';
import type { ModelFacts } from '../../../src/records/serving.ts';
import type { ArmId } from '../../../src/records/words.ts';
import { type ReplayedCosts, replayTools, turnOf } from '../../testkit/episode-tools.ts';
import { denseFacts } from '../miniature.ts';

const model: ModelFacts = { ...denseFacts, context: 2048 };
const options = streamingBenchmark.options.parse({}, 'with');
const turn = (id: string, arm: ArmId = 'head'): Turn => {
  const point = streamingBenchmark.workload(model, options).points.find((each) => each.id === id);
  if (point?.kind !== 'episode') throw new Error(`no episode ${id}`);
  return turnOf(point, { arm });
};
const full: ReplayedCosts = { prefill: ({ length }) => length * 0.1, step: ({ past }) => 1 + past / 1000 };
const bounded: ReplayedCosts = { ...full, step: ({ past }) => 1 + Math.min(past, 320) / 1000 };
const played = async (id: string, costs: ReplayedCosts, cacheBytes = 100, arm: ArmId = 'head') =>
  streamingPlayer.play(turn(id, arm), replayTools({ costs, cacheBytes: ({ tokens }) => tokens * cacheBytes }));

describe('stream', () => {
  it('times the first token, and each after it', async () => {
    const { values, trace } = await played('stream', full);
    expect(values['ttft-ms']).toBeCloseTo(38.4, 9);
    expect(values['itl-p50']).toBeCloseTo(1 + (384 + 15.5) / 1000, 9);
    expect(values['itl-p99']).toBeLessThanOrEqual(1 + 415 / 1000);
    expect(trace?.['time']).toHaveLength(32);
    expect(trace?.['time']?.at(-1)).toBeCloseTo(38.4 + 32 * 1.3995, 6);
  });

  it('computes everything anew in the comparator', async () => {
    const { values } = await played('stream', full, 100, 'comparator:recompute');
    expect(values).toEqual({ 'itl-p50': expect.closeTo(38.4, 9) });
  });

  /** Sessions on one processor that runs one call after the other; a chunk is a call. */
  const sharedProcessor = (chunk: number): Tools => {
    let now = 0;
    const session = async (): Promise<GenerationSession> => ({
      prefill: async ({ length }) => {
        for (let at = 0; at < length; at += chunk) {
          await turnOfTheLoop();
          now += Math.min(chunk, length - at) * 0.1;
        }
      },
      decode: async () => {
        await turnOfTheLoop();
        now += 1;
      },
      cacheBytes: 0,
      release: async () => {},
    });
    return { ...replayTools({ costs: full }), session, clock: { wall: () => now, cpu: () => now, thread: () => now } };
  };

  it.each([
    [128, 12.8 + 1],
    [384, 38.4 + 1],
    [65_536, 38.4 + 1],
  ])('a prompt in chunks of %i holds others up for %f ms', async (chunk, expected) => {
    const { values } = await streamingPlayer.play(turn('stream'), sharedProcessor(chunk));
    expect(values['stall-ms']).toBeCloseTo(expected, 9);
    expect(values['ttft-ms']).toBeCloseTo(38.4, 9);
  });

  it('fails with what the other conversation fails with', async () => {
    const tools = sharedProcessor(128);
    let opened = 0;
    const session = async () => {
      const sound = await tools.session('main');
      return ++opened === 1 ? sound : { ...sound, prefill: () => Promise.reject(new Error('no room')) };
    };
    await expect(streamingPlayer.play(turn('stream'), { ...tools, session })).rejects.toThrow('no room');
  });
});

describe('sustained', () => {
  it('a full cache slows down with the length of its past, a bounded one does not', async () => {
    const [slowing, steady] = [await played('sustained', full), await played('sustained', bounded)];
    const [early, late] = [1 + (384 + 15.5) / 1000, 1 + (1024 + 31.5) / 1000];
    expect(slowing.values['drift']).toBeCloseTo((100 * (late / early - 1)) / 0.64, 6);
    expect(slowing.values['tokens-per-second']).toBeCloseTo(1000 / late, 6);
    expect(steady.values['drift']).toBeCloseTo(0, 9);
    expect(steady.values['tokens-per-second']).toBeCloseTo(1000 / 1.32, 6);
  });
});

describe('memory', () => {
  it('a full cache grows by its bytes per token', async () => {
    const { values } = await played('memory', full, 2048);
    // All that was filled, and one token for each step.
    const { setting } = turn('memory').point;
    const { fill, steps } = setting as { fill: number; steps: number };
    expect(values).toEqual({ 'bytes-per-token': 2048, 'cache-bytes': 2048 * (fill + steps) });
  });

  it('a cache that is cut back now and then does not grow; one that loses less than it gains does', async () => {
    const sawtooth = (period: number, leak: number) => async () =>
      streamingPlayer.play(
        turn('memory'),
        replayTools({ costs: full, cacheBytes: ({ tokens }) => 256 + (tokens % period) + leak * tokens }),
      );
    expect((await sawtooth(16, 0)()).values['bytes-per-token']).toBe(0);
    expect((await sawtooth(32, 0)()).values['bytes-per-token']).toBe(0);
    expect((await sawtooth(32, 3)()).values['bytes-per-token']).toBeCloseTo(3, 9);
    // The peaks count, of which a cache that is cut back later has higher ones.
    expect((await sawtooth(16, 0)()).values['cache-bytes']).toBe(256 + 15);
    expect((await sawtooth(32, 0)()).values['cache-bytes']).toBe(256 + 31);
  });
});
