import type { Prompt, SessionOptions } from '../../src/contract/generation.ts';
import type { Subject } from '../../src/contract/optimization.ts';
import type { Tools, Turn } from '../../src/contract/player.ts';
import type { ModelFacts } from '../../src/records/serving.ts';
import type { ArmId, Json, Values } from '../../src/records/words.ts';
import { deriveSeed, seededRandom } from '../../src/statistics/random.ts';

/** Milliseconds of one prefill and of one greedy step, by what is served: what a replay knows of a machine. */
export interface ReplayedCosts {
  readonly prefill: (call: {
    readonly variant: string;
    readonly sessionOptions?: SessionOptions;
    readonly batch: number;
    readonly length: number;
  }) => number;
  readonly step: (call: {
    readonly variant: string;
    readonly sessionOptions?: SessionOptions;
    readonly batch: number;
    readonly past: number;
  }) => number;
  /** Milliseconds of opening a variant that is not open. */
  readonly open?: (variant: string) => number;
}

export interface ReplayedTools {
  readonly costs: ReplayedCosts;
  readonly variants?: readonly string[];
  readonly differing?: readonly string[];
  readonly model?: Partial<ModelFacts>;
  /** The policy of the arm: a built-in's or a test's subject and its options. */
  readonly subject?: Pick<Subject<never>, 'start'>;
  readonly options?: Json;
  /** Of the turn. */
  readonly seed?: number;
  readonly point?: string;
  readonly nllDelta?: (variant: string) => number;
  readonly inspect?: (variant: string | null) => Values;
  readonly cacheBytes?: (held: { readonly variant: string; readonly batch: number; readonly tokens: number }) => number;
}

const facts: ModelFacts = {
  id: 'replayed',
  family: 'qwen3',
  digest: '0'.repeat(64),
  miniature: true,
  layers: 4,
  hidden: 128,
  heads: 4,
  kvHeads: 2,
  experts: 0,
  vision: false,
  latentAttention: false,
  quantized: false,
  vocabulary: 2048,
  context: 4096,
};

const plain = (value: Json): Json => JSON.parse(JSON.stringify(value));

/**
 * Tools that replay: time passes only in sessions, by the costs that are given, so that a player and a policy give the same bits
 * on every machine. Policies are reached through JSON, as in their own process. No model runs.
 */
export const replayTools = (replayed: ReplayedTools): Tools => {
  const { costs, seed = 1, point = 'trace' } = replayed;
  const model = { ...facts, ...replayed.model };
  let now = 0;
  const holders = new Map<string, number>();
  const missing = (what: string) => (): never => {
    throw new Error(`this replay knows no ${what}`);
  };
  return {
    model,
    variants: replayed.variants ?? ['main'],
    differing: replayed.differing ?? [],
    session: async (variant, sessionOptions = {}) => {
      const key = JSON.stringify([variant, sessionOptions]);
      const held = holders.get(key) ?? 0;
      if (held === 0) now += costs.open?.(variant) ?? 0;
      holders.set(key, held + 1);
      let rows = { batch: 0, tokens: 0 };
      return {
        prefill: async ({ batch, length }) => {
          now += costs.prefill({ variant, sessionOptions, batch, length });
          rows = { batch, tokens: length };
        },
        decode: async (steps) => {
          if (rows.batch === 0) throw new Error('decode needs a prefill before it');
          for (let step = 0; step < steps; step++) {
            now += costs.step({ variant, sessionOptions, batch: rows.batch, past: rows.tokens });
            rows = { ...rows, tokens: rows.tokens + 1 };
          }
        },
        get cacheBytes() {
          return (replayed.cacheBytes ?? missing('cache'))({ variant, ...rows });
        },
        release: async () => {
          holders.set(key, (holders.get(key) ?? 1) - 1);
        },
      };
    },
    nllDelta: async (variant) => (replayed.nllDelta ?? missing('quality'))(variant),
    inspect: async (variant) => (replayed.inspect ?? missing('files'))(variant),
    prompt: (batch, length): Prompt => ({ batch, length, tokens: new Uint32Array(batch * length), windows: null }),
    policy: async (setting) => {
      const start = replayed.subject?.start ?? missing('policy');
      const policy = await start({ point, seed, options: plain(replayed.options ?? {}), setting: plain(setting) });
      return { next: async (observation) => plain(await policy.next(plain(observation))) };
    },
    clock: { wall: () => now, cpu: () => now, thread: () => now },
    random: seededRandom(deriveSeed(seed, 'player')),
    unforeseen: seededRandom(deriveSeed(seed, 'unforeseen')),
  };
};

/** One turn at an episode point. */
export const turnOf = (
  point: Pick<Turn['point'], 'id' | 'setting'> & Partial<Turn['point']>,
  more: Partial<Omit<Turn, 'point'>> & { readonly arm: ArmId },
): Turn => ({
  round: 0,
  seed: 1,
  tuned: null,
  options: {},
  ...more,
  point: { kind: 'episode', exact: false, rounds: 1, warmUp: 0, arms: ['reference', 'base', 'head'], ...point },
});
