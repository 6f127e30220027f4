import { z } from 'zod';
import type { Tools } from '../../contract/player.ts';
import { GateError } from '../../errors.ts';
import type { Immutable } from '../../records/words.ts';
import { median } from '../../statistics/describe.ts';
import { lossWindows } from '../serving/loss-windows.ts';
import { requestTimes } from '../serving/request-times.ts';
import type { AutomlOptions } from './options.ts';
import { type Configuration, configurationsOf, fullModel, keyOf, type OptionRange, type OptionValue, servedAs, spaceOf } from './space.ts';

/** An option matters when the mean latencies of its values are this far apart. */
const mattering = 0.02;

const value = z.union([z.string(), z.number(), z.boolean()]);

/** The exhaustive search: every configuration measured. Fixed per class of runner. */
export const oracleRecord = z.strictObject({
  /** Milliseconds of a request of the reference model, served as it is unless told otherwise: the pace of all times here. */
  reference: z.number().positive(),
  /** Nats per token of each model. */
  losses: z.record(z.string(), z.number()),
  configurations: z
    .array(
      z.strictObject({
        configuration: z.record(z.string(), value),
        /** Milliseconds of single requests, ascending. */
        requests: z.array(z.number().positive()).min(1),
        /** Milliseconds until it is loaded and warm. */
        ready: z.number().positive(),
      }),
    )
    .min(1),
});
export type OracleRecord = Immutable<z.infer<typeof oracleRecord>>;

/** Measures every configuration of the models that were built. */
export const measureOracle = async (tools: Tools, options: AutomlOptions): Promise<OracleRecord> => {
  const space = spaceOf(options, tools.variants);
  const configurations = configurationsOf(space);
  // The first session of a process is not like the others.
  await (await tools.session(fullModel)).release();
  const times = await requestTimes(tools, configurations.map(servedAs), { passes: 2, requests: 4 });
  const losses: Record<string, number> = {};
  for (const variant of space.find(({ id }) => id === 'variant')?.values ?? [])
    if (typeof variant === 'string') losses[variant] = await tools.nllDelta(variant, lossWindows(tools.model));
  return {
    reference: times.reference,
    losses,
    configurations: configurations.map((configuration, at) => ({
      configuration,
      requests: [...(times.of[at]?.requests ?? [])],
      ready: times.of[at]?.ready ?? Number.NaN,
    })),
  };
};

export interface Oracle {
  readonly reference: number;
  readonly space: readonly OptionRange[];
  readonly initial: Configuration;
  /** Median milliseconds of a request. @throws GateError subject-protocol for a configuration that does not exist. */
  latency(configuration: Configuration): number;
  entry(configuration: Configuration): OracleRecord['configurations'][number];
  loss(configuration: Configuration): number;
  /** The least latency of all configurations that keep the bound. */
  readonly best: number;
  /** Options whose values differ by more than 2 % in mean latency, over all configurations that keep the bound. */
  readonly mattering: readonly string[];
}

/** The space that a record spans: every value that it has, in its order. */
const spaceOfRecord = ({ configurations }: OracleRecord): readonly OptionRange[] => {
  const ranges = new Map<string, Set<OptionValue>>();
  for (const { configuration } of configurations)
    for (const [id, each] of Object.entries(configuration)) ranges.set(id, (ranges.get(id) ?? new Set()).add(each));
  return [...ranges].map(([id, values]) => ({ id, values: [...values] }));
};

/** Reads a record under a bound. */
export const oracleOf = (record: OracleRecord, bound: number, where: string): Oracle => {
  const byKey = new Map(record.configurations.map((each) => [keyOf(each.configuration), each]));
  const entry = (configuration: Configuration): OracleRecord['configurations'][number] => {
    const known = byKey.get(keyOf(configuration));
    if (known === undefined)
      throw new GateError(
        'subject-protocol',
        `The program asked for a configuration. There is none such as ${JSON.stringify(configuration).slice(0, 200)}.`,
        { where },
      );
    return known;
  };
  const latency = (configuration: Configuration): number => median(entry(configuration).requests);
  const loss = ({ variant }: Configuration): number => record.losses[String(variant)] ?? Number.POSITIVE_INFINITY;
  const feasible = record.configurations.map(({ configuration }) => configuration).filter((each) => loss(each) <= bound);
  const space = spaceOfRecord(record);
  const initial: Configuration = Object.fromEntries(space.map(({ id, values }) => [id, values[0] ?? '']));
  const spread = ({ id, values }: OptionRange): number => {
    const means = values.flatMap((each) => {
      const logs = feasible.filter((configuration) => configuration[id] === each).map((configuration) => Math.log(latency(configuration)));
      return logs.length === 0 ? [] : [logs.reduce((sum, log) => sum + log, 0) / logs.length];
    });
    return means.length === 0 ? 0 : Math.max(...means) - Math.min(...means);
  };
  return {
    reference: record.reference,
    space,
    initial,
    latency,
    entry,
    loss,
    best: Math.min(latency(initial), ...feasible.map(latency)),
    mattering: space.filter((range) => spread(range) > mattering).map(({ id }) => id),
  };
};
