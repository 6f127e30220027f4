import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BuildSpec } from '../../../src/contract/benchmark.ts';
import type { ModelView } from '../../../src/contract/build.ts';
import type { GenerationSession } from '../../../src/contract/generation.ts';
import type { Tools } from '../../../src/contract/player.ts';
import { GateError } from '../../../src/errors.ts';
import { inspectArtefact } from '../../../src/models/inspection.ts';
import { mainGraph } from '../../../src/onnx/model.ts';
import { readModel } from '../../../src/onnx/read.ts';
import { recognise } from '../../../src/onnx/recognise/recognise.ts';
import { cutLinear, finishRewrite, startRewrite } from '../../../src/optimizations/graph/rewrite.ts';
import { modularComponentsBenchmark } from '../../../src/optimizations/modular-components/benchmark.ts';
import { modularOptions } from '../../../src/optimizations/modular-components/options.ts';
import { compositionPlayer } from '../../../src/optimizations/modular-components/play.ts';
import { findOptimization } from '../../../src/optimizations/registry.ts';
import type { ModelFacts } from '../../../src/records/serving.ts';
import type { Values } from '../../../src/records/words.ts';
import { openModel } from '../../../src/runtime/decoder.ts';
import { scoreArms } from '../../../src/runtime/scoring.ts';
import { greedySession } from '../../../src/runtime/serving-session.ts';
import { inspectVariant } from '../../../src/worker/inspection.ts';
import { runtime, settings } from '../../runtime/tiny-model.ts';
import { replayTools, turnOf } from '../../testkit/episode-tools.ts';
import { build, denseFacts, expertFacts, freshFolder, miniature, visionFacts, vocabulary } from '../miniature.ts';

const passes = ['structured-pruning', 'tensor-decomposition'] as const;
const options = modularOptions.parse({ passes }, 'options');
const everyPass = modularOptions.parse({}, 'options');
const point = { id: 'composition', setting: null, exact: true } as const;
const turn = (given: object = {}) => turnOf(point, { arm: 'head', options: { ...options, ...given } });

describe('the plan', () => {
  it('builds the pipeline, each pass, each pass cut, and every ordered pair on its first pass', () => {
    const { variants, points } = modularComponentsBenchmark.workload(denseFacts, options);
    expect(Object.keys(variants).sort()).toEqual(
      [
        'main',
        ...passes,
        ...passes.map((pass) => `${pass}-then-modules`),
        'structured-pruning-then-tensor-decomposition',
        'tensor-decomposition-then-structured-pruning',
      ].sort(),
    );
    expect(variants['tensor-decomposition-then-structured-pruning']).toMatchObject({
      on: 'tensor-decomposition',
      optimization: 'structured-pruning',
      mayFail: 'always',
    });
    expect(variants['main']).toEqual({ options: { modules: 2, repeat: true } });
    expect(points.filter(({ kind }) => kind === 'call')).toHaveLength(2);
  });

  it('takes a pass as its own cell does, so that they share the build', () => {
    const { variants } = modularComponentsBenchmark.workload(denseFacts, options);
    for (const pass of passes) {
      const benchmark = findOptimization(pass)!.benchmark;
      expect(variants[pass]!.options).toEqual(
        benchmark.workload(denseFacts, benchmark.options.parse({}, 'with')).variants['main']!.options,
      );
    }
  });

  it('leaves out what does not apply', () => {
    const quantized: ModelFacts = { ...denseFacts, quantized: true };
    expect(Object.keys(modularComponentsBenchmark.workload(quantized, options).variants)).toEqual(['main']);
    expect(modularComponentsBenchmark.applies(denseFacts, modularOptions.parse({ modules: 4 }, 'options'))).toMatchObject({
      status: 'not-applicable',
    });
    expect(modularComponentsBenchmark.applies(denseFacts, options)).toBe(true);
    expect(() => modularOptions.parse({ passes: ['structured-pruning', 'structured-pruning'] }, 'with')).toThrow('names a pass twice');
  });
});

