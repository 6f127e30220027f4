import { expect, test } from 'vitest';
import { sharedMetrics } from '../../src/contract/shared-metrics.ts';
import { pointIdOf } from '../../src/gate/metric-key.ts';
import { benchmarks, builtinOptimizations, findOptimization } from '../../src/optimizations/registry.ts';
import { claim } from '../../src/records/claim.ts';
import { metricSpec, operatingPoint } from '../../src/records/metric.ts';
import type { Json } from '../../src/records/words.ts';
import { denseFacts, visionFacts } from './miniature.ts';

test('every built-in is found by its own id, supplies what its benchmark needs, and takes no options', async () => {
  expect(new Set(builtinOptimizations.map(({ benchmark }) => benchmark.id)).size).toBe(builtinOptimizations.length);
  for (const optimization of builtinOptimizations) {
    const { benchmark } = optimization;
    expect(findOptimization(benchmark.id)).toBe(optimization);
    const subject = await optimization.subject();
    for (const need of benchmark.needs) expect(need === 'build' ? subject.build : subject.start, benchmark.id).toBeTypeOf('function');
    expect(() => benchmark.options.parse({ 'no-such-option': 1 }, 'with'), benchmark.id).toThrow(
      expect.objectContaining({ code: 'option-invalid', where: 'with.no-such-option' }),
    );
    expect(benchmark.options.json).toMatchObject({ type: 'object', additionalProperties: false });
  }
  expect(findOptimization('no-such-optimization')).toBeNull();
});

test('every workload is data that the plan takes, and every metric reads a point of its workload', () => {
  for (const { benchmark } of builtinOptimizations)
    for (const facts of [denseFacts, visionFacts]) {
      const { points, metrics, variants } = benchmark.workload(facts, benchmark.options.parse({}, 'with'));
      const ids = new Set(points.map((point) => operatingPoint.parse(point).id));
      expect(ids.size).toBe(points.length);
      expect(new Set(metrics.map((metric) => `${metric.id} ${pointIdOf(metric)}`)).size).toBe(metrics.length);
      for (const metric of metrics) {
        metricSpec.parse(metric);
        if ('point' in metric.from) expect(ids, metric.id).toContain(metric.from.point);
      }
      for (const { options, optimization } of Object.values(variants)) {
        const maker = optimization === undefined ? benchmark : findOptimization(optimization)?.benchmark;
        expect(() => maker?.options.parse(options, 'again'), optimization).not.toThrow();
        expect(maker, optimization).toBeDefined();
      }
    }
});

test('every figure, pair and claim of a workload names metrics that it has', () => {
  for (const { benchmark } of builtinOptimizations)
    for (const facts of [denseFacts, visionFacts]) {
      const { metrics, headline, claims = [] } = benchmark.workload(facts, benchmark.options.parse({}, 'with'));
      const ids = metrics.map(({ id }) => id);
      expect(headline.length, benchmark.id).toBeGreaterThan(0);
      expect(new Set(headline).size, benchmark.id).toBe(headline.length);
      expect(ids, benchmark.id).toEqual(expect.arrayContaining([...headline]));
      for (const metric of metrics)
        if (metric.pairedWith !== undefined) {
          const pair = metrics.find((other) => other.id === metric.pairedWith && pointIdOf(other) === pointIdOf(metric));
          expect(pair?.from, `${metric.id} of ${benchmark.id}`).toMatchObject({ of: 'against', arm: 'reference', as: 'speed-up' });
        }
      const claimed = claims.flatMap((each) =>
        each.of === 'compressed'
          ? [each.ratio]
          : each.of === 'undominated'
            ? each.metrics
            : [...each.removed.map(({ metric }) => metric), each.possible ?? []].flat(),
      );
      for (const each of claims) claim.parse(each);
      expect(ids, benchmark.id).toEqual(expect.arrayContaining(claimed));
    }
});

test('the improvement averages times that are held against the reference model, not what a policy is held against', () => {
  const averaged = benchmarks.flatMap(({ needs, options, workload }) => {
    const { points, metrics } = workload(denseFacts, options.parse({}, 'with'));
    // Without a reference at its point, a metric has no gain over it.
    const held = points.filter((point) => point.arms.includes('reference')).map(({ id }) => id);
    return metrics
      .filter((spec) => spec.kind === 'timing' && spec.scale === 'log' && spec.role === 'gate' && held.includes(pointIdOf(spec)))
      .map(({ id }) => ({ id, needs }));
  });
  expect(averaged.filter(({ needs }) => needs.includes('policy'))).toEqual([]);
  expect(averaged.length).toBeGreaterThan(5);
});

test('the same id of a call is the same call, and a solo point repeats a call of its workload for long enough', () => {
  const known = new Map<string, string>();
  for (const benchmark of benchmarks)
    for (const facts of [denseFacts, visionFacts]) {
      const { points } = benchmark.workload(facts, benchmark.options.parse({}, 'with'));
      const calls = points.filter((point) => point.kind === 'call');
      for (const { id, phase, length, batch } of calls) {
        const call = `${phase} ${length} × ${batch}`;
        expect(known.get(id) ?? call, `${id} of ${benchmark.id}`).toBe(call);
        known.set(id, call);
      }
      for (const point of points)
        if (point.kind === 'solo') {
          const ids = calls.map(({ id }) => id);
          expect(ids, benchmark.id).toContain(point.of);
          // The least that an energy meter is asked for.
          expect(point.seconds).toBeGreaterThanOrEqual(5);
        }
    }
  expect(new Set(known.values()).size).toBe(known.size);
});

test('captions are scored per character, with the blind control; text is not', () => {
  const ids = (vision: boolean): readonly string[] => sharedMetrics({ vision }).map((metric) => metric.id);
  expect(ids(true)).toContain('blind-nll-per-character');
  expect(ids(false)).not.toContain('blind-nll-per-character');
  expect(
    sharedMetrics({ vision: false })
      .filter((metric) => metric.role === 'gate')
      .map((metric) => metric.id),
  ).toEqual([
    ...['prefill-latency', 'decode-latency', 'decode-latency'],
    ...['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement', 'unread-cache'],
    ...['model-size', 'macs-per-token', 'peak-memory'],
  ]);
});

test('every benchmark that needs a policy says what it exchanges, and its own policy answers the rehearsals', async () => {
  for (const { benchmark, subject } of builtinOptimizations) {
    const { start } = await subject();
    expect((benchmark.exchanges ?? []).length > 0, benchmark.id).toBe(benchmark.needs.includes('policy'));
    for (const { setting, observation, action, rehearsal } of benchmark.exchanges ?? []) {
      expect(setting.parse(rehearsal.setting), benchmark.id).toEqual(rehearsal.setting);
      expect(observation.parse(rehearsal.observation), benchmark.id).toEqual(rehearsal.observation);
      const episode = { point: 'rehearsal', seed: 1, options: benchmark.options.parse({}, 'with') as Json, setting: rehearsal.setting };
      const policy = await start?.(episode);
      expect(action.safeParse(await policy?.next(rehearsal.observation)).success, benchmark.id).toBe(true);
    }
  }
});
