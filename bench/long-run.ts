import { mkdirSync } from 'node:fs';
import { buildOf, cell, digest, planOf, run as runOnMachine, samplesOf } from '../__tests__/gate/fixtures.ts';
import { sharedMetrics, sharedPoints } from '../src/contract/shared-metrics.ts';
import { type LaunchDemand, launchDemand } from '../src/gate/launch-demand.ts';
import { settleCell } from '../src/gate/settled-cell.ts';
import type { Launch, SampleLine } from '../src/records/sample.ts';
import { appendLines } from '../src/records/samples-file.ts';
import { type RunFolder, readPlan, runFolderAt, writePlan } from '../src/run/run-folder.ts';
import { deriveSeed, seededRandom } from '../src/statistics/random.ts';

const cellCount = 44;
const rounds = 60;

/**
 * A launch as large as a real one: 60 rounds of wall and processor time per arm and point. Head is slower by the tolerance, a little
 * more and a little less in turn: no look can decide that, so every metric takes every launch that it may have.
 */
const launchOf = (demand: LaunchDemand, seed: number): Launch => {
  const random = seededRandom(deriveSeed(seed, demand.launch));
  const change = demand.selfCheck ? 1 : 1.02 * (demand.index % 2 === 0 ? 1.01 : 1 / 1.01);
  const levels: Readonly<Record<string, number>> = { reference: 1.5, head: change, 'self-check:planted': 1.25 };
  const series = (arm: string, point: string): number[] => {
    const level = (point.startsWith('prefill') ? 28 : 1.4) * (levels[arm] ?? 1);
    // To the nanosecond, as the worker writes them.
    return Array.from({ length: rounds }, () => Math.round(level * (1 + 0.01 * (random() - 0.5)) * 1e6) / 1e6);
  };
  const points = Object.fromEntries(
    demand.points.map(({ id, arms }) => [
      id,
      { values: Object.fromEntries(arms.map((arm) => [arm, { 'wall-ms': series(arm, id), 'cpu-ms': series(arm, id) }])), warnings: [] },
    ]),
  );
  return { ...runOnMachine({}, { ...demand, points: [] }), points };
};

const linesOf = (launch: Launch): readonly SampleLine[] => [
  { line: 'launch', launch: launch.id, cell: launch.cell, purpose: launch.purpose, index: launch.index, selfCheck: launch.selfCheck },
  ...Object.entries(launch.points).map(
    ([point, { values, warnings }]): SampleLine => ({ line: 'point', launch: launch.id, point, values, warnings }),
  ),
  { line: 'end', launch: launch.id, status: launch.status, error: null, process: null },
];

/** Writes plan.json and samples.jsonl of a pull request with 44 changed cells of three timed metrics, measured to the last look. */
export const writeLongRun = (folder: string, seed: number): RunFolder => {
  const points = sharedPoints().filter(({ kind }) => kind === 'call');
  const metrics = sharedMetrics({ vision: false }).filter(
    ({ kind, role, from }) => kind === 'timing' && role === 'gate' && from.of === 'series',
  );
  const cells = Array.from({ length: cellCount }, (_, at) =>
    cell(`model-${at % 4}/optimization-${Math.floor(at / 4)}`, { points, metrics }),
  );
  const plan = planOf(cells, { builds: (['head', 'base'] as const).map(buildOf) });
  mkdirSync(folder, { recursive: true });
  const run = runFolderAt(folder);
  writePlan(run, plan);
  const { built } = samplesOf([]);
  const settled = plan.cells.map((each) => settleCell(plan, each, built));
  const start: SampleLine = {
    line: 'run',
    schema: 'optimization-gate/samples/1',
    plan: readPlan(run).digest,
    at: '2026-06-15T12:00:00Z',
    runnerClass: 'bench',
    environment: {},
  };
  appendLines(run.samplesFile, [start, ...built.values(), ...settled]);
  let samples = samplesOf(settled, [], { plan: digest('f') });
  for (let wanted = launchDemand(plan, samples); wanted.length > 0; wanted = launchDemand(plan, samples)) {
    const launches = wanted.map((demand) => launchOf(demand, seed));
    appendLines(run.samplesFile, launches.flatMap(linesOf));
    samples = { ...samples, launches: [...samples.launches, ...launches] };
  }
  return run;
};
