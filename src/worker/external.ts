import { GateError } from '../errors.ts';
import { type LineChannel, openLineChannel } from '../processes/line-channel.ts';
import { minimumRounds, type OperatingPoint } from '../records/metric.ts';
import type { LaunchRequest } from '../records/protocol.ts';
import type { ArmId } from '../records/words.ts';
import { deriveSeed, seededRandom, shuffled } from '../statistics/random.ts';
import { forArm } from './arm.ts';
import type { LaunchTools } from './launch-tools.ts';
import { type Columns, secondsPerPoint } from './rounds.ts';

type ExternalPoint = Extract<OperatingPoint, { kind: 'external' }>;

/** Longest answer: a handful of numbers. */
const maxLineBytes = 1024 * 1024;

/**
 * Asks the program of every arm for one answer per round (`round N`, counted from 1), in an order drawn anew for each round. The first
 * answers warm up and are dropped; a slow program gives fewer answers, as a slow call does. Throws what the program does wrong, naming its arm: `subject-protocol` for an answer that is not one
 * JSON object with exactly the point's series as finite numbers.
 */
export const measureExternally = async (point: ExternalPoint, request: LaunchRequest, tools: LaunchTools): Promise<Columns> => {
  const columns: Columns = {};
  const programs = new Map<ArmId, { readonly channel: LineChannel; readonly seconds: number }>();
  const random = seededRandom(deriveSeed(request.seed, request.launch, point.id));
  try {
    for (const arm of shuffled(point.arms, random)) {
      const program = Object.hasOwn(request.policies, arm) ? request.policies[arm] : undefined;
      if (program === undefined) throw new GateError('internal', `${arm} has no program`, { where: request.launch });
      const { argv, cwd, environment, memoryBytes, seconds } = program;
      const channel = openLineChannel({ where: `${request.launch} ${arm}`, argv, cwd, environment, memoryBytes, maxLineBytes });
      programs.set(arm, { channel, seconds });
      columns[arm] = Object.fromEntries(point.series.map((series) => [series, []]));
    }
    let started = tools.clock.wall();
    for (let round = 1; round <= point.warmUp + point.rounds; round++) {
      const done = round - 1 - point.warmUp;
      if (done === 0) started = tools.clock.wall();
      if (done >= minimumRounds && tools.clock.wall() - started > secondsPerPoint(request.purpose) * 1000) break;
      for (const [arm, { channel, seconds }] of shuffled([...programs], random)) {
        tools.beat(point.id);
        const values = await forArm(arm, async () => numbersOf(await channel.askText(`round ${round}`, seconds), point, request.launch));
        if (round <= point.warmUp) continue;
        for (const [series, value] of values) columns[arm]?.[series]?.push(value);
      }
    }
    return columns;
  } finally {
    await Promise.all([...programs.values()].map(({ channel }) => channel.close(2)));
  }
};

const numbersOf = (answer: unknown, point: ExternalPoint, where: string): readonly (readonly [string, number])[] => {
  const refuse = (what: string): GateError =>
    new GateError('subject-protocol', `an answer must be one JSON object with the numbers ${point.series.join(', ')}; ${what}`, { where });
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) throw refuse('this is none');
  const stray = Object.keys(answer).find((key) => !point.series.includes(key));
  if (stray !== undefined) throw refuse(`${JSON.stringify(stray.slice(0, 80))} is not among them`);
  return point.series.map((series) => {
    const value: unknown = Object.hasOwn(answer, series) ? Reflect.get(answer, series) : undefined;
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw refuse(`${series} is ${value === undefined ? 'not there' : 'no finite number'}`);
    return [series, value] as const;
  });
};
