/** Verdicts that fit the schema and mean harm. */
import fc from 'fast-check';
import { reportColumn } from '../../src/records/metric.ts';
import {
  type CellVerdict,
  type MetricVerdict,
  measuredState,
  type RequirementVerdict,
  requirementVerdict,
  runVerdict,
  type Verdict,
  verdictKind,
} from '../../src/records/verdict.ts';

import { verdictOf } from './fixtures.ts';

const poison = [
  '|',
  '||||',
  '\\|',
  '`',
  '``` ',
  '\n\n# heading\n',
  '\r\n| a | b |\n',
  '</details>',
  '<script>alert(1)</script>',
  '<!--',
  '@octocat',
  'org/repo#12',
  'GH-7',
  '[x](https://evil.example/)',
  '![x](http://evil.example/p.png)',
  'www.evil.example',
  'a@b.example',
  '\u001b[31mred\u001b[0m',
  '\u001b]8;;http://evil.example\u0007link\u001b]8;;\u0007',
  '\u202e\u2066',
  '\u0000',
  '$\\frac{1}{0}$',
  '漢字',
  '😀',
  'e\u0301\u0301\u0301\u0301\u0301',
  '&lt;b&gt;',
  '\ud800',
  '\\',
  '__proto__',
  'x'.repeat(400),
];

export const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(...poison),
  fc.array(fc.constantFrom(...poison, ' ', 'word'), { maxLength: 6 }).map((parts) => parts.join('')),
);

export const anyNumber = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1, 999.6, 1e-9, -1e300, 1e300),
  fc.double({ min: -100, max: 100, noNaN: true }),
);
const maybe = fc.option(anyNumber, { nil: null });
const noun = fc.constantFrom('mini-qwen3-dense', 'mini-qwen3-moe', 'a', `x${'y'.repeat(79)}`);

const metric: fc.Arbitrary<MetricVerdict> = fc.record({
  id: fc.oneof(hostileText, fc.constantFrom('prefill-latency', 'decode-latency', 'nll-delta', 'model-size', 'peak-memory')),
  point: hostileText,
  unit: fc.oneof(hostileText, fc.constantFrom('ms', 's', 'bytes', 'bytes/token', 'count', '×', '%', 'nats/token', '0–1')),
  better: fc.constantFrom('lower', 'higher'),
  kind: fc.constantFrom('timing', 'exact'),
  role: fc.constantFrom('gate', 'described', 'advisory'),
  scale: fc.constantFrom('log', 'linear'),
  verdict: fc.option(fc.constantFrom(...verdictKind.options), { nil: null }),
  state: fc.constantFrom(...measuredState.options),
  reference: maybe,
  base: maybe,
  head: maybe,
  earlier: maybe,
  interval: fc.option(fc.record({ lower: anyNumber, upper: anyNumber }), { nil: null }),
  change: fc.option(fc.record({ estimate: anyNumber, lower: maybe, upper: maybe }), { nil: null }),
  tolerance: fc.double({ min: 0, max: 1e6, noNaN: true }),
  column: fc.option(fc.constantFrom(...reportColumn.options), { nil: null }),
  pairedWith: fc.option(fc.oneof(hostileText, fc.constant('prefill-latency')), { nil: null }),
  p: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null }),
  launches: fc.nat(),
  detectable: maybe,
  reason: fc.option(hostileText, { nil: null }),
  warnings: fc.array(hostileText, { maxLength: 2 }),
  samples: fc.constant({ reference: [], base: [], head: [], change: [], gains: { base: [], head: [] } }),
});

const requirement: fc.Arbitrary<RequirementVerdict> = fc.record({
  metric: hostileText,
  point: hostileText,
  unit: hostileText,
  must: fc.constantFrom('at-most', 'at-least'),
  bound: anyNumber,
  outcome: fc.constantFrom(...requirementVerdict.shape.outcome.options),
  base: maybe,
  head: maybe,
  launches: fc.nat(),
  p: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null }),
  reason: fc.option(hostileText, { nil: null }),
  holdsRun: fc.boolean(),
});