const costs = { prefill: () => 1, step: () => 1 };
const all = Object.keys(modularComponentsBenchmark.workload(denseFacts, options).variants);
/** Pruning leaves 0.8 of everything, decomposition 0.75 of the bytes and parameters. */
const files = (variant: string | null): Values => {
  const pruned = variant?.includes('pruning') === true ? 0.8 : 1;
  const factored = variant?.includes('decomposition') === true ? 0.75 : 1;
  const counts = { bytes: 1000 * pruned * factored, parameters: 250 * pruned * factored, 'multiply-adds': 300 * pruned };
  if (variant !== 'main' && variant?.endsWith('-modules') !== true) return counts;
  return {
    ...counts,
    'module:embedding': 1,
    'module:blocks-0': variant === 'main' ? 2 : 7,
    'module:head': variant.startsWith('tensor') ? 9 : 3,
  };
};
/** Two passes that lose 0.1 and 0.2; both orders lose `pair`, and the cut nothing. */
const replayed = (pair: number, more: Partial<Parameters<typeof replayTools>[0]> = {}): Tools =>
  replayTools({
    costs,
    variants: all,
    nllDelta: (variant) => {
      if (variant === 'main') return 0;
      if (!variant.endsWith('-modules') && variant.includes('-then-')) return pair;
      return variant.startsWith('structured-pruning') ? 0.1 : 0.2;
    },
    inspect: files,
    ...more,
  });
const pruneLast = 'tensor-decomposition-then-structured-pruning';
const pruneFirst = 'structured-pruning-then-tensor-decomposition';
/** Files of which some are other ones. */
const filesBut = (changed: Readonly<Record<string, Values>>): Partial<Parameters<typeof replayTools>[0]> => ({
  inspect: (variant) => ({ ...files(variant), ...changed[variant ?? ''] }),
});
const played = async (tools: Tools, given: object = {}) => {
  const { values, warnings = [], trace = {} } = await compositionPlayer.play(turn(given), tools);
  return { values, warnings, trace };
};

