import type { GenerationSession } from '../../contract/generation.ts';
import type { Observation, Player, Tools, Turn } from '../../contract/player.ts';
import type { Policy } from '../../contract/policy.ts';
import { GateError } from '../../errors.ts';
import { decodeValue } from '../../records/decode.ts';
import { median } from '../../statistics/describe.ts';
import { lossWindows } from '../serving/loss-windows.ts';
import { nextAction } from '../serving/policy-action.ts';
import { atRecordedPace, elapsed, openPace, requestPrompt, serveRequest } from '../serving/request-times.ts';
import { comparatorOf, efficiencyOf, latencyOf, type Measured, measurePool, type PoolRecord, poolRecord } from './comparator.ts';
import { type DriftTrace, driftTrace } from './drift.ts';
import {
  type PoolSearchObservation,
  type PoolSearchSetting,
  type ServeObservation,
  type ServeSetting,
  searchAction,
  serveAction,
} from './exchange.ts';
import { searchOptions } from './options.ts';
import { fullModel, poolOf } from './pool.ts';
import { adaptationTime, type DriftServer, type DriftView, goodputOf, isInside, type ServedDrift, serveDrift } from './serving.ts';

/** Requests of an episode. */
const requests = 64;

/**
 * Searches the pool in replay, and serves a drifting budget for real with what was found. What is really executed counts at the pace of the
 * machine when the pool was measured: the record says how variants compare and is used for months, a machine is now slower, now faster.
 */
export const searchPlayer: Player = {
  tune: async (tools) => [...(await measurePool(tools))],
  play: async (turn, tools) => {
    const pool = decodeValue(poolRecord, turn.tuned, 'tuned');
    const options = searchOptions.parse(turn.options, 'options');
    const { best, ...comparator } = comparatorOf(pool, options.quality);
    const offered = turn.arm === 'reference' ? [best] : await searched(turn, tools, pool, options);
    if (turn.point.exact) return { values: { efficiency: efficiencyOf(pool, offered) } };
    const members: Measured[] = [];
    for (const each of pool) {
      // Of the pool that was found only what this arm has built can be served, and its loss is its own.
      if (!offered.includes(each.name) || !tools.variants.includes(each.name)) continue;
      members.push({ ...each, 'nll-delta': await tools.nllDelta(each.name, lossWindows(tools.model)) });
    }
    const trace = driftTrace({ requests, reference: comparator.reference, budgets: comparator.budgets, random: tools.random });
    const pace = await openPace(tools);
    try {
      const choose = turn.arm === 'reference' ? () => best : await controlled(turn, tools, members, comparator.lossBound);
      const paced = await atRecordedPace(pace, comparator.reference);
      return observed(trace, await really(tools, trace, choose, paced), members);
    } finally {
      await pace.release();
    }
  },
};

const where = ({ arm, point }: Turn): string => `${arm} at ${point.id}`;

/** Lets the policy try members, whose measurements are read from the record, until it offers a pool. */
const searched = async (
  turn: Turn,
  tools: Pick<Tools, 'policy' | 'model'>,
  pool: PoolRecord,
  options: ReturnType<typeof searchOptions.parse>,
): Promise<readonly string[]> => {
  const shapes = poolOf(tools.model, options).flatMap(({ name, shape }) => {
    const known = pool.find((each) => each.name === name);
    return known === undefined ? [] : [{ name, ...shape, bytes: known.bytes }];
  });
  const trials = Math.min(options.trials, shapes.length - 1);
  const setting: PoolSearchSetting = { task: 'search', members: shapes, trials };
  const policy = await tools.policy(setting);
  const outcome = (name: string): PoolSearchObservation['trial'] => {
    const member = pool.find((each) => each.name === name);
    if (member === undefined)
      throw new GateError('subject-protocol', `The program asked to try a variant. There is none called ${name}.`, { where: where(turn) });
    return { name, latency: latencyOf(member), 'nll-delta': member['nll-delta'] };
  };
  const tried = new Set([fullModel]);
  let seen: PoolSearchObservation = { trial: outcome(fullModel), left: trials };
  for (;;) {
    const action = await nextAction(policy, seen, searchAction, where(turn));
    if ('offer' in action) {
      const untried = action.offer.find((name) => !tried.has(name));
      if (untried !== undefined)
        throw new GateError('subject-protocol', `The program offered the variant ${untried}. Expected one that it tried before.`, {
          where: where(turn),
        });
      return action.offer;
    }
    if (seen.left === 0)
      throw new GateError('subject-protocol', `The program asked for another trial. It may have at most ${trials}.`, {
        where: where(turn),
      });
    seen = { trial: outcome(action.try), left: seen.left - 1 };
    tried.add(action.try);
  }
};

