import type { Observation, Player, Tools } from '../../contract/player.ts';
import { type ErrorCode, GateError } from '../../errors.ts';
import { absenceText } from '../../records/absence.ts';
import { type ModularOptions, modularOptions } from './options.ts';
import { cutVariant, type PassId, pairsOf, pairVariant, passesOf } from './passes.ts';

/** What can be wrong with a composed model itself; anything else is no finding about it. */
const ownFaults: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'session-failed',
  'stages-mismatch',
  'onnx-unsupported',
  'onnx-malformed',
  'onnx-dangling-input',
  'onnx-external-data',
  'non-finite-output',
]);
/** Characters of a reason in a warning. */
const longestReason = 200;

const noPairs = absenceText({
  state: 'not-applicable',
  series: 'interoperability',
  reason: 'a pair needs two passes that apply to the model',
});

/** The prompt that a composition must take, and the steps after it. */
const shortPrompt = { rows: 2, tokens: 16, steps: 2 } as const;

type Tried = { readonly works: true; readonly nll: number } | { readonly works: false; readonly reason: string };

const codedCause = (thrown: unknown): GateError | null => {
  for (let cause = thrown; cause instanceof Error; cause = cause.cause) if (cause instanceof GateError) return cause;
  return null;
};

const attempt = async (work: () => Promise<number>): Promise<Tried> => {
  try {
    return { works: true, nll: await work() };
  } catch (thrown) {
    const error = codedCause(thrown);
    if (error === null || !ownFaults.has(error.code)) throw thrown;
    return { works: false, reason: `${error.code}: ${error.message.slice(0, longestReason)}` };
  }
};

/** Opens the variant, takes a prompt and some steps, and scores it against the reference model on logits of equal shape. */
const tryVariant = async (tools: Tools, variant: string, windows: number): Promise<Tried> => {
  if (!tools.variants.includes(variant)) return { works: false, reason: 'it was not built' };
  return attempt(async () => {
    const session = await tools.session(variant);
    try {
      await session.prefill(tools.prompt(shortPrompt.rows, shortPrompt.tokens));
      await session.decode(shortPrompt.steps);
    } finally {
      await session.release();
    }
    return tools.nllDelta(variant, windows);
  });
};

interface Pair {
  readonly name: string;
  readonly tried: Tried;
  /** The most that the pair may lose; null when one of its passes alone does not work. */
  readonly allowed: number | null;
}

const verdictOf = ({ tried, allowed }: Pair): string | null => {
  if (!tried.works) return tried.reason;
  if (allowed === null) return 'one of the two does not work alone';
  return tried.nll <= allowed ? null : `loses ${tried.nll.toFixed(4)} nats, more than ${allowed.toFixed(4)}`;
};

const tryPairs = async (
  tools: Tools,
  passes: readonly PassId[],
  { windows, slack, tolerance }: ModularOptions,
): Promise<readonly Pair[]> => {
  const singles = new Map<PassId, Tried>();
  for (const pass of passes) singles.set(pass, await tryVariant(tools, pass, windows));
  const pairs: Pair[] = [];
  for (const [first, then] of pairsOf(passes)) {
    const [one, other] = [singles.get(first), singles.get(then)];
    const sum = one?.works === true && other?.works === true ? one.nll + other.nll : null;
    const allowed = sum === null ? null : sum + Math.max(tolerance, slack * sum);
    const name = pairVariant(first, then);
    pairs.push({ name, tried: await tryVariant(tools, name, windows), allowed });
  }
  return pairs;
};

/** How many modules of the pipeline are other bytes, or not there, when the model is changed by one pass before it is cut. */
const touchedBy = async (tools: Tools, variant: string, reference: Readonly<Record<string, number>>): Promise<number | null> => {
  if (!tools.variants.includes(variant)) return null;
  const touched = await tools.inspect(variant);
  const modules = new Set([...Object.keys(reference), ...Object.keys(touched)].filter((key) => key.startsWith('module:')));
  return [...modules].filter((module) => touched[module] !== reference[module]).length;
};

const composed = (pairs: readonly Pair[]): Observation => {
  const found = pairs.map((pair) => ({ ...pair, fault: verdictOf(pair) }));
  const judged = pairs.flatMap(({ tried, allowed }, pair) => (tried.works && allowed !== null ? [{ pair, nll: tried.nll, allowed }] : []));
  return {
    values: { interoperability: (100 * found.filter(({ fault }) => fault === null).length) / pairs.length },
    trace: {
      pair: judged.map(({ pair }) => pair),
      'nll-delta': judged.map(({ nll }) => nll),
      allowed: judged.map(({ allowed }) => allowed),
    },
    warnings: found.flatMap(({ name, fault }) => (fault === null ? [] : [`${name}: ${fault}`])),
  };
};

/**
 * Plays the matrix of pairs. `interoperability`: of the ordered pairs a-then-b of the passes that apply, the share (%) whose model loads,
 * takes a prompt and decoding steps, has logits of the reference's shape, and keeps fidelity: with sum = nll-delta(a) + nll-delta(b),
 * nll-delta(a-then-b) ≤ sum + max(`tolerance`, `slack` · sum), in nats on the first `windows` held-out windows. A pair of which a part does not work
 * alone counts as failed.
 * `modules-touched`: mean over passes of the modules that differ when the model is cut after the pass instead of before it.
 */
export const compositionPlayer: Player = {
  play: async (turn, tools) => {
    const options = modularOptions.parse(turn.options, 'options');
    const passes = passesOf(tools.model, options.passes).map(({ id }) => id);
    const pairs = await tryPairs(tools, passes, options);
    const { values, trace, warnings = [] }: Observation = pairs.length === 0 ? { values: {}, warnings: [noPairs] } : composed(pairs);
    const reference = await tools.inspect('main');
    const touched: number[] = [];
    const missing: string[] = [];
    for (const pass of passes) {
      const count = await touchedBy(tools, cutVariant(pass), reference);
      if (count === null) missing.push(`${cutVariant(pass)}: it was not built`);
      else touched.push(count);
    }
    return {
      values:
        touched.length === 0 ? values : { ...values, 'modules-touched': touched.reduce((sum, count) => sum + count, 0) / touched.length },
      ...(trace === undefined ? {} : { trace }),
      warnings: [...warnings, ...missing],
    };
  },
};
