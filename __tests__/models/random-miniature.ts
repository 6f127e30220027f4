import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors } from '../../src/models/safetensors.ts';
import { deriveSeed, seededRandom } from '../../src/statistics/random.ts';
import { type Written, writeSafetensors } from './safetensors-file.ts';

/** Half floats between 1/32 and 1/8 of either sign: norms, matrices and embeddings that have learnt nothing. */
const randomHalves = (bytes: number, seed: number): Uint8Array => {
  const random = seededRandom(seed);
  const halves = Uint16Array.from({ length: bytes / 2 }, () => (random() < 0.5 ? 0x8000 : 0) | (0x2800 + Math.floor(0x800 * random())));
  return new Uint8Array(halves.buffer);
};

/** Copies a shipped model into the folder `to` under another id, every weight of it drawn at random. */
export const writeRandomMiniature = (from: string, to: string, id: string): void => {
  mkdirSync(to, { recursive: true });
  cpSync(from, to, { recursive: true });
  const weights = openSafetensors(join(from, 'model.safetensors'));
  const drawn: Record<string, Written> = {};
  for (const [name, { type, dims, start, end }] of weights.entries) {
    if (type !== 'F16') throw new Error(`${name} is ${type}`);
    drawn[name] = { dtype: type, shape: dims, data: randomHalves(end - start, deriveSeed(1, name)) };
  }
  weights.close();
  const path = join(to, 'model.safetensors');
  writeSafetensors(path, drawn);
  const card = JSON.parse(readFileSync(join(from, 'card.json'), 'utf8'));
  const sha256 = { ...card.sha256, 'model.safetensors': createHash('sha256').update(readFileSync(path)).digest('hex') };
  writeFileSync(join(to, 'card.json'), JSON.stringify({ ...card, id, sha256 }));
};