/** The policy's choices, from what it found. */
const controlled = async (
  turn: Turn,
  tools: Pick<Tools, 'policy'>,
  members: readonly Measured[],
  bound: number,
): Promise<DriftServer['choose']> => {
  const setting: ServeSetting = {
    task: 'serve',
    members: members.map(({ latencies, swap, ...each }) => ({
      ...each,
      latency: median(latencies),
      swap,
    })),
    'loss-bound': bound,
    requests,
  };
  const policy: Policy = await tools.policy(setting);
  const loss = lossOf(members);
  return async (view) => {
    const { serve } = await nextAction(policy, shown(view, loss), serveAction, where(turn));
    if (!members.some(({ name }) => name === serve))
      throw new GateError('subject-protocol', `The program chose a variant to serve. There is none called ${serve}.`, {
        where: where(turn),
      });
    return serve;
  };
};

type Loss = (name: string) => number;
const lossOf = (members: readonly Measured[]): Loss => {
  const losses = new Map(members.map((each) => [each.name, each['nll-delta']]));
  return (name) => losses.get(name) ?? Number.NaN;
};
const meanLoss = (served: ServedDrift['served'], loss: Loss): number =>
  served.reduce((sum, { name }) => sum + loss(name), 0) / Math.max(1, served.length);

const shown = ({ event, time, budget, waiting, current, served }: DriftView, loss: Loss): ServeObservation => {
  const last = served.at(-1);
  return {
    event,
    time,
    budget,
    waiting,
    current,
    served: served.length,
    'nll-delta': meanLoss(served, loss),
    last:
      last === undefined
        ? null
        : { name: last.name, latency: last.end - last.arrival, service: last.end - last.start, inside: isInside(last) },
  };
};

/** Every request and every swap really runs; a swap ends one session and opens and warms another. */
const really = async (
  tools: Tools,
  trace: DriftTrace,
  choose: DriftServer['choose'],
  paced: (work: () => Promise<number>) => Promise<number>,
): Promise<ServedDrift> => {
  const prompt = requestPrompt(tools);
  let session: GenerationSession | null = null;
  try {
    return await serveDrift(trace, {
      choose,
      swap: async (name) =>
        paced(() =>
          elapsed(tools, async () => {
            await session?.release();
            session = null;
            session = await tools.session(name);
            await serveRequest(session, prompt);
          }),
        ),
      serve: async () =>
        paced(() =>
          elapsed(tools, async () => {
            if (session !== null) await serveRequest(session, prompt);
          }),
        ),
    });
  } finally {
    await (session as GenerationSession | null)?.release();
  }
};

const observed = (trace: DriftTrace, result: ServedDrift, members: readonly Measured[]): Observation => {
  const { served } = result;
  const adaptation = adaptationTime(trace, result);
  return {
    values: {
      goodput: goodputOf(trace, result),
      'nll-delta': meanLoss(served, lossOf(members)),
      ...(adaptation === null ? {} : { 'adaptation-ms': adaptation }),
    },
    trace: {
      time: served.map(({ start }) => start),
      queue: served.map(({ waiting }) => waiting),
      latency: served.map(({ arrival, end }) => end - arrival),
      'set-point': served.map(({ budget }) => budget),
      variant: served.map(({ name }) => members.findIndex((each) => each.name === name)),
    },
  };
};
