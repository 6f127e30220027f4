import { createHash } from 'node:crypto';
import type { RuntimeSpec } from '../records/plan.ts';
import type { Json } from '../records/words.ts';
import { libraryDigest, type RuntimeLocation } from './library.ts';
import { type ProviderSessionOptions, sessionOptions } from './session.ts';

const canonical = (value: Json): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`)
    .join()}}`;
};

/**
 * What sessions are made of. The digest covers the native libraries' bytes, the version, the provider, the session options, and
 * `variables`, those of the environment that change what a session is; nothing else of the machine. Without a library it covers these
 * alone, which programs of one's own see too. Loads nothing native.
 */
export const describeRuntime = async (
  location: RuntimeLocation | null,
  settings: ProviderSessionOptions,
  variables: Readonly<Record<string, string>> = {},
): Promise<Omit<RuntimeSpec, 'serving'>> => {
  const { provider, threads } = settings;
  if (location === null) {
    const digest = createHash('sha256').update(canonical({ variables })).digest('hex');
    return { digest, ort: null, provider, threads, session: null };
  }
  const session: Json = JSON.parse(JSON.stringify(sessionOptions(settings)));
  const covered: Json = {
    libraries: await libraryDigest(location),
    ort: location.version,
    provider,
    threads,
    session,
    variables,
  };
  return {
    digest: createHash('sha256').update(canonical(covered)).digest('hex'),
    ort: location.version,
    provider,
    threads,
    session,
  };
};
