import { describe, expect, it } from 'vitest';
import { launchDemand } from '../../src/gate/launch-demand.ts';
import type { Launch, Samples } from '../../src/records/sample.ts';
import { deriveSeed, seededRandom } from '../../src/statistics/random.ts';
import oracle from '../oracles/statistics-noise.json' with { type: 'json' };
import { cell, metrics, planOf, points, samplesOf, settle, verdictOf } from './fixtures.ts';

const traces = Map.groupBy(oracle.processes, (process) => process.w);
const workloads = [...traces.keys()];

/** Each cell replays one workload: launches draw recorded processes, with the labels of the identical arms swapped at random. */
const pullRequest = (run: number, slowdown: (cell: string) => number) => {
  const cells = Array.from({ length: 12 }, (_, i) =>
    cell(`mini/${workloads[i % workloads.length]}${i}`, { metrics: [metrics[1]!], points: [points[1]!] }),
  );
  const plan = planOf(cells, { seed: run });
  let samples: Samples = samplesOf(cells.map((each) => settle(each.id, 'changed')));
  for (let wanted = launchDemand(plan, samples); wanted.length > 0; wanted = launchDemand(plan, samples)) {
    const launches = wanted.map((demand): Launch => {
      const random = seededRandom(deriveSeed(run, demand.launch));
      const workload = traces.get(demand.cell.replace(/^mini\/|\d+$/g, ''))!;
      const { a, b } = workload[Math.floor(random() * workload.length)]!;
      const [base, head] = random() < 0.5 ? [a, b] : [b, a];
      const slowed = (factor: number) => ({ 'wall-ms': head.map((time) => time * factor) });
      const others = demand.selfCheck
        ? { head: slowed(1), 'self-check:planted': slowed(1.25) }
        : { head: slowed(1 + slowdown(demand.cell)) };
      const values = { base: { 'wall-ms': base }, ...others, reference: { 'wall-ms': base } };
      return {
        id: demand.launch,
        cell: demand.cell,
        purpose: demand.purpose,
        index: demand.index,
        selfCheck: demand.selfCheck,
        status: 'complete',
        error: null,
        process: null,
        points: { 'decode-b1': { values, warnings: [] } },
        traces: [],
        tuned: undefined,
      };
    });
    samples = { ...samples, launches: [...samples.launches, ...launches] };
  }
  return verdictOf(plan, samples);
};

describe('on recorded noise of a contended machine', () => {
  const runs = 25;
  it('raises no false alarm on identical code', () => {
    const verdicts = Array.from({ length: runs }, (_, run) => pullRequest(run, () => 0).verdict);
    expect(verdicts.filter((verdict) => verdict === 'regressed')).toHaveLength(0);
    expect(verdicts.filter((verdict) => verdict === 'unfit')).toHaveLength(0);
  });

  it('finds one cell that is 10 % slower, in the quiet workloads nearly always', () => {
    const found = (name: string): number => {
      const slow = (id: string): number => (id === `mini/${name}` ? 0.1 : 0);
      return (
        Array.from({ length: runs }, (_, run) => pullRequest(100 + run, slow)).filter((verdict) =>
          verdict.cells.some((each) => each.verdict === 'regressed' && each.id === `mini/${name}`),
        ).length / runs
      );
    };
    expect(workloads.slice(0, 2)).toEqual(['mlp', 'attn']);
    expect(found('mlp0')).toBeGreaterThanOrEqual(0.9);
    expect(found('attn1')).toBeGreaterThanOrEqual(0.9);
  });

  it('does not find what is not there: a slowdown below the tolerance', () => {
    const verdicts = Array.from({ length: runs }, (_, run) => pullRequest(200 + run, () => 0.005).verdict);
    expect(verdicts.filter((verdict) => verdict === 'regressed').length).toBeLessThanOrEqual(1);
  });

  it('is seeded: the same run twice is the same verdict', () => {
    expect(JSON.stringify(pullRequest(3, () => 0.1))).toBe(JSON.stringify(pullRequest(3, () => 0.1)));
  });
});
