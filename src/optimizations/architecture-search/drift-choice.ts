import type { Tools, Turn } from '../../contract/player.ts';
import { GateError } from '../../errors.ts';
import { median } from '../../statistics/describe.ts';
import { nextAction } from '../serving/policy-action.ts';
import { unheard } from '../serving/unheard-policy.ts';
import type { Measured } from './comparator.ts';
import { type ServeObservation, type ServeSetting, serveAction } from './exchange.ts';
import { type DriftServer, type DriftView, isInside, type ServedDrift } from './serving.ts';

/** What a controller is told of. */
export interface Controlling {
  readonly turn: Turn;
  readonly tools: Pick<Tools, 'policy'>;
  readonly members: readonly Measured[];
  readonly bound: number;
  readonly requests: number;
}

const settingOf = ({ members, bound, requests }: Omit<Controlling, 'turn' | 'tools'>): ServeSetting => ({
  task: 'serve',
  members: members.map(({ name, latencies, swap, bytes, 'nll-delta': loss }) => ({
    name,
    latency: median(latencies),
    swap,
    'nll-delta': loss,
    bytes,
  })),
  'loss-bound': bound,
  requests,
});

/** One variant for all requests. Where they are really served a policy is asked too, and not heard: asking leaves the processor cold. */
export const fixedChoice = async (name: string, { turn, tools, ...told }: Controlling): Promise<DriftServer['choose']> => {
  if (turn.point.exact) return () => name;
  const ask = await unheard(tools, settingOf(told));
  const loss = lossOf(told.members);
  return async (view) => {
    await ask(shown(view, loss));
    return name;
  };
};

/** The policy's choices, from what it found. */
export const controllerChoice = async ({ turn, tools, ...told }: Controlling): Promise<DriftServer['choose']> => {
  const policy = await tools.policy(settingOf(told));
  const loss = lossOf(told.members);
  return async (view) => {
    const { serve } = await nextAction(policy, shown(view, loss), serveAction, `${turn.arm} at ${turn.point.id}`);
    if (!told.members.some(({ name }) => name === serve))
      throw new GateError('subject-protocol', `The program chose a variant to serve. There is none called ${serve}.`, {
        where: `${turn.arm} at ${turn.point.id}`,
      });
    return serve;
  };
};

/** Nats per token of a variant, by name. */
type Loss = (name: string) => number;

/** Of the variants that an arm serves. */
export const lossOf = (members: readonly Measured[]): Loss => {
  const losses = new Map(members.map((each) => [each.name, each['nll-delta']]));
  return (name) => losses.get(name) ?? Number.NaN;
};

/** Nats per token over the requests served; 0 of none. */
export const meanLoss = (served: ServedDrift['served'], loss: Loss): number =>
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