describe('the compositions, replayed', () => {
  it('counts those that keep fidelity and effect, and modules that a pass touches', async () => {
    const { values, warnings, trace } = await played(replayed(0.45));
    expect(values).toEqual({
      interoperability: 100,
      'composition-effect': expect.closeTo(100, 9),
      'composed-nll-delta': expect.closeTo((0.45 + 0.45 + 0.1 + 0.2) / 4, 12),
      'modules-touched': 1.5,
    });
    expect(warnings).toEqual([]);
    const close = (...numbers: readonly number[]): readonly unknown[] => numbers.map((number) => expect.closeTo(number, 9));
    expect(trace).toEqual({
      composition: [0, 1, 2, 3],
      'nll-delta': [0.45, 0.45, 0.1, 0.2],
      allowed: close(0.6, 0.6, 0.101, 0.201),
      effect: close(100, 100, 100, 100),
    });
  });

  it('a pair may lose the sum and the slack on top, at least the tolerance, not more', async () => {
    const share = async (pair: number, given: object = {}) => (await played(replayed(pair), given)).values['interoperability'];
    expect(await share(0.59)).toBe(100);
    expect(await share(0.61)).toBe(50);
    expect(await share(0.34, { slack: 0 })).toBe(100);
    expect(await share(0.36, { slack: 0 })).toBe(50);
  });

  it('a second pass that leaves alone what the first has made is no composition', async () => {
    const found = await played(replayed(0.2, filesBut({ [pruneLast]: files('tensor-decomposition') })));
    expect(found.values['interoperability']).toBe(75);
    // Of one pair of four the three claims of pruning are lost, and most of the two of decomposition: it removes less than pruning alone.
    const left = Math.log(800 / 750) / Math.log(1 / 0.75);
    expect(found.values['composition-effect']).toBeCloseTo((100 * (3 + (2 * left) / 5)) / 4, 9);
    expect(found.warnings).toEqual([
      `${pruneLast}: ${['bytes', 'parameters', 'multiply-adds'].map((quantity) => `structured-pruning keeps 0.0 % of its effect on ${quantity}`).join('; ')}; 75.0 % of the bytes are left, where the passes alone leave 60.0 % together; 100.0 % of the multiply-adds are left, where the passes alone leave 80.0 % together`,
    ]);
  });

  it('a second pass that undoes what the first has made is none either', async () => {
    const found = await played(replayed(0.1, filesBut({ [pruneFirst]: { bytes: 1000, parameters: 250 } })));
    expect(found.values['interoperability']).toBe(75);
    expect(found.warnings[0]).toContain('structured-pruning keeps 0.0 % of its effect on bytes');
  });

  it('effects that add up less than their product show as a number before they fail', async () => {
    // 0.75 · 0.8 = 0.6 of the bytes would be left.
    const effect = async (bytes: number) => (await played(replayed(0.3, filesBut({ [pruneFirst]: { bytes } })))).values;
    expect(await effect(650)).toMatchObject({
      interoperability: 100,
      'composition-effect': expect.closeTo(
        (100 * (3 + (3 + Math.log(750 / 650) / Math.log(1 / 0.8) + Math.log(800 / 650) / Math.log(1 / 0.75)) / 5)) / 4,
        9,
      ),
    });
    expect(await effect(680)).toMatchObject({ interoperability: 75 });
  });

  it('a cut that changes nothing, or undoes a pass, is seen', async () => {
    const uncut = await played(
      replayed(0.3, {
        inspect: (variant) => (variant === 'structured-pruning-then-modules' ? files('structured-pruning') : files(variant)),
      }),
    );
    expect(uncut.warnings).toEqual(['structured-pruning-then-modules: the cut keeps 0.0 % of its effect on modules']);
    const undone = await played(replayed(0.3, filesBut({ 'structured-pruning-then-modules': { bytes: 1000 } })));
    expect(undone.warnings[0]).toContain('structured-pruning-then-modules: structured-pruning keeps 0.0 % of its effect on bytes');
  });

  it('zeros count as the effect of a sparse network, and so does their pattern', async () => {
    const given = { passes: ['structured-pruning', 'sparse-network'] };
    const variants = Object.keys(modularComponentsBenchmark.workload(denseFacts, modularOptions.parse(given, 'options')).variants);
    const asked: (readonly [string | null, unknown])[] = [];
    const tools = (changed: Readonly<Record<string, Values>>): Tools => {
      const sparse = (variant: string | null): Values => ({
        ...files(variant),
        ...(variant?.includes('sparse') === true
          ? { bytes: (files(variant)['bytes'] ?? 0) * 0.6, sparsity: 50, 'pattern-conformity': 100 }
          : { sparsity: 0, 'pattern-conformity': 0 }),
        ...changed[variant ?? ''],
      });
      const replay = replayed(0.3, { variants });
      return {
        ...replay,
        inspect: async (variant, weights) => {
          asked.push([variant, weights]);
          return sparse(variant);
        },
      };
    };
    expect((await played(tools({}), given)).values['interoperability']).toBe(100);
    const counted = { target: 'all', pattern: { kept: 2, of: 4 }, tokens: 1 };
    for (const [variant, weights] of asked) expect(weights, String(variant)).toEqual(variant?.includes('sparse') === true ? counted : null);
    const broken = await played(tools({ 'sparse-network-then-structured-pruning': { 'pattern-conformity': 91 } }), given);
    expect(broken.warnings).toEqual([
      'sparse-network-then-structured-pruning: sparse-network keeps 91.0 % of its effect on pattern-conformity',
    ]);
    const dense = await played(tools({ 'sparse-network-then-structured-pruning': { sparsity: 20 } }), given);
    expect(dense.warnings).toEqual(['sparse-network-then-structured-pruning: sparse-network keeps 40.0 % of its effect on sparsity']);
    // One of six claims, in one of four compositions.
    expect(dense.values['composition-effect']).toBeCloseTo(97.5, 9);
  });

  it('a pass without an effect of its own composes with nothing', async () => {
    const idle = {
      'structured-pruning': files(null),
      [pruneFirst]: files('tensor-decomposition'),
      [pruneLast]: files('tensor-decomposition'),
    };
    const { values, warnings } = await played(replayed(0.3, filesBut(idle)));
    expect(values).toMatchObject({ interoperability: 25, 'composition-effect': expect.closeTo(25, 9) });
    expect(warnings[0]).toBe(`${pruneFirst}: structured-pruning has no effect alone`);
  });

  it('a pair that was not built, does not open, or has a part that does not work counts as failed, with words', async () => {
    const without = await played(replayed(0.3, { variants: all.filter((name) => name !== pruneFirst) }));
    expect(without.values['interoperability']).toBe(75);
    expect(without.values['composed-nll-delta']).toBeCloseTo((Math.log(2048) + 0.3 + 0.1 + 0.2) / 4, 9);
    expect(without.warnings).toEqual([`${pruneFirst}: it was not built`]);
    const single = await played(replayed(0.3, { variants: all.filter((name) => name !== 'structured-pruning') }));
    expect(single.values['interoperability']).toBe(25);
    expect(single.warnings).toContain(`${pruneLast}: one of the two does not work alone`);
    const tools = replayed(0.3);
    const broken: Tools = {
      ...tools,
      session: (variant) =>
        variant.startsWith('tensor-decomposition-then-structured')
          ? Promise.reject(new Error('wrapped', { cause: new GateError('session-failed', 'shapes differ') }))
          : tools.session(variant),
    };
    const failing = await played(broken);
    expect(failing.values['interoperability']).toBe(75);
    expect(failing.warnings).toEqual([`${pruneLast}: session-failed: shapes differ`]);
  });

  it('what is no fault of the model is no finding', async () => {
    const full = { ...replayed(0.3), session: () => Promise.reject(new GateError('disk-full', 'no space')) };
    await expect(compositionPlayer.play(turn(), full)).rejects.toMatchObject({ code: 'disk-full' });
    const unread = { ...replayed(0.3), inspect: () => Promise.reject(new GateError('disk-full', 'no space')) };
    await expect(compositionPlayer.play(turn(), unread)).rejects.toMatchObject({ code: 'disk-full' });
  });

  it('one pass composes with the cut; a cut that was not built is left out of the mean of modules', async () => {
    const given = { passes: ['structured-pruning'] };
    expect((await played(replayed(0.3), given)).values['interoperability']).toBe(100);
    const { values, warnings } = await played(replayed(0.3, { variants: all.filter((name) => !name.endsWith('-modules')) }), given);
    expect(values).toEqual({ interoperability: 0, 'composition-effect': 0, 'composed-nll-delta': Math.log(2048) });
    expect(warnings).toEqual(['structured-pruning-then-modules: it was not built']);
  });

  it('has no number where no pass applies', async () => {
    const { values, warnings } = await played(replayed(0.3, { model: { quantized: true } }));
    expect(values).toEqual({});
    expect(warnings).toContain('not-applicable: interoperability: a composition needs a pass that applies to the model');
    expect(warnings).toHaveLength(4);
  });

  it("judges base's list, whatever the arm has built", async () => {
    const few = replayed(0.3, { variants: ['main', 'structured-pruning', 'structured-pruning-then-modules'] });
    expect((await played(few)).values['interoperability']).toBe(25);
  });
});

