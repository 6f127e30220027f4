import type { GenerationSession, Prompt } from '../../contract/generation.ts';
import type { Observation, Player, Tools } from '../../contract/player.ts';
import { median, quantile } from '../../statistics/describe.ts';
import { type StreamSetting, streamSetting } from './setting.ts';

type Of<Measure extends StreamSetting['measure']> = Extract<StreamSetting, { measure: Measure }>;
type Clock = Tools['clock'];

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Milliseconds of each token after the last prefill. */
const tokenTimes = async (talk: GenerationSession, steps: number, clock: Clock): Promise<readonly number[]> => {
  const times: number[] = [];
  for (let step = 0; step < steps; step++) {
    const from = clock.wall();
    await talk.decode(1);
    times.push(clock.wall() - from);
  }
  return times;
};

/** Milliseconds of the longest wait for a token of `talk` while a prompt is read in another conversation. */
const longestStall = async (talk: GenerationSession, other: GenerationSession, prompt: Prompt, clock: Clock): Promise<number> => {
  let arrived = false;
  const arrival = other.prefill(prompt).finally(() => {
    arrived = true;
  });
  const talking = async (): Promise<number> => {
    let longest = 0;
    do longest = Math.max(longest, ...(await tokenTimes(talk, 1, clock)));
    while (!arrived);
    return longest;
  };
  const [longest] = await Promise.all([talking(), arrival]);
  return longest;
};

const stream = async ({ prompt, steps }: Of<'stream'>, tools: Tools): Promise<Observation> => {
  const { clock } = tools;
  const [talk, other] = [await tools.session('main'), await tools.session('main')];
  const rows = tools.prompt(1, prompt);
  const from = clock.wall();
  await talk.prefill(rows);
  const first = clock.wall() - from;
  const times = await tokenTimes(talk, steps, clock);
  const stall = await longestStall(talk, other, rows, clock);
  return {
    values: { 'ttft-ms': first, 'itl-p50': median(times), 'itl-p99': quantile(times, 0.99), 'stall-ms': stall },
    trace: { time: times.map((_, step) => first + sum(times.slice(0, step + 1))), latency: times },
  };
};

/** Every token is what follows the whole text so far, computed from its beginning. */
const recompute = async ({ prompt }: Of<'stream'>, tools: Tools): Promise<Observation> => {
  const talk = await tools.session('main');
  const rows = tools.prompt(1, prompt);
  const times: number[] = [];
  for (let token = 0; token < 3; token++) {
    const from = tools.clock.wall();
    await talk.prefill(rows);
    times.push(tools.clock.wall() - from);
  }
  return { values: { 'itl-p50': median(times) } };
};

const sustained = async ({ prompt, long, steps }: Of<'sustained'>, tools: Tools): Promise<Observation> => {
  const { clock } = tools;
  const talk = await tools.session('main');
  await talk.prefill(tools.prompt(1, prompt));
  const early = await tokenTimes(talk, steps, clock);
  await talk.prefill(tools.prompt(1, long));
  const late = await tokenTimes(talk, 2 * steps, clock);
  return {
    values: {
      'tokens-per-second': (1000 * late.length) / sum(late),
      drift: (100 * (median(late) / median(early) - 1)) / ((long - prompt) / 1000),
    },
  };
};

/** Growth between the peaks of both halves: a cache that is cut back now and then has as much at one peak as at the other. */
const memory = async ({ fill, steps }: Of<'memory'>, tools: Tools): Promise<Observation> => {
  const talk = await tools.session('main');
  await talk.prefill(tools.prompt(1, fill));
  const bytes: number[] = [];
  for (let step = 0; step < steps; step++) {
    await talk.decode(1);
    bytes.push(talk.cacheBytes);
  }
  const half = Math.floor(steps / 2);
  const [before, after] = [Math.max(...bytes.slice(0, half)), Math.max(...bytes.slice(-half))];
  return {
    values: { 'bytes-per-token': (after - before) / half, 'cache-bytes': Math.max(...bytes) },
    trace: { token: bytes.map((_, step) => fill + step + 1), bytes },
  };
};

/** Plays with the models of the launch kept open: no session is released, so that a later round loads nothing. */
export const streamingPlayer: Player = {
  play: async ({ arm, point }, tools) => {
    const setting = streamSetting.parse(point.setting);
    switch (setting.measure) {
      case 'stream':
        return arm === 'comparator:recompute' ? recompute(setting, tools) : stream(setting, tools);
      case 'sustained':
        return sustained(setting, tools);
      case 'memory':
        return memory(setting, tools);
    }
  },
};
