import { describe, expect, it } from 'vitest';
import type { ResolvedConfig, ResolvedOptimization } from '../../src/config/resolve.ts';
import type { Benchmark, Workload } from '../../src/contract/benchmark.ts';
import { settleCell } from '../../src/gate/settled-cell.ts';
import { structuredPruningBenchmark } from '../../src/optimizations/structured-pruning/benchmark.ts';
import { planCells, type Side, workloadOf } from '../../src/planning/plan-cells.ts';
import type { BuiltLine } from '../../src/records/sample.ts';
import type { ModelFacts } from '../../src/records/serving.ts';
import type { Json } from '../../src/records/words.ts';
import { digest, planOf } from '../gate/fixtures.ts';
import { defaultConfig } from '../testkit/config.ts';

const facts = { id: 'mini', digest: digest('f'), layers: 2, experts: 0, vision: false } as ModelFacts;

const workload: Workload = {
  variants: {
    main: { options: { cut: 2 } },
    first: { options: { ratio: 1 }, optimization: 'structured-pruning' },
    second: { options: { rank: 3 }, optimization: 'tensor-decomposition', on: 'first', mayFail: 'always' },
  },
  comparators: { plain: 'first', idle: null },
  points: [],
  metrics: [],
  headline: [],
};
const benchmark = (given: Workload, needs: Benchmark['needs'] = ['build']): Benchmark => ({
  id: 'modular',
  title: 'Modular',
  does: 'nothing',
  comparedWith: 'nothing',
  options: { json: {}, parse: () => ({ parsed: true }) },
  needs,
  applies: () => true,
  workload: () => given,
});

const entry = (door: ResolvedOptimization['door'], options: ResolvedOptimization['options'] = { own: 1 }): ResolvedOptimization => ({
  id: 'modular',
  like: 'modular',
  door,
  options,
  benchmarkOptions: { parsed: true },
  inputs: [],
  points: null,
  metrics: [],
  bounds: null,
});

const side = (tree: 'head' | 'base', code: string, door: ResolvedOptimization['door'] = { kind: 'builtin' }): Side => {
  const config = { ...defaultConfig(), models: [{ kind: 'id', id: 'mini' }], optimizations: [entry(door)] } as unknown as ResolvedConfig;
  const builtin = (optimization: string) => ({
    door: { kind: 'builtin' as const, optimization, entry: null },
    tree,
    folder: '',
    inputs: [],
    code: digest(code),
    ownCode: digest(code),
  });
  return {
    tree,
    config,
    environment: {},
    builtin,
    subjectOf: () =>
      door.kind === 'builtin'
        ? builtin('modular')
        : { door: door as { kind: 'command'; command: string }, tree, folder: '', inputs: [], code: digest(code), ownCode: digest(code) },
  };
};

const planned = (given: Workload, head: Side, base: Side, needs?: Benchmark['needs']) =>
  planCells({
    models: [facts],
    head,
    base,
    renamed: new Map(),
    gate: defaultConfig().gate,
    benchmarkOf: () => benchmark(given, needs),
    seed: 3,
  });

describe('operating points of one’s own', () => {
  it('have names that no other point of the benchmark has', () => {
    const call = { id: 'decode-b1', kind: 'call', phase: 'decode', length: 4, batch: 1, rounds: 9, warmUp: 1, arms: [] } as const;
    const given: Workload = { ...workload, points: [call, { id: 'inspection', kind: 'inspection', arms: [] }] };
    const named = (id: string) =>
      workloadOf({ ...entry({ kind: 'builtin' }), points: [{ id, phase: 'decode', length: 8, batch: 2, rounds: null }] }, facts, () =>
        benchmark(given),
      );
    expect(named('decode-b1').workload.points.map(({ id }) => id)).toEqual(['decode-b1', 'inspection']);
    expect(() => named('inspection')).toThrow(expect.objectContaining({ code: 'config-invalid', where: 'points: inspection' }));
  });
});

