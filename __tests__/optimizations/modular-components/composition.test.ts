import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BuildSpec } from '../../../src/contract/benchmark.ts';
import type { ModelView } from '../../../src/contract/build.ts';
import type { GenerationSession } from '../../../src/contract/generation.ts';
import type { Tools } from '../../../src/contract/player.ts';
import { GateError } from '../../../src/errors.ts';
import { inspectArtefact } from '../../../src/models/inspection.ts';
import { moduleFingerprints } from '../../../src/models/module-structure.ts';
import { mainGraph } from '../../../src/onnx/model.ts';
import { readModel } from '../../../src/onnx/read.ts';
import { recognise } from '../../../src/onnx/recognise/recognise.ts';
import { cutLinear, finishRewrite, startRewrite } from '../../../src/optimizations/graph/rewrite.ts';
import { modularComponentsBenchmark } from '../../../src/optimizations/modular-components/benchmark.ts';
import { modularOptions } from '../../../src/optimizations/modular-components/options.ts';
import { compositionPlayer } from '../../../src/optimizations/modular-components/play.ts';
import { findOptimization } from '../../../src/optimizations/registry.ts';
import type { ModelFacts } from '../../../src/records/serving.ts';
import { openModel } from '../../../src/runtime/decoder.ts';
import { scoreArms } from '../../../src/runtime/scoring.ts';
import { greedySession } from '../../../src/runtime/serving-session.ts';
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
      mayFail: true,
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
/** Two passes that lose 0.1 and 0.2; both orders lose `pair`. */
const replayed = (pair: number, more: Partial<Parameters<typeof replayTools>[0]> = {}): Tools =>
  replayTools({
    costs,
    variants: all,
    nllDelta: (variant) => (variant === 'structured-pruning' ? 0.1 : variant === 'tensor-decomposition' ? 0.2 : pair),
    inspect: (variant) => ({
      'module:embedding': 1,
      'module:blocks-0': variant === 'main' ? 2 : 7,
      'module:head': variant.startsWith('tensor') ? 9 : 3,
      bytes: 5,
    }),
    ...more,
  });

describe('the pair matrix, replayed', () => {
  it('counts pairs that keep fidelity, and modules that a pass touches', async () => {
    const { values, warnings, trace } = await compositionPlayer.play(turn(), replayed(0.45));
    expect(values).toEqual({ interoperability: 100, 'modules-touched': 1.5 });
    expect(warnings).toEqual([]);
    expect(trace).toEqual({ pair: [0, 1], 'nll-delta': [0.45, 0.45], allowed: [expect.closeTo(0.6, 12), expect.closeTo(0.6, 12)] });
  });

  it('a pair may lose the sum and the slack on top, at least the tolerance, not more', async () => {
    const share = async (pair: number, given: object = {}) =>
      (await compositionPlayer.play(turn(given), replayed(pair))).values['interoperability'];
    expect(await share(0.59)).toBe(100);
    expect(await share(0.61)).toBe(0);
    expect(await share(0.34, { slack: 0 })).toBe(100);
    expect(await share(0.36, { slack: 0 })).toBe(0);
  });

  it('a pair that was not built, does not open, or has a part that does not work counts as failed, with words', async () => {
    const without = await compositionPlayer.play(
      turn(),
      replayed(0.3, { variants: all.filter((name) => name !== 'structured-pruning-then-tensor-decomposition') }),
    );
    expect(without.values['interoperability']).toBe(50);
    expect(without.warnings).toEqual(['structured-pruning-then-tensor-decomposition: it was not built']);
    const single = await compositionPlayer.play(turn(), replayed(0.3, { variants: all.filter((name) => name !== 'structured-pruning') }));
    expect(single.values['interoperability']).toBe(0);
    expect(single.warnings).toContain('tensor-decomposition-then-structured-pruning: one of the two does not work alone');
    const tools = replayed(0.3);
    const broken: Tools = {
      ...tools,
      session: (variant) =>
        variant.startsWith('tensor-decomposition-then')
          ? Promise.reject(new Error('wrapped', { cause: new GateError('session-failed', 'shapes differ') }))
          : tools.session(variant),
    };
    const failing = await compositionPlayer.play(turn(), broken);
    expect(failing.values['interoperability']).toBe(50);
    expect(failing.warnings).toEqual(['tensor-decomposition-then-structured-pruning: session-failed: shapes differ']);
  });

  it('what is no fault of the model is no finding', async () => {
    const full = { ...replayed(0.3), session: () => Promise.reject(new GateError('disk-full', 'no space')) };
    await expect(compositionPlayer.play(turn(), full)).rejects.toMatchObject({ code: 'disk-full' });
  });

  it('one pass makes no pair; a cut that was not built is left out of the mean', async () => {
    const { values, warnings } = await compositionPlayer.play(
      turn({ passes: ['structured-pruning'] }),
      replayed(0.3, { variants: all.filter((name) => !name.endsWith('-modules')) }),
    );
    expect(values).toEqual({});
    expect(warnings).toEqual([
      'not-applicable: interoperability: a pair needs two passes that apply to the model',
      'structured-pruning-then-modules: it was not built',
    ]);
  });

  it("judges base's list, whatever the arm has built", async () => {
    const few = replayed(0.3, { variants: ['main', 'structured-pruning', 'structured-pruning-then-modules'] });
    expect((await compositionPlayer.play(turn(), few)).values['interoperability']).toBe(0);
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
    inspect: async (variant) => {
      const { folder, stages } = viewOf(variant);
      return { parameters: inspectArtefact(folder, stages, 16).parameters, ...moduleFingerprints(folder, stages) };
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
      if (!(thrown instanceof GateError) || spec.mayFail !== true) throw thrown;
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
      expect(warnings).toEqual([]);
      expect(values['interoperability']).toBe(100);
      // Zeros fall into the vision tower too.
      expect(values['modules-touched']).toBeCloseTo(family === 'vl' ? 7 / 3 : 2, 12);
    },
    30_000,
  );

  it('a pass that breaks shapes is seen: one half of the pairs fails where it comes last, and the rest with it', async () => {
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
    expect(values['interoperability']).toBe(50);
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
