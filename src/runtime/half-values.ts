import type { InferenceSession, OnnxValue } from 'onnxruntime-node';

/**
 * Lets the native binding see the elements of a float16 tensor, in place: `data` becomes 16-bit words over the same bytes.
 *
 * Where Node has `Float16Array` (from 24 on), onnxruntime-common 1.30.0 makes every float16 tensor over one. The binding of
 * onnxruntime-node 1.30.0 takes its length from a table of node-addon-api that does not know the type, so it reads 0 bytes.
 * No released version mends it; microsoft/onnxruntime pull request 32323 would. `__tests__/runtime/float16.test.ts` holds the bare
 * runtime's refusal: when that test fails, this file can go.
 */
const showWords = (value: OnnxValue | null): void => {
  if (value === null || value.type !== 'float16' || value.location !== 'cpu') return;
  const data: unknown = value.data;
  if (data instanceof Uint16Array || !ArrayBuffer.isView(data)) return;
  Object.defineProperty(value, 'data', { value: new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) });
};

const isHalf = (value: InferenceSession.ValueMetadata): boolean => value.isTensor && value.type === 'float16';

type Run = (feeds: InferenceSession.FeedsType, fetches: InferenceSession.FetchesType) => Promise<InferenceSession.ReturnType>;

const isNames = (fetches: InferenceSession.FetchesType): fetches is readonly string[] => Array.isArray(fetches);

/** The run of a session, with float16 tensors as inputs and as buffers of outputs where the session has any. */
export const runWithHalves = (session: InferenceSession): Run => {
  const run: Run = (feeds, fetches) => session.run(feeds, fetches);
  if (![...session.inputMetadata, ...session.outputMetadata].some(isHalf)) return run;
  return (feeds, fetches) => {
    for (const value of Object.values(feeds)) showWords(value);
    if (!isNames(fetches)) for (const value of Object.values(fetches)) showWords(value);
    return run(feeds, fetches);
  };
};
