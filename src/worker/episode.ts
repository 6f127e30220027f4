import type { Observation, Player } from '../contract/player.ts';
import { GateError } from '../errors.ts';
import { absenceText } from '../records/absence.ts';
import type { OperatingPoint } from '../records/metric.ts';
import type { FromWorker, LaunchRequest, PolicyProcess } from '../records/protocol.ts';
import { longestTrace } from '../records/sample.ts';
import { everySeries } from '../records/series-note.ts';
import type { ArmId, Json } from '../records/words.ts';
import { deriveSeed, seededRandom, shuffled } from '../statistics/random.ts';
import { ArmError, forArm } from './arm.ts';
import { drawsOf } from './draws.ts';
import { type PlayerSetting, playerTools } from './player-tools.ts';
import { openPolicyHost, type PolicyHost } from './policy-process.ts';
import type { Clock, RoundColumns } from './rounds.ts';
import { openWaitingLoad, type WaitingLoad } from './waiting-load.ts';

type EpisodePoint = Extract<OperatingPoint, { kind: 'episode' }>;
type Trace = Extract<FromWorker, { type: 'measured' }>['traces'][number];

/** What one episode point gave. */
export interface Played {
  readonly values: RoundColumns;
  readonly warnings: string[];
  readonly traces: readonly Trace[];
}

/** The processes that answer for the arms of a launch; each is started when its arm first wants it. */
export interface PolicyHosts {
  /** Of an arm without a policy: a process of base's, or head's where there is no base, whose answers are to decide nothing. */
  of(arm: ArmId): PolicyHost | null;
  /** Another process of the arm's own policy, which has answered nothing that the first one was asked. Null: it has none. */
  anew(arm: ArmId): PolicyHost | null;
  close(): Promise<void>;
}

export const openPolicyHosts = (request: LaunchRequest): PolicyHosts => {
  const hosts = new Map<string, PolicyHost>();
  const own = (arm: ArmId): PolicyProcess | null => (Object.hasOwn(request.policies, arm) ? (request.policies[arm] ?? null) : null);
  const open = (policy: PolicyProcess | null, arm: ArmId, name: string): PolicyHost | null => {
    if (policy === null) return null;
    const host = hosts.get(name) ?? openPolicyHost(policy, `${request.launch} ${arm}`);
    hosts.set(name, host);
    return host;
  };
  return {
    of: (arm) => open(own(arm) ?? own('base') ?? own('head'), arm, arm),
    anew: (arm) => open(own(arm), arm, `${arm} anew`),
    close: async () => {
      await Promise.all([...hosts.values()].map((host) => host.close()));
    },
  };
};

/**
 * Plays every arm once per round, in an order drawn anew for each round. All arms of a round have the same seed, and so the same
 * arrivals; a round has it again in every launch, so that launches differ by the machine alone. An episode that wants the quality of a model that
 * can carry none gives nothing, and a warning that refuses it by name. An exact episode with a policy is played twice, by two processes of it.
 * A head whose policy is busy while base is played is a warning. Throws what else the player throws, naming the arm; `non-finite-output`
 * for a number that is none; `policy-not-deterministic` where the two plays differ.
 */
export const playEpisodes = async (
  point: EpisodePoint,
  player: Player,
  setting: Omit<PlayerSetting, 'policy'>,
  hosts: PolicyHosts,
): Promise<Played> => {
  try {
    return await playRounds(point, player, setting, hosts);
  } catch (thrown) {
    const cause = thrown instanceof ArmError ? thrown.cause : thrown;
    if (!(cause instanceof GateError) || cause.code !== 'untrained-reference') throw thrown;
    return { values: {}, warnings: [absenceText({ state: 'refused', series: everySeries, reason: cause.message })], traces: [] };
  }
};