describe('a gate that judges no quality', () => {
  const cellsOf = (quality: 'judged' | 'none') =>
    planCells({
      models: [facts],
      head: side('head', 'a'),
      base: side('base', 'a'),
      renamed: new Map(),
      gate: { ...defaultConfig().gate, quality },
      benchmarkOf: () => structuredPruningBenchmark as unknown as Benchmark,
      seed: 3,
    }).cells;

  it('plans nothing that is scored on held-out text, and all else', () => {
    const [whole] = cellsOf('judged');
    const [cell] = cellsOf('none');
    const scored = [
      ...['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement', 'unread-cache'],
      ...['perplexity-ratio', 'kl-divergence', 'kl-p99', 'top1-agreement'],
    ];
    expect(whole?.points.map(({ kind }) => kind)).toContain('evaluation');
    expect(cell?.points).toEqual(whole?.points.filter(({ kind }) => kind !== 'evaluation' && kind !== 'generation'));
    expect(cell?.metrics).toEqual(whole?.metrics.filter(({ id }) => !scored.includes(id)));
    expect(cell?.metrics.length).toBe((whole?.metrics.length ?? 0) - scored.length);
  });
});

describe('the way in', () => {
  it('of what base measures from outside is no program that builds', () => {
    const builds = side('head', 'a', { kind: 'command', command: 'make' });
    const measures = side('base', 'b', { kind: 'measure', command: 'measure' });
    const outside = { ...measures, config: { ...measures.config, optimizations: [{ ...entry({ kind: 'builtin' }), like: null }] } };
    const refused = { code: 'config-invalid', message: expect.stringContaining('Expected `measure` here too, got `command`') };
    expect(() => planned(workload, builds, outside)).toThrow(expect.objectContaining(refused));
  });
});

describe('what is built', () => {
  it('comes after what it is built on, each pass made by its own built-in, the same key for the same thing', () => {
    const { builds, cells } = planned(workload, side('head', 'a'), side('base', 'a'));
    const head = builds.filter(({ arm }) => arm === 'head');
    expect(head.map(({ variant, optimization, mayFail }) => [variant, optimization, mayFail])).toEqual([
      ['main', 'modular', 'never'],
      ['first', 'structured-pruning', 'never'],
      ['second', 'tensor-decomposition', 'always'],
    ]);
    expect(head[2]).toMatchObject({ on: head[1]?.key, options: { rank: 3 }, subject: { door: { optimization: 'tensor-decomposition' } } });
    expect(head.slice(0, 2).map(({ on }) => on)).toEqual([null, null]);
    expect(builds.filter(({ arm }) => arm === 'base').map(({ key }) => key)).toEqual(head.map(({ key }) => key));
    expect(cells[0]).toMatchObject({ comparators: { 'comparator:plain': 'first', 'comparator:idle': null }, tunes: null });
  });

  it('is told which variant it is: its own by name and by what the benchmark gives it, another built-in’s as that one’s main', () => {
    const pool = { ...workload.variants, small: { options: { cut: 2 }, variant: { width: 0.5 } } };
    const own = { kind: 'module', module: 'pool.mjs' } as const;
    const asked = (door?: ResolvedOptimization['door']) =>
      planned({ ...workload, variants: pool }, side('head', 'a', door), side('base', 'a', door))
        .builds.filter(({ arm }) => arm === 'head')
        .map(({ variant, options, told, subject }) => [variant, options, told, subject.door.kind]);
    const foreign = [
      ['first', { ratio: 1 }, { name: 'main', options: { ratio: 1 } }, 'builtin'],
      ['second', { rank: 3 }, { name: 'main', options: { rank: 3 } }, 'builtin'],
    ];
    expect(asked()).toEqual([
      ['main', { cut: 2 }, { name: 'main', options: { cut: 2 } }, 'builtin'],
      ...foreign,
      ['small', { cut: 2 }, { name: 'small', options: { width: 0.5 } }, 'builtin'],
    ]);
    expect(asked(own)).toEqual([
      ['main', { own: 1 }, { name: 'main', options: { cut: 2 } }, 'module'],
      ...foreign,
      ['small', { own: 1 }, { name: 'small', options: { width: 0.5 } }, 'module'],
    ]);
  });

  it('of one’s own is what the side that judges asks for; of a built-in what its own side’s options say', () => {
    const asked = (kind: 'builtin' | 'module') => {
      const door = kind === 'module' ? ({ kind, module: 'pool.mjs' } as const) : ({ kind } as const);
      const given = (tree: 'head' | 'base', width: number): Side => {
        const { config, ...rest } = side(tree, 'a', door);
        const options = { width };
        return {
          ...rest,
          config: { ...config, optimizations: config.optimizations.map((each) => ({ ...each, options, benchmarkOptions: options })) },
        };
      };
      const one = {
        ...benchmark(workload),
        workload: (_: ModelFacts, options: Json) => ({ ...workload, variants: { main: { options } } }),
      };
      const input = {
        models: [facts],
        head: given('head', 1),
        base: given('base', 2),
        renamed: new Map(),
        gate: defaultConfig().gate,
        seed: 3,
      };
      const { cells, builds } = planCells({ ...input, benchmarkOf: () => one });
      return [cells[0]?.options, ...builds.map(({ arm, told }) => [arm, told.options])];
    };
    expect(asked('module')).toEqual([{ width: 2 }, ['head', { width: 2 }], ['base', { width: 2 }]]);
    expect(asked('builtin')).toEqual([{ width: 2 }, ['head', { width: 1 }], ['base', { width: 2 }]]);
  });

  it('is known by what is told of the variant too', () => {
    const keys = (variants: Workload['variants']) =>
      planned(
        { ...workload, variants, comparators: {} },
        side('head', 'a', { kind: 'module', module: 'pool.mjs' }),
        side('base', 'a', { kind: 'module', module: 'pool.mjs' }),
      )
        .builds.filter(({ arm }) => arm === 'head')
        .map(({ key }) => key);
    const [large, small] = keys({ large: { options: {}, variant: { width: 1 } }, small: { options: {}, variant: { width: 0.5 } } });
    expect(large).not.toBe(small);
    expect(keys({ large: { options: {}, variant: { width: 0.75 } } })[0]).not.toBe(large);
    expect(keys({ large: { options: {}, variant: { width: 1 } } })[0]).toBe(large);
  });

  it('is another thing on another ground', () => {
    const other = { ...workload, variants: { ...workload.variants, first: { options: { ratio: 2 }, optimization: 'structured-pruning' } } };
    const [one, two] = [workload, other].map((given) => planned(given, side('head', 'a'), side('base', 'a')).builds);
    expect(two?.[2]?.key).not.toBe(one?.[2]?.key);
    expect(two?.[0]?.key).toBe(one?.[0]?.key);
  });

  it('refuses a ring and a ground that is not there', () => {
    const ring = { ...workload, variants: { a: { options: {}, on: 'b' }, b: { options: {}, on: 'a' } } };
    const gap = { ...workload, variants: { a: { options: {}, on: 'nowhere' } } };
    for (const wrong of [ring, gap]) expect(() => planned(wrong, side('head', 'a'), side('base', 'a'))).toThrow(/is built on/);
  });

  it('gives a policy to those that need one; a command is none', () => {
    const { cells } = planned({ ...workload, variants: {} }, side('head', 'a'), side('base', 'a'), ['policy']);
    expect(cells[0]?.arms.map(({ policy }) => policy?.door)).toEqual([
      { kind: 'builtin', optimization: 'modular', entry: null },
      { kind: 'builtin', optimization: 'modular', entry: null },
    ]);
    const command = { kind: 'command', command: 'python x.py' } as const;
    expect(() => planned(workload, side('head', 'a', command), side('base', 'a'), ['policy'])).toThrow(/not by `command`/);
  });
});

