import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { GateError } from '../errors.ts';
import { decodeDocument, digestOf } from '../records/decode.ts';
import { type Immutable, jsonValue, sha256 } from '../records/words.ts';
import { fileDigest, listRegularFiles } from './disk.ts';

export const manifestName = 'manifest.json';
const maxManifestBytes = 16 * 1024 * 1024;

/** What lies in the folder of an artefact, and what its maker says of it. */
export const artefactManifest = z.strictObject({
  schema: z.literal('optimization-gate/artefact/1'),
  digest: sha256,
  bytes: z.int().nonnegative(),
  files: z.array(z.strictObject({ path: z.string(), bytes: z.int().nonnegative(), sha256 })),
  about: jsonValue,
});
export type ArtefactManifest = Immutable<z.infer<typeof artefactManifest>>;

/**
 * What a store names an artefact by: its digest says what the artefact computes, its content which
 * bytes the files have and what their maker says of them.
 */
export interface StoredId {
  readonly digest: string;
  readonly content: string;
}

/** The content of an artefact. Nobody can make other files or other words with the same one. */
export const contentOf = ({ digest, files, about }: ArtefactManifest): string => digestOf(JSON.stringify([digest, files, about]));

/** Hashes every file of a folder. Throws `build-no-output` when there is none, or one is not a regular file. */
export const describeFolder = async (folder: string, digest: string, about: ArtefactManifest['about']): Promise<ArtefactManifest> => {
  const files: { path: string; bytes: number; sha256: string }[] = [];
  for (const path of await listRegularFiles(folder)) {
    if (path === manifestName)
      throw new GateError(
        'build-no-output',
        `The files of a build were taken over. No file may be called ${manifestName}: that name is taken.`,
        { where: folder },
      );
    files.push({ path, bytes: (await stat(join(folder, path))).size, sha256: await fileDigest(join(folder, path)) });
  }
  if (files.length === 0)
    throw new GateError('build-no-output', 'The files of a build were taken over. Expected at least one, found none.', { where: folder });
  return { schema: 'optimization-gate/artefact/1', digest, bytes: files.reduce((sum, file) => sum + file.bytes, 0), files, about };
};

export const readManifest = async (folder: string): Promise<ArtefactManifest> => {
  const path = join(folder, manifestName);
  return decodeDocument(artefactManifest, await readFile(path, 'utf8'), path, maxManifestBytes);
};

/** What is wrong with a stored folder, or null: every file must be there, with its digest, and no other. */
export const findDamage = async (folder: string, { digest, content }: StoredId): Promise<string | null> => {
  try {
    const manifest = await readManifest(folder);
    if (manifest.digest !== digest || contentOf(manifest) !== content) return 'the manifest is that of another one';
    const present = (await listRegularFiles(folder)).filter((path) => path !== manifestName);
    const extra = present.find((path) => !manifest.files.some((file) => file.path === path));
    if (extra !== undefined) return `${JSON.stringify(extra)} does not belong to it`;
    for (const file of manifest.files) {
      if (!present.includes(file.path)) return `${JSON.stringify(file.path)} is missing`;
      if ((await fileDigest(join(folder, file.path))) !== file.sha256) return `${JSON.stringify(file.path)} has changed`;
    }
    return null;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
};
