import type { Observation, Player, Tools, Turn } from '../../contract/player.ts';
import { GateError } from '../../errors.ts';
import { decodeValue } from '../../records/decode.ts';
import { lossWindows } from '../serving/loss-windows.ts';
import { nextAction } from '../serving/policy-action.ts';
import { comparatorOf, efficiencyOf, latencyOf, type Measured, measurePool, type PoolRecord, poolRecord } from './comparator.ts';
import { type DriftTrace, driftTrace } from './drift.ts';
import { controllerChoice, fixedChoice, lossOf, meanLoss } from './drift-choice.ts';
import { liveServing, replayedServing } from './drift-serving.ts';
import { type PoolSearchObservation, type PoolSearchSetting, searchAction } from './exchange.ts';
import { membersPoint, memberTime, poolBytes } from './member-times.ts';
import { searchOptions } from './options.ts';
import { fullModel, poolOf } from './pool.ts';
import { adaptationOf, goodputOf, type ServedDrift, serveDrift } from './serving.ts';

/** Requests of an episode. */
const requests = 64;
/** Searches the pool in replay, and serves a drifting budget with what was found: in replay of the same record, and for real. */
export const searchPlayer: Player = {
  tune: async (tools) => [...(await measurePool(tools))],
  play: async (turn, tools) => {
    const pool = decodeValue(poolRecord, turn.tuned, 'tuned');
    const options = searchOptions.parse(turn.options, 'options');
    if (turn.point.id === membersPoint) return { values: { 'member-ms': await memberTime(pool, tools) } };
    const { best, ...comparator } = comparatorOf(pool, options.quality);
    const offered = turn.arm === 'reference' ? [best] : await searched(turn, tools, pool, options);
    const members: Measured[] = [];
    for (const each of pool) {
      // Of the pool that was found only what this arm has built can be served, and its loss is its own.
      if (!offered.includes(each.name) || !tools.variants.includes(each.name)) continue;
      members.push({ ...each, 'nll-delta': await tools.nllDelta(each.name, lossWindows(tools.model)) });
    }
    const trace = driftTrace({ requests, reference: comparator.reference, budgets: comparator.budgets, random: tools.random });
    const controlling = { turn, tools, members, bound: comparator.lossBound, requests };
    const choose = turn.arm === 'reference' ? await fixedChoice(best, controlling) : await controllerChoice(controlling);
    const serving = turn.point.exact ? await replayedServing(members, tools) : await liveServing(tools, comparator.reference);
    try {
      const { values, ...others } = observed(trace, await serveDrift(trace, { choose, ...serving }), members);
      if (!turn.point.exact) return { values, ...others };
      const size = turn.arm === 'reference' ? {} : { bytes: await poolBytes(tools) };
      return { values: { ...values, ...size, efficiency: efficiencyOf(pool, offered) }, ...others };
    } finally {
      await serving.release();
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

const observed = (trace: DriftTrace, result: ServedDrift, members: readonly Measured[]): Observation => {
  const { served } = result;
  const adaptation = adaptationOf(trace, result);
  return {
    values: {
      goodput: goodputOf(trace, result),
      'nll-delta': meanLoss(served, lossOf(members)),
      ...(adaptation === null ? {} : { 'adaptation-ms': adaptation.time, 'missed-phases': 100 * adaptation.missed }),
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
