import type { Observation, Player, Tools, Turn } from '../../contract/player.ts';
import { GateError } from '../../errors.ts';
import { decodeValue } from '../../records/decode.ts';
import { seriesWarningText } from '../../records/series-warning.ts';
import type { ArmId } from '../../records/words.ts';
import { nextAction } from '../serving/policy-action.ts';
import { openPacedService } from '../serving/service-times.ts';
import { unheard } from '../serving/unheard-policy.ts';
import { feedbackComparator, type Level, largestBatch, levelOf, tuneFeedback } from './comparator.ts';
import { courseOf } from './disturbance.ts';
import { type Loop, loopSetting, runLoop } from './episode.ts';
import { type FeedbackSetting, feedbackAction } from './exchange.ts';
import { replayedPlant } from './replayed-plant.ts';
import { type Response, responseValues, unsettledSteps } from './response.ts';

/** Plays the loop against services that are replayed from the comparator where the point is exact, and executed where it is not. */
export const feedbackPlayer: Player = {
  tune: tuneFeedback,
  play: async (turn, tools) => {
    const comparator = decodeValue(feedbackComparator, turn.tuned, 'tuned');
    const { disturbance, steps, batches, level: openLoop, queue } = decodeValue(loopSetting, turn.point.setting, 'setting');
    const level = levelOf(comparator, openLoop);
    const { setPoint } = level;
    const { lengths } = comparator.service;
    const calm = Math.min(...lengths);
    const { tokens, loads, stretches } = courseOf(disturbance, steps, calm, Math.max(...lengths));
    const executed = turn.point.exact ? null : await openPacedService(tools, comparator.service);
    const { plant } = comparator;
    const done = await runLoop({
      tokens,
      loads,
      batches,
      initial: level.batch,
      serve: executed?.serve ?? replayedPlant({ plant, setPoint, calm, largestBatch, queue, random: tools.random }),
      decide: await deciderOf(turn, tools, level),
    });
    const latency = done.map((step) => step.latency);
    const batch = done.map((step) => step.batch);
    const { values, warnings } = judged({ latency, batch, stretches, setPoint }, turn.arm);
    return {
      values,
      warnings: [...warnings, ...(executed?.warnings() ?? [])],
      trace: { time: tokens.map((_, step) => step), tokens: [...tokens], batch, latency, 'set-point': tokens.map(() => setPoint) },
    };
  },
};

/** The open loop is not there to settle: it has no such number. A closed loop keeps one that can be compared, and says so. */
const judged = (response: Response, arm: ArmId): Required<Pick<Observation, 'values' | 'warnings'>> => {
  const { 'settling-steps': steps = Number.NaN, ...others } = responseValues(response);
  if (arm === 'reference') return { values: others, warnings: [] };
  const unsettled = unsettledSteps(response);
  if (unsettled === null) return { values: { 'settling-steps': steps, ...others }, warnings: [] };
  return {
    values: { 'settling-steps': steps, ...others },
    warnings: [
      seriesWarningText({
        series: 'settling-steps',
        text: `${arm} did not always settle within ${unsettled} steps, which counts as ${steps}`,
      }),
    ],
  };
};

/**
 * Base and head close the loop with their policies; the reference leaves it open. Where batches are really executed a policy is asked
 * in that, too, and not heard: asking leaves the processor cold.
 */
const deciderOf = async ({ arm, point }: Turn, tools: Pick<Tools, 'policy'>, level: Level): Promise<Loop['decide']> => {
  const { batch, setPoint, slope } = level;
  const setting: FeedbackSetting & { readonly [key: string]: number } = {
    setPoint,
    initial: batch,
    minimum: 1,
    maximum: largestBatch,
    slope,
  };
  if (arm === 'reference') {
    const ask = point.exact ? null : await unheard(tools, setting);
    return async (step, seen) => {
      await ask?.({ step, ...seen });
      return batch;
    };
  }
  const policy = await tools.policy(setting);
  const where = `${arm} at ${point.id}`;
  return async (step, seen) => {
    const action = await nextAction(policy, { step, ...seen }, feedbackAction, where);
    if (action.batch < setting.minimum || action.batch > setting.maximum)
      throw new GateError(
        'subject-protocol',
        `The program chose a batch. Expected ${setting.minimum} to ${setting.maximum} requests, got ${action.batch}.`,
        { where },
      );
    return action.batch;
  };
};