/** Tools on real files and sessions; losses are scored on windows of drawn tokens. */
const realTools = (reference: ModelView, built: ReadonlyMap<string, ModelView>, facts: ModelFacts): Tools => {
  const viewOf = (variant: string): ModelView => {
    const found = built.get(variant);
    if (found === undefined) throw new Error(`no ${variant}`);
    return found;
  };
  const open = async ({ folder, stages }: ModelView) =>
    openModel(folder, stages, {}, { runtime: await runtime(), settings, prompts: null });
  const windows = {
    count: 4,
    length: 16,
    tokens: Uint16Array.from({ length: 64 }, (_, i) => 2 + ((i * 7 + (i >> 2)) % (vocabulary - 8))),
    scored: null,
    images: null,
  };
  let opening: ReturnType<typeof open> | null = null;
  return {
    ...replayTools({ costs, variants: [...built.keys()], model: facts }),
    session: async (variant): Promise<GenerationSession> => {
      const model = await open(viewOf(variant));
      const session = greedySession(model);
      return {
        prefill: (prompt) => session.prefill(prompt),
        decode: (steps) => session.decode(steps),
        get cacheBytes() {
          return session.cacheBytes;
        },
        release: () => model.release(),
      };
    },
    nllDelta: async (variant, limit) => {
      opening ??= open(reference);
      const [untouched, model] = [await opening, await open(viewOf(variant))];
      let delta = 0;
      await scoreArms(untouched, { untouched, model }, windows, { limit }, (_, scores) => {
        delta += (scores['model']!.nll - scores['untouched']!.nll) / limit;
      });
      await model.release();
      return delta;
    },
    inspect: async (variant, weights = null) => {
      const { folder, stages } = variant === null ? reference : viewOf(variant);
      return inspectVariant({ digest: '', content: '', folder, stages: [...stages], serve: {}, spare: 0 }, 'head', weights);
    },
  };
};

type Maker = (view: ModelView, spec: BuildSpec) => Promise<ModelView>;
/** Random weights have no rank to find: what is kept of them is said. */
const make: Maker = async (view, spec) => {
  const maker = findOptimization(spec.optimization ?? 'modular-components')!;
  const given = spec.optimization === 'tensor-decomposition' ? { 'rank-ratio': 0.25 } : spec.options;
  return build(await maker.subject(), view, maker.benchmark.options.parse(given, 'options'));
};

