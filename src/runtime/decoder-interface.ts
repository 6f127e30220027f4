import type { InferenceSession } from 'onnxruntime-node';
import { GateError } from '../errors.ts';
import type { Session } from './session.ts';

export type FloatType = 'float32' | 'float16';

/** One cache tensor: its input and output name, [batch, heads, length, size]. */
export interface CacheSlot {
  readonly part: 'key' | 'value';
  readonly past: string;
  readonly present: string;
  readonly heads: number;
  readonly size: number;
  readonly type: FloatType;
}

/** What a decoder graph wants to be fed, read from its inputs and outputs alone. */
export interface DecoderInterface {
  /**
   * Names of all inputs but those that a change may remove: those of single layers, and
   * `num_logits_to_keep`, without which all positions are answered.
   */
  readonly calledWith: readonly string[];
  readonly mask: boolean;
  /** `position_ids`: none, [batch, sequence], or [3, batch, sequence]. */
  readonly positions: 'none' | 'flat' | 'sectioned';
  /** Logits of only the last n positions can be asked for. */
  readonly keepsLogits: boolean;
  readonly cache: readonly CacheSlot[];
  /** Names of the float inputs that come from a vision stage; empty for a text decoder. */
  readonly features: readonly string[];
  readonly featureWidth: number;
  readonly featureType: FloatType;
  readonly vocabulary: number | null;
}

const cacheName = /^past_key_values\.(\d{1,4})\.(key|value)$/;
const deepFeatures = /^deepstack_features_\d{1,3}$/;
const ofIntegers: ReadonlySet<string> = new Set(['input_ids', 'attention_mask', 'position_ids', 'num_logits_to_keep', 'image_index']);
const ofLayer = new RegExp(`${cacheName.source}|${deepFeatures.source}`);

const tensorsOf = (metadata: readonly InferenceSession.ValueMetadata[]): ReadonlyMap<string, InferenceSession.TensorValueMetadata> => {
  const out = new Map<string, InferenceSession.TensorValueMetadata>();
  for (const value of metadata) {
    if (!value.isTensor)
      throw new GateError(
        'onnx-unsupported',
        `The decoder was opened. Expected ${JSON.stringify(value.name)} to be a tensor, got something else.`,
      );
    out.set(value.name, value);
  }
  return out;
};

const floatType = ({ name, type }: InferenceSession.TensorValueMetadata, what: string): FloatType => {
  if (type === 'float32' || type === 'float16') return type;
  throw new GateError('onnx-unsupported', `The decoder was opened. Expected its ${what} ${name} to be float32 or float16, got ${type}.`);
};

/** Inputs of whole numbers are fed as the original takes them. */
const requireInteger = ({ name, type }: InferenceSession.TensorValueMetadata): void => {
  if (type !== 'int64')
    throw new GateError(
      'onnx-unsupported',
      `The decoder was opened. Expected its input ${name} to be int64, got ${type}: cast it inside the graph.`,
    );
};

const cacheSlot = (input: InferenceSession.TensorValueMetadata, outputs: ReadonlyMap<string, unknown>): CacheSlot => {
  const [, heads, , size] = input.shape;
  const present = input.name.replace('past_key_values', 'present');
  if (input.shape.length !== 4 || typeof heads !== 'number' || typeof size !== 'number' || heads < 1 || size < 1)
    throw new GateError(
      'onnx-unsupported',
      `The decoder was opened. Expected fixed numbers of heads and sizes in its input ${input.name}, got [${input.shape.join(', ')}].`,
    );
  if (!outputs.has(present))
    throw new GateError('onnx-unsupported', `The decoder was opened. It reads ${input.name}, but does not write ${present}.`);
  return {
    part: input.name.endsWith('key') ? 'key' : 'value',
    past: input.name,
    present,
    heads,
    size,
    type: floatType(input, 'cache input'),
  };
};

/**
 * Reads how a decoder is driven from its metadata: our own graphs and common exports (with or without `attention_mask`,
 * `position_ids`, `num_logits_to_keep`). Throws `onnx-unsupported`, naming the input that is not understood.
 */
export const decoderInterface = (session: Pick<Session, 'inputMetadata' | 'outputMetadata'>): DecoderInterface => {
  const inputs = tensorsOf(session.inputMetadata);
  const outputs = tensorsOf(session.outputMetadata);
  const cache: CacheSlot[] = [];
  const features: string[] = [];
  let positions: DecoderInterface['positions'] = 'none';
  let featureWidth = 0;
  let featureType: FloatType = 'float32';
  for (const [name, input] of inputs) {
    if (ofIntegers.has(name)) requireInteger(input);
    if (cacheName.test(name)) cache.push(cacheSlot(input, outputs));
    else if (name === 'position_ids') positions = input.shape.length === 3 ? 'sectioned' : 'flat';
    else if (name === 'image_features' || deepFeatures.test(name)) {
      const width = input.shape[1];
      if (typeof width !== 'number')
        throw new GateError('onnx-unsupported', `The decoder was opened. Expected a fixed width of its input ${name}, got none.`);
      features.push(name);
      featureWidth = width;
      featureType = floatType(input, 'input');
    } else if (!ofIntegers.has(name))
      throw new GateError(
        'onnx-unsupported',
        `The decoder was opened. It wants an input ${JSON.stringify(name)}, which the gate cannot give.`,
      );
  }
  const logits = outputs.get('logits');
  if (!inputs.has('input_ids'))
    throw new GateError('onnx-unsupported', 'The decoder was opened. Expected an input "input_ids", found none.');
  if (logits === undefined) throw new GateError('onnx-unsupported', 'The decoder was opened. Expected an output "logits", found none.');
  if (features.length > 0 !== inputs.has('image_index'))
    throw new GateError(
      'onnx-unsupported',
      'The decoder was opened. Expected inputs for image features and image_index together, got one without the other.',
    );
  const vocabulary = logits.shape.at(-1);
  return {
    calledWith: [...inputs.keys()].filter((name) => name !== 'num_logits_to_keep' && !ofLayer.test(name)),
    mask: inputs.has('attention_mask'),
    positions,
    keepsLogits: inputs.has('num_logits_to_keep'),
    cache,
    features,
    featureWidth,
    featureType,
    vocabulary: typeof vocabulary === 'number' && vocabulary > 0 ? vocabulary : null,
  };
};