describe('a cell is settled', () => {
  const { builds, cells } = planned(workload, side('head', 'a'), side('base', 'b'));
  const plan = planOf(cells, { builds });
  const line = (key: string, artefact: string | null): [string, BuiltLine] => [
    key,
    {
      line: 'built',
      key,
      status: artefact === null ? 'failed' : 'built',
      artefact,
      bytes: 1,
      seconds: 1,
      repeatSeconds: null,
      facts: {},
      error: artefact === null ? { code: 'build-failed', message: 'no', arm: 'head' } : null,
    },
  ];
  const settled = (lost: (variant: string, arm: string) => boolean) =>
    settleCell(
      plan,
      cells[0] as (typeof cells)[number],
      new Map(builds.map(({ key, variant, arm }) => line(key, lost(variant, arm) ? null : digest(variant.slice(0, 1))))),
    );

  it('as unchanged by equal artefacts; a variant that may fail is a change when one side loses it, and a failure of neither', () => {
    expect(settled(() => false)).toMatchObject({ status: 'unchanged' });
    expect(settled((variant) => variant === 'second')).toMatchObject({ status: 'unchanged' });
    expect(settled((variant, arm) => variant === 'second' && arm === 'head')).toMatchObject({ status: 'changed' });
    expect(settled((variant, arm) => variant === 'first' && arm === 'head')).toMatchObject({ status: 'failed' });
  });
});