const cell: fc.Arbitrary<CellVerdict> = fc
  .record({
    model: noun,
    optimization: noun,
    verdict: fc.constantFrom(...verdictKind.options),
    reason: fc.option(hostileText, { nil: null }),
    warnings: fc.array(hostileText, { maxLength: 2 }),
    metrics: fc.array(metric, { maxLength: 8 }),
    requirements: fc.array(requirement, { maxLength: 3 }),
    headline: fc.array(hostileText, { maxLength: 3 }),
  })
  .map(({ headline, ...one }) => ({
    ...one,
    id: `${one.model}/${one.optimization}`,
    headline: [...headline, ...one.metrics.map(({ id }) => id)],
  }));

export const hostileVerdict: fc.Arbitrary<Verdict> = fc
  .record({
    cells: fc.array(cell, { maxLength: 12 }),
    verdict: fc.constantFrom(...runVerdict.options),
    summary: hostileText,
    policyChanges: fc.array(hostileText, { maxLength: 4 }),
    warnings: fc.array(hostileText, { maxLength: 4 }),
    runnerClass: fc.option(hostileText, { nil: null }),
    environment: fc.jsonValue() as fc.Arbitrary<Verdict['environment']>,
    byReason: fc.dictionary(hostileText, fc.nat(), { maxKeys: 12 }),
  })
  .map(({ cells, byReason, ...given }) =>
    verdictOf(cells, {
      ...given,
      coverage: { judged: 1, total: 3, byReason },
      selfChecks: [{ kind: 'a-a', cell: 'a/b', outcome: 'unlikely', detail: given.summary }],
    }),
  );

/** 60 models × 10 cells × metrics whose every string is long and hostile. */
export const hugeVerdict = (): Verdict => {
  const harm = `${poison.join(' ')} `.repeat(2);
  const one: MetricVerdict = {
    id: harm,
    point: harm,
    unit: harm,
    better: 'lower',
    kind: 'timing',
    role: 'gate',
    scale: 'linear',
    verdict: 'regressed',
    state: 'measured',
    reference: 1.23456e9,
    base: 1.5e-7,
    head: 9.87e12,
    earlier: 1.2e-3,
    interval: { lower: -1e300, upper: 1e300 },
    change: { estimate: 1e300, lower: -1e300, upper: null },
    tolerance: 1e-9,
    column: null,
    pairedWith: harm,
    p: 0.5,
    launches: 36,
    detectable: 0.123456,
    reason: harm,
    warnings: [harm, harm],
    samples: { reference: [], base: [], head: [], change: [], gains: { base: [], head: [] } },
  };
  const kinds = verdictKind.options;
  const cells = Array.from({ length: 600 }, (_, index): CellVerdict => {
    const model = `model-${index % 60}`;
    const optimization = `optimization-${Math.floor(index / 60)}`;
    const verdict = kinds[index % kinds.length] ?? 'passed';
    return {
      id: `${model}/${optimization}`,
      model,
      optimization,
      verdict,
      headline: [harm],
      reason: harm,
      warnings: [harm],
      metrics: Array.from({ length: 5 }, (_unused, at) => ({ ...one, id: `${at}${harm}`, verdict })),
      requirements: [
        {
          metric: harm,
          point: harm,
          unit: harm,
          must: 'at-most',
          bound: 1e9,
          outcome: 'unmet',
          base: 1e9,
          head: 1e10,
          launches: 12,
          p: 0.001,
          reason: harm,
          holdsRun: false,
        },
      ],
    };
  });
  return verdictOf(cells, {
    summary: harm,
    verdict: 'regressed',
    exitCode: 1,
    policyChanges: Array<string>(500).fill(harm),
    warnings: Array<string>(500).fill(harm),
    environment: Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${index}${harm}`, harm])),
    coverage: {
      judged: 1,
      total: 9000,
      byReason: Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`${index}${harm}`, index + 1])),
    },
    selfChecks: Array.from({ length: 50 }, () => ({ kind: 'planted' as const, cell: harm, outcome: 'unlikely' as const, detail: harm })),
    runnerClass: harm,
  });
};
