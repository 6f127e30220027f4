import { createHash } from 'node:crypto';
import { closeSync, constants, copyFileSync, lstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { GateError } from '../errors.ts';
import { asDiskError } from '../records/disk-error.ts';
import { isLfsPointerFile, lfsPointer } from '../records/lfs-pointer.ts';
import type { ModelFacts } from '../records/serving.ts';
import { nounId, sha256 } from '../records/words.ts';
import { type ModelConfig, parseModelConfig, readJsonFile } from './config.ts';
import { modelFacts } from './facts.ts';

const fileName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,119}$/, 'a plain file name');
const cardSchema = z.looseObject({
  id: nounId,
  family: z.string(),
  parameters: z.int().positive(),
  statement: z.string(),
  licence: z.string(),
  evaluation: z.object({ windows: z.int().positive(), tokens: z.int().positive() }),
  /** Figures of PyTorch on the committed windows, such as `perplexity`. */
  quality: z.record(z.string(), z.number()),
  sha256: z.record(fileName, sha256),
});
export type ModelCard = Readonly<z.infer<typeof cardSchema>>;

/** The source files of a model, as they stand in `models/ID/`. */
export interface ModelSource {
  readonly folder: string;
  readonly id: string;
  /** sha256 over the names and digests of the files that the card lists. */
  readonly digest: string;
  readonly config: ModelConfig;
  readonly facts: ModelFacts;
  readonly card: ModelCard;
}

const fileDigest = (path: string): string => {
  let file: number;
  try {
    if (!lstatSync(path).isFile())
      throw new GateError('model-invalid', 'A file of the model was read. Expected a regular file, got something else.', { where: path });
    if (isLfsPointerFile(path)) throw lfsPointer(path);
    file = openSync(path, 'r');
  } catch (cause) {
    if (cause instanceof GateError) throw cause;
    throw new GateError('model-invalid', 'A file of the model was read. It is missing, or this user may not read it.', {
      where: path,
      cause,
    });
  }
  try {
    const hash = createHash('sha256');
    const chunk = new Uint8Array(1 << 20);
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) hash.update(chunk.subarray(0, read));
    return hash.digest('hex');
  } finally {
    closeSync(file);
  }
};

/** The card of a model, without touching its other files. Throws `model-invalid`, naming the key. */
export const readModelCard = (folder: string): ModelCard => {
  const path = join(folder, 'card.json');
  const parsed = cardSchema.safeParse(readJsonFile(path));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new GateError(
    'model-invalid',
    `The card of the model was read. At ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? 'malformed'}.`,
    { where: path },
  );
};

/** The digest that names a model: sha256 over the sorted `DIGEST  NAME` lines of the card. */
export const modelDigest = (card: ModelCard): string => {
  const lines = Object.entries(card.sha256).map(([name, digest]) => `${digest}  ${name}\n`);
  return createHash('sha256').update(lines.sort().join('')).digest('hex');
};

/** Paths of all files of a model, the card among them. Throws `model-invalid`. */
export const modelFiles = (folder: string): readonly string[] => [
  ...new Set(['card.json', ...Object.keys(readModelCard(folder).sha256)].map((name) => join(folder, name))),
];

/** The windows that quality is judged on: no optimization gets to see them. */
export const evaluationFile = 'evaluation.safetensors';

/**
 * Opens the source files of a miniature: card.json, config.json and the files that the card lists, each checked against its sha256.
 * Throws `model-digest-mismatch`, naming the file, or `model-invalid`.
 */
export const openModelSource = (folder: string): ModelSource => openSource(folder, []);

/** The same for a folder that `copySubjectSource` made: there are no evaluation windows in it. */
export const openSubjectSource = (folder: string): ModelSource => openSource(folder, [evaluationFile]);

/**
 * Copies what optimization code may know of a model into the empty folder `to`: the card and the files that it lists, without the
 * evaluation windows. Throws `model-invalid` for a file that is missing.
 */
export const copySubjectSource = (folder: string, to: string): void => copyListed(folder, to, [evaluationFile]);

/** Copies the card of a model and all files that it lists into the empty folder `to`. Throws `model-invalid` for a file that is missing. */
export const copyModelSource = (folder: string, to: string): void => copyListed(folder, to, []);

const copyListed = (folder: string, to: string, absent: readonly string[]): void => {
  const listed = Object.keys(readModelCard(folder).sha256).filter((name) => name !== 'card.json' && !absent.includes(name));
  for (const name of ['card.json', ...listed]) {
    try {
      copyFileSync(join(folder, name), join(to, name), constants.COPYFILE_FICLONE);
    } catch (cause) {
      const full = asDiskError(cause, { path: to, noun: 'folder for temporary files' });
      if (full?.code === 'disk-full') throw full;
      throw new GateError('model-invalid', 'A file of the model was copied. It is missing, or this user may not read it.', {
        where: join(folder, name),
        cause,
      });
    }
  }
};

const openSource = (folder: string, absent: readonly string[]): ModelSource => {
  const card = readModelCard(folder);
  for (const needed of ['config.json', 'model.safetensors', evaluationFile, 'calibration.safetensors']) {
    if (card.sha256[needed] === undefined)
      throw new GateError('model-invalid', `The card of the model was read. Its \`sha256\` does not list ${needed}.`, {
        where: join(folder, 'card.json'),
      });
  }
  for (const [name, expected] of Object.entries(card.sha256)) {
    if (absent.includes(name)) continue;
    const path = join(folder, name);
    const actual = fileDigest(path);
    if (actual !== expected)
      throw new GateError(
        'model-digest-mismatch',
        `A file of the model was read. Expected sha256 ${expected}, which card.json lists, got ${actual}.`,
        { where: path },
      );
  }
  const config = parseModelConfig(readJsonFile(join(folder, 'config.json')), join(folder, 'config.json'));
  if (config.family !== card.family)
    throw new GateError(
      'model-invalid',
      `The model was read. Its card.json says family ${card.family}, its config.json ${config.family}.`,
      { where: folder },
    );
  const digest = modelDigest(card);
  return { folder, id: card.id, digest, config, facts: modelFacts(card.id, digest, config, true), card };
};
