import type { Observation, Player, Tools, Turn } from '../../contract/player.ts';
import { decodeValue } from '../../records/decode.ts';
import type { Json } from '../../records/words.ts';
import { quantile } from '../../statistics/describe.ts';
import { nextAction } from '../serving/policy-action.ts';
import { openPacedService, type ServiceTimes, serviceTime } from '../serving/service-times.ts';
import { unheard } from '../serving/unheard-policy.ts';
import { latenciesOf, type QueueServer, type QueueView, serveQueue } from '../serving/virtual-queue.ts';
import { type BatchingComparator, batchingComparator, largestBatch, tuneBatching } from './comparator.ts';
import { type BatchingObservation, type BatchingSetting, batchingAction, shownRequests } from './exchange.ts';
import { replayedService } from './replay.ts';
import { goodputOf, type LoadShape, played, type ServedTrace, spanOf, tracesOf, tracesSetting } from './workload.ts';

/** Plays the arm's policy, or a fixed batch, on all loads of one trace: in replay of the load test, or with every batch really executed. */
export const batchingPlayer: Player = {
  tune: (tools) => tuneBatching(tools, played),
  play: async (turn, tools) => {
    const comparator = decodeValue(batchingComparator, turn.tuned, 'tuned');
    const setting = decodeValue(tracesSetting, turn.point.setting, 'setting');
    const { service: table, capacity, objective } = comparator;
    const traces = tracesOf(setting, capacity, table.lengths, tools.random);
    const live = turn.point.exact ? null : await openPacedService(tools, table);
    const served: ServedTrace[] = [];
    for (const arrivals of traces) {
      const serve = live?.serve ?? replayedService(table, tools);
      const choose = await chooserOf(turn, tools, comparator, setting.shape);
      served.push({ arrivals, batches: await serveQueue(arrivals, { choose, serve }) });
    }
    return { ...observed(served, objective, table), warnings: live?.warnings() ?? [] };
  },
};

/**
 * Base and head have policies; the reference is the fixed batch that tuning chose for this trace, a comparator is batch 1. Where batches are
 * really executed a policy is asked in these too, and not heard: a processor is cold after an answer, which all arms shall meet alike.
 */
const chooserOf = async (
  { arm, point }: Turn,
  tools: Pick<Tools, 'policy'>,
  { fixed, objective, service }: BatchingComparator,
  shape: LoadShape,
): Promise<QueueServer['choose']> => {
  const { decode, lengths, batches, ms } = service;
  const setting = { objective, maximum: largestBatch, decode, service: { lengths, batches, ms } } satisfies BatchingSetting & Json;
  if (arm === 'reference' || arm.startsWith('comparator:')) {
    const batch = arm === 'reference' ? fixed[shape] : 1;
    if (point.exact) return () => batch;
    const ask = await unheard(tools, setting);
    return async (view) => {
      await ask(shown(view));
      return batch;
    };
  }
  const policy = await tools.policy(setting);
  return async (view) => Math.min(largestBatch, (await nextAction(policy, shown(view), batchingAction, `${arm} at ${point.id}`)).batch);
};

const shown = ({ time, ages, tokens, last }: QueueView): BatchingObservation & Json => ({
  time,
  waiting: ages.length,
  ages: ages.slice(0, shownRequests),
  tokens: tokens.slice(0, shownRequests),
  last: last === null ? null : { requests: last.requests, longest: last.longest, ms: last.end - last.start },
});

/** Milliseconds of a token at the size of batches that serves most, by the load test. */
const leastPerToken = ({ lengths, batches, ms, decode }: ServiceTimes): number =>
  Math.min(...ms.flatMap((row, at) => row.map((time, size) => time / ((batches[size] ?? Number.NaN) * ((lengths[at] ?? 0) + decode)))));

const observed = (served: readonly ServedTrace[], objective: number, table: ServiceTimes): Observation => {
  const latencies = served.flatMap(({ arrivals, batches }) => latenciesOf(arrivals, batches));
  const all = served.flatMap(({ batches }) => batches);
  const tokens = served.flatMap(({ arrivals }) => arrivals).reduce((sum, arrival) => sum + arrival.tokens + table.decode, 0);
  const spent = all.reduce((sum, { requests, longest }) => sum + serviceTime(table, requests, longest), 0);
  return {
    values: {
      goodput: goodputOf(served, objective),
      'latency-p50': quantile(latencies, 0.5),
      'latency-p99': quantile(latencies, 0.99),
      'slo-attainment': (100 * latencies.filter((latency) => latency <= objective).length) / latencies.length,
      utilization: (100 * tokens * leastPerToken(table)) / spent,
    },
    trace: traceOf(served, objective),
  };
};

/** One row per batch, the loads one after the other: when it began, who waited, its size, what its oldest request waited in all. */
const traceOf = (served: readonly ServedTrace[], objective: number): NonNullable<Observation['trace']> => {
  const starts = served.map((_, at) => served.slice(0, at).reduce((sum, trace) => sum + spanOf(trace), 0));
  const rows = served.flatMap(({ arrivals, batches }, at) =>
    batches.map((batch) => ({
      time: (starts[at] ?? 0) + batch.start,
      queue: batch.waiting,
      batch: batch.requests,
      latency: batch.end - (arrivals[batch.first]?.time ?? batch.end),
    })),
  );
  return {
    time: rows.map(({ time }) => time),
    queue: rows.map(({ queue }) => queue),
    batch: rows.map(({ batch }) => batch),
    latency: rows.map(({ latency }) => latency),
    'set-point': rows.map(() => objective),
  };
};
