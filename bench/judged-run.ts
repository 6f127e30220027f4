// Runs in a process of its own, so that its peak of memory is nobody else's: argument 1 is a run folder; prints one JSON line.

import { judge } from '../src/gate/judge.ts';
import { readPlan, readRunSamples, runFolderAt } from '../src/run/run-folder.ts';
import { processFacts } from '../src/telemetry/process-facts.ts';

const started = performance.now();
const before = process.cpuUsage();
const run = runFolderAt(process.argv[2] ?? '');
const { plan, digest: planDigest } = readPlan(run);
const { samples, digest: samplesDigest } = readRunSamples(run, plan, planDigest);
const read = performance.now();
const verdict = judge({ plan, planDigest, samples, samplesDigest, baselines: [], baselinesDigest: null });
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(before);
process.stdout.write(
  `${JSON.stringify({
    seconds,
    cpuSeconds: (user + system) / 1e6,
    readSeconds: (read - started) / 1000,
    peakBytes: processFacts(seconds).vmHwmBytes,
    launches: samples.launches.length,
    metrics: verdict.cells.reduce((sum, cell) => sum + cell.metrics.length, 0),
    verdict: verdict.verdict,
  })}\n`,
);
