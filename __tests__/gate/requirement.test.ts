import { describe, expect, it } from 'vitest';
import { launchDemand } from '../../src/gate/launch-demand.ts';
import { failsJob } from '../../src/gate/run-verdict.ts';
import type { Requirement } from '../../src/records/metric.ts';
import { verdict as verdictSchema } from '../../src/records/verdict.ts';
import { cell, type Machine, measure, metrics, planOf, policy, samplesOf, settle, verdictOf } from './fixtures.ts';

const requiring = (bounds: Readonly<Record<string, Requirement>>) =>
  metrics.map((spec) => {
    const require = bounds[spec.id];
    return require === undefined ? spec : { ...spec, require };
  });
const atMost = (bound: number): Requirement => ({ must: 'at-most', bound });
const atLeast = (bound: number): Requirement => ({ must: 'at-least', bound });

const id = 'mini/pruning';
const headOnly = cell(id).arms.filter((arm) => arm.id === 'head');
const planWith = (bounds: Readonly<Record<string, Requirement>>, presence: 'both' | 'new', name = id) =>
  planOf([cell(name, { metrics: requiring(bounds), presence, ...(presence === 'new' ? { arms: headOnly } : {}) })]);
const settled = (status: 'changed' | 'new' | 'unchanged', name = id) => samplesOf([settle(name, status)]);

const quiet: Machine = { noise: 0.004 };
const judged = (
  bounds: Readonly<Record<string, Requirement>>,
  status: 'changed' | 'new' | 'unchanged',
  machine: Machine = quiet,
  name = id,
) => {
  const plan = planWith(bounds, status === 'new' ? 'new' : 'both', name);
  return verdictOf(plan, measure(plan, settled(status, name), machine));
};

describe('a runtime that differs between base and head', () => {
  it.each(['changed', 'unchanged'] as const)('leaves open what both miss by it in a cell that is %s, and nothing else', (status) => {
    const bounds = { 'decode-latency': atMost(0.001), 'nll-delta': atMost(0.05), 'model-size': atMost(1) };
    const plan = planWith(bounds, 'both');
    const moved = { ...plan, runtime: { ...plan.runtime, threads: 4, digest: plan.runtime.digest.replace(/./, '1') } };
    const [still, verdict] = [plan, moved].map((each) => verdictOf(each, measure(each, settled(status), quiet)));
    const outcomes = (of: typeof verdict) => of!.cells[0]!.requirements.map(({ metric, outcome, reason }) => [metric, outcome, reason]);
    const why = expect.stringMatching(/^base misses it too, but the runtime differs between base and head \(threads 1 → 4\)/);
    expect(outcomes(still)).toEqual(Object.keys(bounds).map((metric) => [metric, 'unmet-by-base', null]));
    expect(outcomes(verdict)).toEqual([
      ['decode-latency', 'undecided', why],
      ['nll-delta', 'undecided', why],
      ['model-size', 'unmet-by-base', null],
    ]);
    expect([still!.verdict, verdict!.verdict]).toEqual(['passed', 'inconclusive']);
  });
});

describe('an exact number', () => {
  it('fails a new cell beyond its bound, in words, and passes one at it', () => {
    const verdict = judged({ 'nll-delta': atMost(0.05) }, 'new');
    expect(verdictSchema.safeParse(verdict).error).toBeUndefined();
    expect(verdict).toMatchObject({ verdict: 'unmet', exitCode: 1 });
    expect(verdict.cells[0]).toMatchObject({
      verdict: 'unmet',
      reason: 'nll-delta is 0.1 nats/token, required at most 0.05',
      requirements: [{ metric: 'nll-delta', outcome: 'unmet', must: 'at-most', bound: 0.05, base: null, p: null, holdsRun: false }],
    });
    expect(verdict.summary).toBe('Requirement not met: mini/pruning: nll-delta is 0.1 nats/token, required at most 0.05');
    expect(failsJob(verdict, ['regressed', 'unmet'])).toBe(true);
    expect(failsJob(verdict, ['regressed'])).toBe(false);
    // 2.1 − 2 is not 0.1 to the last bit.
    expect(judged({ 'nll-delta': atMost(0.1) }, 'new')).toMatchObject({ verdict: 'passed', exitCode: 0 });
  });

  it('is no fault of head where base misses the bound too, and stays one where base holds it', () => {
    const both = judged({ 'nll-delta': atMost(0.05) }, 'changed');
    expect(both).toMatchObject({ verdict: 'passed', cells: [{ requirements: [{ outcome: 'unmet-by-base', base: expect.any(Number) }] }] });
    const nll = (arm: string, window: number) => ({ reference: 2, base: 2.0985, head: 2.1015 })[arm]! + window / 100;
    const crept = judged({ 'nll-delta': atMost(0.1) }, 'changed', { ...quiet, nll });
    expect(crept).toMatchObject({ verdict: 'unmet', exitCode: 1, cells: [{ requirements: [{ outcome: 'unmet' }] }] });
    expect(crept.cells[0]!.metrics.find((metric) => metric.id === 'nll-delta')).toMatchObject({ verdict: 'passed' });
  });

  it('of an unchanged cell says what base misses, and fails nothing', () => {
    const verdict = judged({ 'nll-delta': atMost(0.05) }, 'unchanged');
    expect(verdict).toMatchObject({ verdict: 'passed', cells: [{ verdict: 'unchanged', requirements: [{ outcome: 'unmet-by-base' }] }] });
  });
});

