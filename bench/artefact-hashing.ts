import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { artefactDigest } from '../src/models/artefact.ts';
import { median } from '../src/statistics/describe.ts';
import { deriveSeed, seededRandom } from '../src/statistics/random.ts';
import { fileDigest } from '../src/store/disk.ts';
import type { Comparison } from './comparison.ts';
import { inBlocks, ratioOf, timed } from './side-by-side.ts';
import { writeSwigluLayer } from './swiglu-layer.ts';

/** How fast an artefact gets its name: the digest of a graph with its weights, and the digest of a stored file, beside sha256 of the same bytes in memory. */
export const artefactHashing: Comparison = {
  name: 'artefact-hashing',
  onRequest: false,
  run: async ({ folder, seed }, show) => {
    const graph = writeSwigluLayer(folder, 1024, 4096, seed);
    const data = join(folder, `${graph}.data`);
    const megabytes = statSync(data).size / 1e6;
    const bytes = readFileSync(data);
    const times = await inBlocks(
      {
        artefact: timed(() => artefactDigest(folder, [{ id: 'decoder', graph }], {})),
        file: timed(() => fileDigest(data)),
        memory: timed(() => createHash('sha256').update(bytes).digest()),
      },
      { blocks: 9, warmUp: 1, calls: 1, random: seededRandom(deriveSeed(seed, 'artefact-hashing')) },
    );
    const speed = (side: keyof typeof times): number => (megabytes / median(times[side])) * 1000;
    const rows = [
      ['artefact', 'digest of an artefact'],
      ['file', 'digest of a stored file'],
    ] as const;
    for (const [side, what] of rows) {
      const { median: share, lower, upper } = ratioOf(times.memory, times[side]);
      const note = `${share.toFixed(2)} (${lower.toFixed(2)} to ${upper.toFixed(2)}) of sha256 in memory, ${Math.round(speed('memory'))} MB/s; ${megabytes.toFixed(0)} MB`;
      show({ what: `${what}, ${megabytes.toFixed(0)} MB`, value: speed(side), unit: 'MB/s', target: null, note });
    }
  },
};
