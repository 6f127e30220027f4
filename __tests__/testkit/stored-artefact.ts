import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Json } from '../../src/records/words.ts';
import type { Store } from '../../src/store/store.ts';

/** Adds an artefact of these files (path → content) to a store, as a build does. Returns what the store says of it. */
export const storeArtefact = async (
  store: Store,
  digest: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  about: Json = null,
): ReturnType<Store['addArtefact']> => {
  const staging = await store.staging();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(staging, path)), { recursive: true });
    writeFileSync(join(staging, path), content);
  }
  return store.addArtefact(staging, digest, about, await store.closeStaging(staging));
};
