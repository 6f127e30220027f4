import { readConfigText } from '../../config/document.ts';
import { GateError } from '../../errors.ts';
import type { Json } from '../../records/words.ts';

export interface JsonMap {
  readonly [key: string]: Json;
}

/** A value as a map; an empty one where it is none. */
export const jsonMap = (value: Json | undefined): JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonMap) : {};

/** The data of a JSON text; null where it is none. */
export const jsonOf = (text: string): Json => {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as Json;
  } catch {
    return null;
  }
};

/** The data of a YAML text; null where it is none, or a hostile one. */
export const yamlOf = (text: string, path: string): Json => {
  try {
    return readConfigText(text, path).value;
  } catch (thrown) {
    if (!(thrown instanceof GateError)) throw thrown;
    return null;
  }
};
