import type { Tools } from '../../contract/player.ts';
import { type ErrorCode, GateError } from '../../errors.ts';
import type { CountedWeights } from '../../records/metric.ts';
import type { Values } from '../../records/words.ts';

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

/** The prompt that a composition must take, and the steps after it. */
const shortPrompt = { rows: 2, tokens: 16, steps: 2 } as const;

export type Tried = { readonly works: true; readonly nll: number } | { readonly works: false; readonly reason: string };

const codedCause = (thrown: unknown): GateError | null => {
  for (let cause = thrown; cause instanceof Error; cause = cause.cause) if (cause instanceof GateError) return cause;
  return null;
};

/** What is wrong with the model, in words; throws what is not. */
const ownFault = (thrown: unknown): string => {
  const error = codedCause(thrown);
  if (error === null || !ownFaults.has(error.code)) throw thrown;
  return `${error.code}: ${error.message.slice(0, longestReason)}`;
};

/** Opens the variant, takes a prompt and some steps, and scores it against the reference model on logits of equal shape. */
export const tryVariant = async (tools: Tools, variant: string, windows: number): Promise<Tried> => {
  if (!tools.variants.includes(variant)) return { works: false, reason: 'it was not built' };
  try {
    const session = await tools.session(variant);
    try {
      await session.prefill(tools.prompt(shortPrompt.rows, shortPrompt.tokens));
      await session.decode(shortPrompt.steps);
    } finally {
      await session.release();
    }
    return { works: true, nll: await tools.nllDelta(variant, windows) };
  } catch (thrown) {
    return { works: false, reason: ownFault(thrown) };
  }
};

/** What the files of a variant tell, or of the reference model (null), each read once; null for files that are not there or cannot be read. */
export type VariantFiles = (variant: string | null) => Promise<Values | null>;

/** Also counts the `modules` of a pipeline, and the zeros of a variant's weights where `weightsOf` says which. */
export const variantFiles = (tools: Tools, weightsOf: (variant: string | null) => CountedWeights | null): VariantFiles => {
  const known = new Map<string | null, Values | null>();
  const read = async (variant: string | null): Promise<Values | null> => {
    if (variant !== null && !tools.variants.includes(variant)) return null;
    try {
      const values = await tools.inspect(variant, weightsOf(variant));
      return { ...values, modules: Object.keys(values).filter((key) => key.startsWith('module:')).length };
    } catch (thrown) {
      ownFault(thrown);
      return null;
    }
  };
  return async (variant) => {
    const found = known.get(variant);
    if (found !== undefined) return found;
    const values = await read(variant);
    known.set(variant, values);
    return values;
  };
};