/** Builds every variant of the workload on a miniature, as the plan would; a build that fails is left out. */
const buildAll = async (
  view: ModelView,
  facts: ModelFacts,
  given = options,
  maker: Maker = make,
): Promise<ReadonlyMap<string, ModelView>> => {
  const { variants } = modularComponentsBenchmark.workload(facts, given);
  const built = new Map<string, ModelView>();
  for (const [name, spec] of Object.entries(variants)) {
    const from = spec.on === undefined ? view : built.get(spec.on);
    if (from === undefined) continue;
    try {
      built.set(name, await maker(from, spec));
    } catch (thrown) {
      if (!(thrown instanceof GateError) || spec.mayFail !== 'always') throw thrown;
    }
  }
  return built;
};

describe('the pair matrix, with real builds and sessions', () => {
  it.each([
    ['dense', denseFacts, everyPass],
    ['moe', expertFacts, options],
    ['glm', expertFacts, options],
    ['vl', visionFacts, everyPass],
  ] as const)(
    '%s: every two passes compose in both orders, and before the cut',
    async (family, facts, given) => {
      const view = miniature(family);
      const built = await buildAll(view, facts, given);
      // The pipeline, the passes, each of them cut, and the pairs.
      const count = given.passes.length;
      expect(built.size).toBe(1 + 2 * count + count * (count - 1));
      const sizes = new Set(
        [...built.keys()].slice(0, 3).map((name) => inspectArtefact(built.get(name)!.folder, built.get(name)!.stages, 16).parameters),
      );
      expect(sizes.size).toBe(3);
      const { values, warnings } = await compositionPlayer.play(
        turn({ ...given, tolerance: 1, windows: 2 }),
        realTools(view, built, facts),
      );
      // All of them run and are near enough. Not all effects add up: factors have no zeros, and these files are mostly graph.
      expect(warnings?.filter((each) => !/: ([a-z-]+ keeps|[0-9.]+ % of the bytes)/.test(each))).toEqual([]);
      expect(values['interoperability']).toBeGreaterThanOrEqual(50);
      expect(values['composition-effect']).toBeGreaterThan(50);
      expect(warnings?.some((each) => each.startsWith('sparse-network-then-tensor-decomposition: sparse-network keeps'))).toBe(
        given.passes.length === 3,
      );
      // Zeros fall into the vision tower too.
      expect(values['modules-touched']).toBeCloseTo(family === 'vl' ? 7 / 3 : 2, 12);
    },
    30_000,
  );

  it('a pass that breaks shapes where it comes last is seen', async () => {
    const view = miniature('dense');
    /** Cuts the inputs of the last matrix of a feed-forward, and forgets what feeds them. */
    const careless: Maker = async (from, spec) => {
      if (spec.optimization !== 'structured-pruning' || spec.on === undefined) return make(from, spec);
      const output = freshFolder();
      for (const { graph } of from.stages) {
        const model = startRewrite(readModel(join(from.folder, graph)));
        const feedForward = recognise(model).layers[0]!.feedForwards[0]!;
        cutLinear(
          model,
          feedForward.down,
          'rows',
          Array.from({ length: feedForward.down.rows - 8 }, (_, i) => i),
        );
        finishRewrite(model, output);
      }
      return { folder: output, stages: from.stages };
    };
    const built = await buildAll(view, denseFacts, options, careless);
    expect(built.size).toBe(7);
    const { values, warnings } = await compositionPlayer.play(turn({ tolerance: 1 }), realTools(view, built, denseFacts));
    expect(values['interoperability']).toBe(75);
    expect(warnings?.[0]).toContain('tensor-decomposition-then-structured-pruning: session-failed');
  }, 30_000);
});

it('recognises layers of a decoder whose feed-forwards were factored, so that other passes find them', async () => {
  const view = miniature('dense');
  const factored = await make(view, { optimization: 'tensor-decomposition', options: null });
  const model = readModel(join(factored.folder, 'model.onnx'));
  expect(mainGraph(model.proto).node.length).toBeGreaterThan(mainGraph(readModel(join(view.folder, 'model.onnx')).proto).node.length);
  const [before, after] = [recognise(readModel(join(view.folder, 'model.onnx'))), recognise(model)];
  expect(after.layers.map(({ feedForwards }) => feedForwards.map(({ width }) => width))).toEqual(
    before.layers.map(({ feedForwards }) => feedForwards.map(({ width }) => width)),
  );
  expect(after.warnings).toEqual([]);
});
