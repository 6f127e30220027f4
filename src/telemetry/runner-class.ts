import { createHash } from 'node:crypto';
import type { MachineFacts } from './machine.ts';

/** What numbers may be compared within: nothing that changes from one boot, kernel or driver to the next. */
export type ComparableFacts = Pick<MachineFacts, 'cpu' | 'cores' | 'platform' | 'gpu'> & {
  readonly provider: string;
  readonly threads: number;
  /** Version of ONNX Runtime; null where nothing needs it. */
  readonly ort: string | null;
};

/**
 * A readable slug and a hash (8 hex digits) of everything that numbers may be compared within: two machines of one class are
 * interchangeable. Lower-case letters, digits and dashes, so it can be a folder name. Memory, kernel and driver are recorded beside it, not in
 * it: they change without changing what is compared.
 */
export const runnerClass = (facts: ComparableFacts): string => {
  const { cpu, cores, platform, gpu, provider, threads, ort } = facts;
  const hash = createHash('sha256')
    .update(JSON.stringify([cpu, cores, platform, gpu, provider, threads, ort]))
    .digest('hex')
    .slice(0, 8);
  return [slug(platform, 20), slug(provider, 20), slug(gpu ?? cpu, 40), `${cores}c`, hash].filter((part) => part !== '').join('-');
};

const slug = (text: string, length: number): string =>
  text
    .toLowerCase()
    .replace(/\([^)]*\)/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, length)
    .replace(/^-+|-+$/g, '');
