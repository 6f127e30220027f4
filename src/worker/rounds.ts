import type { LaunchPurpose } from '../records/sample.ts';
import type { ArmId } from '../records/words.ts';
import { shuffled } from '../statistics/random.ts';

/** Wall and processor time in milliseconds since some fixed moment. */
export interface Clock {
  wall(): number;
  cpu(): number;
}

/**
 * A timed point takes its rounds, or so many seconds, whichever ends first (never fewer than
 * `minimumRounds`): longer where a change is confirmed than where launches only say what needs
 * confirming, or show what an optimization is worth and test nothing (ADR 10).
 */
export const secondsPerPoint = (purpose: LaunchPurpose): number => (purpose === 'impact' || purpose === 'screen' ? 0.5 : 1);

export interface RoundsSetting {
  readonly calls: ReadonlyMap<ArmId, () => Promise<unknown>>;
  readonly rounds: number;
  readonly warmUp: number;
  /** A point ends after `rounds`, or after this many seconds once `minimumRounds` are in. */
  readonly seconds: number;
  readonly minimumRounds: number;
  readonly random: () => number;
  readonly clock: Clock;
  /** The planted self-check: this arm is slowed by this fraction of its own time, inside the clock. */
  readonly planted?: { readonly arm: ArmId; readonly fraction: number };
  /** Called between rounds, outside the clock. */
  readonly beat: () => void;
}

/** arm → series (`wall-ms`, `cpu-ms`) → one value per measured round */
export type RoundColumns = Record<string, Record<string, number[]>>;

/** No clock here tells less than a nanosecond: more digits would only make the samples longer. */
const toNanosecond = (milliseconds: number): number => Math.round(milliseconds * 1e6) / 1e6;

/**
 * Runs every arm once per round, in an order drawn anew for each round, so that drift and neighbours hit all arms alike.
 * Warm-up rounds run the same way and are dropped.
 */
export const interleave = async (setting: RoundsSetting): Promise<RoundColumns> => {
  const { calls, clock, planted } = setting;
  const columns: RoundColumns = {};
  for (const arm of calls.keys()) columns[arm] = { 'wall-ms': [], 'cpu-ms': [] };
  let started = clock.wall();
  for (let round = -setting.warmUp; round < setting.rounds; round++) {
    if (round === 0) started = clock.wall();
    if (round >= setting.minimumRounds && clock.wall() - started > setting.seconds * 1000) break;
    for (const [arm, call] of shuffled([...calls], setting.random)) {
      const cpu = clock.cpu();
      const wall = clock.wall();
      await call();
      let ended = clock.wall();
      if (planted?.arm === arm) {
        const until = ended + (ended - wall) * planted.fraction;
        while (ended < until) ended = clock.wall();
      }
      const wallMs = ended - wall;
      const cpuMs = clock.cpu() - cpu;
      if (round < 0) continue;
      columns[arm]?.['wall-ms']?.push(toNanosecond(wallMs));
      columns[arm]?.['cpu-ms']?.push(toNanosecond(cpuMs));
    }
    setting.beat();
  }
  return columns;
};
