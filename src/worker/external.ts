import { GateError } from '../errors.ts';
import { type LineChannel, openLineChannel } from '../processes/line-channel.ts';
import { minimumRounds, type OperatingPoint } from '../records/metric.ts';
import type { LaunchRequest } from '../records/protocol.ts';
import type { ArmId } from '../records/words.ts';
import { deriveSeed, seededRandom, shuffled } from '../statistics/random.ts';
import { type AnswerTime, openAnswerTime } from './answer-time.ts';
import { forArm } from './arm.ts';
import type { LaunchTools } from './launch-tools.ts';
import { type RoundColumns, secondsPerPoint } from './rounds.ts';
import { openWaitingLoad, type WaitingLoad } from './waiting-load.ts';

type ExternalPoint = Extract<OperatingPoint, { kind: 'external' }>;

/** Longest answer: a handful of numbers. */
const maxLineBytes = 1024 * 1024;

/**
 * Asks the program of every arm for one answer per round (`round N`, counted from 1), in an order
 * drawn anew for each round. The first answers warm up and are dropped; a slow program gives fewer
 * answers, as a slow call does. A head that is busy while base is asked is a warning. Throws what the program does wrong, naming its arm:
 * `subject-protocol` for an answer that is not one JSON object of finite numbers, under exactly the
 * names of the point's series and of what the arm's own configuration says that it reports.
 */
export const measureExternally = async (
  point: ExternalPoint,
  request: LaunchRequest,
  tools: LaunchTools,
): Promise<{ readonly values: RoundColumns; readonly warnings: string[] }> => {
  const columns: RoundColumns = {};
  const programs = new Map<ArmId, { readonly channel: LineChannel; readonly time: AnswerTime; readonly names: readonly string[] }>();
  const random = seededRandom(deriveSeed(request.seed, request.launch, point.id));
  try {
    for (const arm of shuffled(point.arms, random)) {
      const program = Object.hasOwn(request.policies, arm) ? request.policies[arm] : undefined;
      if (program === undefined) throw new GateError('internal', `There is no program of ${arm}.`, { where: request.launch });
      const { argv, cwd, environment, confinement, memoryBytes, seconds, reports } = program;
      const where = `${request.launch} ${arm}`;
      const channel = openLineChannel({ where, argv, cwd, environment, confinement, memoryBytes, maxLineBytes });
      programs.set(arm, { channel, time: openAnswerTime(seconds), names: [...new Set([...point.series, ...reports])] });
      columns[arm] = Object.fromEntries(point.series.map((series) => [series, []]));
    }
    let started = tools.clock.wall();
    let load: WaitingLoad | null = null;
    for (let round = 1; round <= point.warmUp + point.rounds; round++) {
      const done = round - 1 - point.warmUp;
      if (done === 0) {
        started = tools.clock.wall();
        load = openWaitingLoad(tools.clock);
        for (const [arm, { channel }] of programs) if (channel.pid !== null) load.join(arm, channel.pid);
      }
      if (done >= minimumRounds && tools.clock.wall() - started > secondsPerPoint(request.purpose) * 1000) break;
      for (const [arm, { channel, time, names }] of shuffled([...programs], random)) {
        tools.beat(point.id);
        const question = `round ${round}`;
        const answer = (): Promise<unknown> => time.within(`\`${question}\``, (seconds, late) => channel.askText(question, seconds, late));
        const values = await forArm(arm, async () => numbersOf(await answer(), names, `${request.launch} ${question}`));
        load?.answered(arm);
        if (round <= point.warmUp) continue;
        // What only this arm's own configuration names is not judged in this run.
        for (const [series, value] of values) columns[arm]?.[series]?.push(value);
      }
    }
    return { values: columns, warnings: load?.warnings() ?? [] };
  } finally {
    await Promise.all([...programs.values()].map(({ channel }) => channel.close(2)));
  }
};

/** Of an answer in a message. */
const longestExcerpt = 160;

const numbersOf = (answer: unknown, names: readonly string[], where: string): readonly (readonly [string, number])[] => {
  const text = JSON.stringify(answer);
  const excerpt = `${text.slice(0, longestExcerpt)}${text.length > longestExcerpt ? '…' : ''}`;
  const refuse = (what: string): GateError =>
    new GateError(
      'subject-protocol',
      `The program was asked for its numbers. Expected a JSON object with ${names.join(', ')}, got ${what}: ${excerpt}`,
      { where },
    );
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
    throw refuse(Array.isArray(answer) ? 'a list' : answer === null ? 'null' : `a ${typeof answer}`);
  const stray = Object.keys(answer).find((key) => !names.includes(key));
  if (stray !== undefined) throw refuse(`one in which ${JSON.stringify(stray.slice(0, 80))} is too many`);
  return names.map((name) => {
    const value: unknown = Object.hasOwn(answer, name) ? Reflect.get(answer, name) : undefined;
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw refuse(`one in which ${name} is ${value === undefined ? 'not there' : 'no finite number'}`);
    return [name, value] as const;
  });
};