describe('a number that varies', () => {
  it('is tested by launches of its own, with all arms of a changed cell and without base in a new one', () => {
    for (const status of ['changed', 'new'] as const) {
      const plan = planWith({ 'decode-speedup': atLeast(1.1) }, status === 'new' ? 'new' : 'both');
      const wanted = launchDemand(plan, settled(status)).filter(({ purpose }) => purpose === 'requirement');
      expect(wanted).toHaveLength(12);
      for (const { points, arms } of wanted) {
        expect(points.map((point) => point.id)).toEqual(['decode-b1']);
        expect(arms).toEqual(status === 'new' ? ['reference', 'head'] : ['reference', 'base', 'head']);
      }
    }
    expect(launchDemand(planWith({}, 'new'), settled('new')).map(({ purpose }) => purpose)).not.toContain('requirement');
    const unchanged = launchDemand(planWith({ 'decode-speedup': atLeast(1.1) }, 'both'), settled('unchanged'));
    expect(unchanged.map(({ purpose }) => purpose)).not.toContain('requirement');
  });

  it('fails a new cell that misses its bound, with p over 12 launches', () => {
    const verdict = judged({ 'decode-speedup': atLeast(1.6) }, 'new');
    expect(verdict).toMatchObject({
      verdict: 'unmet',
      cells: [{ requirements: [{ outcome: 'unmet', launches: 12, p: 2 ** -12, head: expect.closeTo(1.5, 1) }] }],
    });
    expect(judged({ 'decode-speedup': atLeast(1.4) }, 'new')).toMatchObject({
      verdict: 'passed',
      cells: [{ requirements: [{ outcome: 'met' }] }],
    });
  });

  it('fails a change that loses what was required within its tolerance, where base had it', () => {
    const machine: Machine = { noise: 0.002, slowdown: () => 0.015 };
    const verdict = judged({ 'decode-speedup': atLeast(1.49) }, 'changed', machine);
    expect(verdict.cells[0]!.metrics.find((metric) => metric.id === 'decode-latency')?.verdict).not.toBe('regressed');
    expect(verdict).toMatchObject({ verdict: 'unmet', cells: [{ requirements: [{ outcome: 'unmet', base: expect.closeTo(1.5, 1) }] }] });
  });

  it('is undecided where noise allows a miss by must-detect, and holds the run; a smaller doubt does not', () => {
    const noisy = judged({ 'decode-speedup': atLeast(1.5) }, 'new', { noise: 0.5 });
    expect(noisy).toMatchObject({
      verdict: 'inconclusive',
      exitCode: 3,
      cells: [{ requirements: [{ outcome: 'undecided', holdsRun: true }] }],
    });
    const near = [...Array(20).keys()].map((at) => judged({ 'decode-speedup': atLeast(1.5) }, 'new', { noise: 0.01 }, `mini/p${at}`));
    expect(near.filter(({ verdict }) => verdict === 'inconclusive')).toEqual([]);
  });

  it('says so where launches are lacking, and where nothing is confirmed', () => {
    const plan = planWith({ 'decode-speedup': atLeast(1.1) }, 'new');
    const samples = measure(plan, settled('new'), quiet);
    const few = { ...samples, launches: samples.launches.filter(({ purpose, index }) => purpose !== 'requirement' || index < 5) };
    expect(verdictOf(plan, few)).toMatchObject({
      verdict: 'inconclusive',
      cells: [{ requirements: [{ outcome: 'undecided', reason: 'only 5 of 12 launches for it are complete' }] }],
    });
    const quick = { ...plan, policy: { ...policy, screen: 3, looks: [] } };
    const verdict = verdictOf(quick, measure(quick, settled('new'), quiet));
    expect(verdict.cells[0]!.requirements).toMatchObject([{ outcome: 'undecided', reason: expect.stringContaining('first impression') }]);
  });

  it('calls what lies at its bound not met in no more than a share alpha of runs, whatever their number', () => {
    const missed = [...Array(120).keys()].filter((at) => {
      const bounds = { 'decode-speedup': atLeast(1.5), 'prefill-latency': atMost(2) };
      return judged(bounds, 'new', { noise: 0.02 }, `mini/q${at}`).verdict === 'unmet';
    });
    // 6 of 120 are expected at most; more than 12 would be of probability below 0.01.
    expect(missed.length).toBeLessThanOrEqual(12);
  });
});

it('does not ask what the model cannot have, and does ask what is not measured for another reason', () => {
  const skipped = planOf([
    cell(id, { metrics: requiring({ 'nll-delta': atMost(0) }), skipped: { status: 'not-applicable', reason: 'no heads' } }),
  ]);
  expect(verdictOf(skipped, samplesOf([settle(id, 'skipped')])).cells[0]!.requirements).toEqual([]);
  const meter = judged({ energy: atMost(1) }, 'new');
  expect(meter).toMatchObject({
    verdict: 'inconclusive',
    cells: [{ requirements: [{ outcome: 'undecided', head: null, reason: 'this machine has none' }] }],
  });
});
