import { describe, expect, it } from 'vitest';
import { otherMeasureText } from '../../src/records/other-measure.ts';
import type { Samples } from '../../src/records/sample.ts';
import { cell, measure, metricOf, planOf, samplesOf, settle, verdictOf } from './fixtures.ts';

const plan = planOf([cell('mini/pruning')]);
const samples = measure(plan, samplesOf([settle('mini/pruning', 'changed')]), { noise: 0.004 });

/** The same samples, with one more warning at every point. */
const warned = (series: string, given: Samples = samples): Samples => ({
  ...given,
  launches: given.launches.map((launch) => ({
    ...launch,
    points: Object.fromEntries(
      Object.entries(launch.points).map(([id, point]) => [
        id,
        { ...point, warnings: [...point.warnings, otherMeasureText({ series, text: 'another measure' })] },
      ]),
    ),
  })),
});

describe('a measure that head changes', () => {
  it('says nothing good of head', () => {
    const id = 'model-size';
    expect(metricOf(verdictOf(plan, samples), id).verdict).toBe('passed');
    const verdict = verdictOf(plan, warned('bytes'));
    expect(metricOf(verdict, id)).toMatchObject({ verdict: 'inconclusive', reason: 'another measure', warnings: [] });
    expect(verdict).toMatchObject({ verdict: 'inconclusive', exitCode: 3 });
    // Of another series it is no matter.
    expect(metricOf(verdictOf(plan, warned('parameters')), id).verdict).toBe('passed');
  });

  it('excuses no regression', () => {
    const worse = { ...samples, launches: samples.launches.map((launch) => ({ ...launch, points: heavier(launch.points) })) };
    expect(metricOf(verdictOf(plan, warned('bytes', worse)), 'model-size').verdict).toBe('regressed');
  });
});

const heavier = (points: Samples['launches'][number]['points']): Samples['launches'][number]['points'] =>
  Object.fromEntries(
    Object.entries(points).map(([id, point]) => {
      const bytes = point.values['head']?.['bytes'];
      if (bytes === undefined) return [id, point];
      return [id, { ...point, values: { ...point.values, head: { ...point.values['head'], bytes: bytes.map((value) => 2 * value) } } }];
    }),
  );