const playRounds = async (
  point: EpisodePoint,
  player: Player,
  setting: Omit<PlayerSetting, 'policy'>,
  hosts: PolicyHosts,
): Promise<Played> => {
  const { request, tools } = setting;
  const order = seededRandom(deriveSeed(request.seed, request.launch, point.id));
  const values: RoundColumns = {};
  const warnings = new Set<string>();
  const traces = new Map<ArmId, Trace>();
  const arms = point.arms.filter((arm) => request.arms.includes(arm));
  const load = point.exact ? null : await openedLoad(arms, hosts, tools.clock);
  const draws = drawsOf(point, arms, tools.clock);
  for (let round = -point.warmUp; round < point.rounds && !draws.enough(values); round++) {
    const seed = deriveSeed(request.seed, point.id, String(round));
    for (const arm of shuffled(arms, order)) {
      tools.beat(point.id);
      const turn = { arm, point, round, seed, tuned: request.tuned, options: request.options };
      const play = async (policy: PolicyHost | null): Promise<Observation> =>
        checked(await player.play(turn, playerTools({ ...setting, policy }, arm, point.id, seed)), point.id);
      const observed = await forArm(arm, async () => {
        const first = await play(hosts.of(arm));
        const other = point.exact ? hosts.anew(arm) : null;
        if (other !== null) requireSame(first, await play(other), point.id);
        return first;
      });
      load?.answered(arm);
      if (round < 0) continue;
      append(values, arm, observed.values);
      for (const warning of observed.warnings ?? []) warnings.add(warning);
      if (observed.trace !== undefined) traces.set(arm, { point: point.id, arm, columns: thinned(observed.trace) });
    }
  }
  for (const warning of [...draws.warnings(), ...(load?.warnings() ?? [])]) warnings.add(warning);
  return { values, warnings: [...warnings], traces: [...traces.values()] };
};

/** Starts the policies of base and head, one after the other, so that none is loaded while another arm is played, and watches how they wait. */
const openedLoad = async (arms: readonly ArmId[], hosts: PolicyHosts, clock: Clock): Promise<WaitingLoad> => {
  const load = openWaitingLoad(clock);
  for (const arm of arms) {
    if (arm !== 'base' && arm !== 'head') continue;
    const host = hosts.of(arm);
    await forArm(arm, async () => host?.ready());
    if (host !== null && host.pid !== null) load.join(arm, host.pid);
  }
  return load;
};

/** Finds the comparator of a cell, on the arm of the launch that is not the reference. */
export const tuneCell = async (player: Player, setting: Omit<PlayerSetting, 'policy'>): Promise<Json> => {
  const { request } = setting;
  const arm = request.arms.find((each) => each !== 'reference') ?? 'reference';
  if (player.tune === undefined) throw new GateError('internal', `${request.like} tunes nothing.`, { where: request.launch });
  const { tune } = player;
  const own = playerTools({ ...setting, policy: null }, arm, 'tune', deriveSeed(request.seed, 'tune'));
  return forArm(arm, () => tune(own, request.options));
};

const append = (columns: RoundColumns, arm: ArmId, values: Observation['values']): void => {
  const own = columns[arm] ?? {};
  columns[arm] = own;
  for (const [series, value] of Object.entries(values)) {
    const column = own[series] ?? [];
    own[series] = column;
    column.push(value);
  }
};

/** An episode that rests on no clock is judged by one play, so that chance may have no part in it. */
const requireSame = ({ values }: Observation, { values: again }: Observation, point: string): void => {
  const series = Object.keys(values).find((name) => values[name] !== again[name]);
  if (series === undefined) return;
  throw new GateError(
    'policy-not-deterministic',
    `The same episode was played twice, with the same seed. Expected the same ${series}, got ${values[series]} and then ${again[series]}.`,
    { where: point },
  );
};

const checked = (observed: Observation, point: string): Observation => {
  for (const [series, value] of Object.entries(observed.values))
    if (!Number.isFinite(value))
      throw new GateError('non-finite-output', `An episode was played. Expected finite numbers, got ${value} for ${series}.`, {
        where: point,
      });
  const columns = Object.entries(observed.trace ?? {});
  for (const [name, column] of columns)
    if (column.length !== columns[0]?.[1].length || !column.every(Number.isFinite))
      throw new GateError(
        'non-finite-output',
        `An episode was played. Column ${name} of its trace is not finite, or not as long as the others.`,
        { where: point },
      );
  return observed;
};

/** Rows evenly spread over a long trace, the first and the last among them. */
const thinned = (trace: NonNullable<Observation['trace']>): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(trace).map(([name, column]) => {
      const rows = Math.min(longestTrace, column.length);
      const step = rows < 2 ? 0 : (column.length - 1) / (rows - 1);
      return [name, Array.from({ length: rows }, (_, row) => column[Math.round(row * step)] ?? 0)];
    }),
  );
