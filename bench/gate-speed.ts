import { statSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { z } from 'zod';
import { decodeDocument } from '../src/records/decode.ts';
import { median } from '../src/statistics/describe.ts';
import { ownEnvironment, runProgram } from './child-program.ts';
import type { Comparison } from './comparison.ts';
import { writeLongRun } from './long-run.ts';
import { describeSpread } from './side-by-side.ts';

const runs = 5;

const judged = z.strictObject({
  seconds: z.number().positive(),
  cpuSeconds: z.number().positive(),
  readSeconds: z.number().positive(),
  peakBytes: z.number().positive().nullable(),
  launches: z.int().positive(),
  metrics: z.int().positive(),
  verdict: z.string(),
});

/** Bundled like the shipped program, so that stripping types counts neither as time nor as memory. */
const bundle = async (input: string, file: string): Promise<void> => {
  const made = await rolldown({ input, platform: 'node', external: [/^onnxruntime-node/] });
  await made.write({ file, format: 'esm', codeSplitting: false, minify: true });
  await made.close();
};

/** From the files of a run to its verdict: 132 timed metrics, all of them measured to the last look, in a fresh process each time. */
export const gateSpeed: Comparison = {
  name: 'gate-speed',
  onRequest: false,
  run: async ({ root, folder, seed }, show) => {
    const run = writeLongRun(join(folder, 'run'), seed);
    const program = join(folder, 'judged-run.js');
    await bundle(join(root, 'bench', 'judged-run.ts'), program);
    const results: z.infer<typeof judged>[] = [];
    for (let at = 0; at < runs; at++) {
      const child = { argv: [process.execPath, program, run.folder], cwd: folder, environment: ownEnvironment(), timeoutSeconds: 120 };
      results.push(decodeDocument(judged, (await runProgram(child)).stdout, 'judged-run', 10_000));
    }
    const [first] = results;
    const seconds = results.map((result) => result.seconds);
    const megabytes = (statSync(run.samplesFile).size / 1e6).toFixed(0);
    show({
      what: `samples to verdict, ${first?.metrics} metrics, ${first?.launches} launches`,
      value: median(seconds),
      unit: 's',
      target: { bound: 'most', value: 0.5 },
      note: `reading ${megabytes} MB takes ${median(results.map((result) => result.readSeconds)).toFixed(2)} s of it; ${median(results.map((result) => result.cpuSeconds)).toFixed(2)} s of processor time; ${describeSpread(seconds, 's')}; verdict ${first?.verdict}`,
    });
    const peaks = results.flatMap(({ peakBytes }) => (peakBytes === null ? [] : [peakBytes / 1e6]));
    if (peaks.length === 0) return;
    show({
      what: 'the same, peak resident memory',
      value: Math.max(...peaks),
      unit: 'MB',
      target: { bound: 'most', value: 200 },
      note: `largest of ${peaks.length} processes, VmHWM, Node itself included; least ${Math.min(...peaks).toFixed(0)} MB`,
    });
  },
};
