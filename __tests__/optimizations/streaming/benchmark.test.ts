import { describe, expect, it } from 'vitest';
import { GateError } from '../../../src/errors.ts';
import { streamingBenchmark } from '../../../src/optimizations/streaming/benchmark.ts';
import { streamSetting } from '../../../src/optimizations/streaming/setting.ts';
import { operatingPoint } from '../../../src/records/metric.ts';
import { denseFacts } from '../miniature.ts';

const options = streamingBenchmark.options.parse({}, 'with');
const at = (context: number) => ({ ...denseFacts, context });

describe('the benchmark', () => {
  it('applies where the cache holds less than the longest input', () => {
    expect(streamingBenchmark.applies(at(2048), options)).toBe(true);
    expect(streamingBenchmark.applies(at(40_960), options)).toBe(true);
    expect(streamingBenchmark.applies(at(512), options)).toBe(true);
    expect(streamingBenchmark.applies(at(512), { chunk: 128, sinks: 4, 'keep-last': 252 })).toMatchObject({
      status: 'not-applicable',
      reason: expect.stringContaining('512'),
    });
  });

  it.each([512, 520, 1000, 2048, 131_072])('plays episodes that a context of %i holds', (context) => {
    const { points, metrics, comparators } = streamingBenchmark.workload(at(context), { chunk: 32, sinks: 4, 'keep-last': 60 });
    for (const point of points) operatingPoint.parse(point);
    const settings = points.flatMap((point) => (point.kind === 'episode' ? [streamSetting.parse(point.setting)] : []));
    expect(settings.map(({ measure }) => measure)).toEqual(['stream', 'sustained', 'memory']);
    for (const setting of settings) {
      const longest = setting.measure === 'memory' ? setting.fill : setting.measure === 'sustained' ? setting.long : setting.prompt;
      expect(longest + 4 * setting.steps).toBeLessThanOrEqual(context);
    }
    expect(comparators).toEqual({ recompute: null });
    const known = new Set(points.map(({ id }) => id));
    for (const { from } of metrics) expect('point' in from && known.has(from.point)).toBe(true);
  });

  it.each([{ chunk: 0 }, { 'keep-last': 0 }, { sinks: -1 }, { window: 4 }])('refuses %j', (value) => {
    expect(() => streamingBenchmark.options.parse(value, 'with')).toThrow(GateError);
  });
});
