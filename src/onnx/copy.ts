import type { Message } from '@bufbuild/protobuf';

const nothing: ReadonlySet<string> = new Set();
/** What describes a graph and never computes; `metadataProps` is where exporters leave stack traces with paths of their machine. */
const descriptive: ReadonlySet<string> = new Set(['docString', 'metadataProps']);

const copyValue = (value: unknown, without: ReadonlySet<string>): unknown => {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return typeof value[0] === 'object' ? value.map((item) => copyValue(item, without)) : value.slice();
  // The prototype of a message carries the defaults of its unset fields.
  const copy: Record<string, unknown> = Object.create(Object.getPrototypeOf(value));
  for (const [key, item] of Object.entries(value)) {
    if (!without.has(key)) copy[key] = copyValue(item, without);
    else if (Array.isArray(item)) copy[key] = [];
  }
  return copy;
};

/** A deep copy of a message that shares only byte arrays (weights), which nobody may write into. */
export const copyMessage = <T extends Message>(message: T): T => copyValue(message, nothing) as T;

/** The same without doc strings and metadata, at every depth. */
export const copyWithoutDescriptions = <T extends Message>(message: T): T => copyValue(message, descriptive) as T;
