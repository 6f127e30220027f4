import { join } from 'node:path';
import type { Benchmark } from '../src/contract/benchmark.ts';
import { GateError } from '../src/errors.ts';
import { readWindows } from '../src/models/evaluation.ts';
import { openModelSource } from '../src/models/model-source.ts';
import { architectureSearchBenchmark } from '../src/optimizations/architecture-search/benchmark.ts';
import { automlBenchmark } from '../src/optimizations/automl/benchmark.ts';
import { findOptimization } from '../src/optimizations/registry.ts';
import { findConfinement } from '../src/processes/confinement.ts';
import { allowedEnvironment } from '../src/processes/environment.ts';
import type { OperatingPoint } from '../src/records/metric.ts';
import type { ArtefactRef, FromWorker, LaunchRequest } from '../src/records/protocol.ts';
import type { Json } from '../src/records/words.ts';
import { openCalibration } from '../src/runtime/calibration.ts';
import { openModel } from '../src/runtime/decoder.ts';
import { loadRuntime, runtimeRoots } from '../src/runtime/library.ts';
import { openProducts } from '../src/runtime/product.ts';
import { mean, median } from '../src/statistics/describe.ts';
import { newScratchPlace } from '../src/store/scratch.ts';
import { openStore, type Store } from '../src/store/store.ts';
import { processFacts } from '../src/telemetry/process-facts.ts';
import { clocks } from '../src/worker/clocks.ts';
import { runLaunch } from '../src/worker/launch.ts';
import type { LaunchTools } from '../src/worker/launch-tools.ts';
import { openScoreBook } from '../src/worker/score-book.ts';
import { prepareReference, sealArtefact } from '../src/worker/store-artefact.ts';
import type { BenchContext, Comparison, Row } from './comparison.ts';

const models = ['mini-qwen3-dense', 'mini-qwen3-moe', 'mini-glm4-moe-lite', 'mini-qwen3-vl'];
/** Launches of what is timed. */
const launches = 5;

type Measured = Extract<FromWorker, { type: 'measured' }>;
type Builds = Readonly<Record<string, ArtefactRef>>;

/** One model, in a store of the benchmark's own. */
interface Place {
  readonly id: string;
  readonly context: BenchContext;
  readonly store: Store;
  readonly folder: string;
  readonly source: ReturnType<typeof openModelSource>;
  readonly reference: ArtefactRef;
  readonly tools: LaunchTools;
}

const placeOf = async (context: BenchContext, id: string): Promise<Place> => {
  const { root } = context;
  const source = openModelSource(join(root, 'models', id));
  const folder = join(context.folder, id);
  const store = await openStore(folder, { clock: () => 0 });
  const { artefact } = await prepareReference({ type: 'prepare', model: source.folder, digest: source.digest, store: folder }, store);
  const prompts = readWindows(join(source.folder, 'calibration.safetensors'), source.config);
  const runtime = await loadRuntime(runtimeRoots(null, root));
  const settings = { provider: 'cpu', threads: 1, spinning: false } as const;
  const tools: LaunchTools = {
    openModel: (ref, sessionOptions = {}) =>
      openModel(ref.folder, ref.stages, ref.serve, { runtime, settings: { ...settings, ...sessionOptions }, prompts }),
    facts: source.facts,
    prompts,
    player: async (optimization) => {
      const player = await findOptimization(optimization)?.benchmark.player?.();
      if (player === undefined) throw new GateError('internal', `${optimization} plays no episodes`);
      return player;
    },
    scores: openScoreBook([]),
    scratch: newScratchPlace(folder),
    clock: clocks,
    beat: () => {},
    processFacts,
    energy: () => null,
  };
  return { id, context, store, folder, source, reference: artefact, tools };
};

/** Everything that a bench builds, beside the reference model. */
const buildAll = async <Options>(place: Place, benchmark: Benchmark<Options>): Promise<Builds> => {
  const { reference, source, context, store, folder } = place;
  const roots = runtimeRoots(null, context.root);
  const calibration = await openCalibration({ input: reference, windows: place.tools.prompts, roots });
  const products = openProducts(roots);
  const made: Record<string, ArtefactRef> = { main: reference };
  try {
    for (const [name, spec] of Object.entries(benchmark.workload(source.facts, benchmark.options.parse({}, benchmark.id)).variants)) {
      const maker = findOptimization(spec.optimization ?? benchmark.id);
      const { build } = (await maker?.subject()) ?? {};
      if (maker === null || build === undefined) throw new GateError('internal', `${spec.optimization ?? benchmark.id} builds nothing`);
      const output = await store.staging();
      const options = maker.benchmark.options.parse(spec.options, name) as Json;
      const model = source.facts;
      const variant = { name, options: spec.variant ?? spec.options };
      const built = await build({ model, input: reference, options, variant, output, seed: context.seed, calibration, products });
      const sealed = {
        type: 'seal',
        folder: output,
        stages: [...built.stages],
        serve: { ...built.serve },
        facts: {},
        runtime: { provider: 'cpu', threads: 1 },
        store: folder,
        views: folder,
        given: null,
      } as const;
      made[name] = (await sealArtefact(sealed, store, async () => {})).artefact;
    }
    return made;
  } finally {
    await calibration.release();
    await products.release();
  }
};

/** A launch as the gate makes it: the policy in a process of its own. */
const launch = (
  place: Place,
  benchmark: Pick<Benchmark, 'id'>,
  builds: Builds,
  wanted: Pick<LaunchRequest, 'purpose' | 'points' | 'tuned' | 'launch'>,
): Promise<Measured> => {
  const { context, source, tools, folder, reference } = place;
  return runLaunch(
    {
      type: 'launch',
      ...wanted,
      selfCheck: false,
      arms: ['reference', 'head'],
      repeated: null,
      artefacts: { reference: { ...builds, main: reference }, head: builds },
      like: benchmark.id,
      options: {},
      policies: {
        head: {
          argv: [process.execPath, join(context.root, 'src', 'worker.ts'), 'subject'],
          cwd: folder,
          environment: allowedEnvironment(process.env),
          confinement: findConfinement(),
          optimization: benchmark.id,
          options: {},
          reports: [],
          seconds: 30,
          memoryBytes: 2 ** 31,
        },
      },
      model: source.folder,
      modelDigest: source.digest,
      seed: context.seed,
      runtime: { digest: '0'.repeat(64), provider: 'cpu', threads: 1 },
      scores: [],
      scratch: tools.scratch,
    },
    tools,
  );
};

/** series of one arm, over all launches */
type Series = (point: string, arm: 'reference' | 'head', series: string) => readonly number[];

/** Builds, tunes, and runs the exact points once and the timed ones several times. */
const measured = async <Options>(place: Place, benchmark: Benchmark<Options>): Promise<Series> => {
  const builds = await buildAll(place, benchmark);
  const point = (one: OperatingPoint): OperatingPoint => ({ ...one, arms: ['reference', 'head'] });
  const points = benchmark.workload(place.source.facts, benchmark.options.parse({}, benchmark.id)).points.map(point);
  const { tuned = null } = await launch(place, benchmark, builds, { launch: 'tune', purpose: 'tune', points: [], tuned: null });
  const exact = points.filter((one) => one.kind === 'episode' && one.exact);
  const results = [await launch(place, benchmark, builds, { launch: 'once', purpose: 'once', points: exact, tuned })];
  for (let at = 0; at < launches; at++)
    results.push(
      await launch(place, benchmark, builds, {
        launch: `screen-${at}`,
        purpose: 'screen',
        points: points.filter((one) => !exact.includes(one)),
        tuned,
      }),
    );
  return (id, arm, series) =>
    results.flatMap(({ points: all }) => all.filter((each) => each.point === id).flatMap((each) => each.values[arm]?.[series] ?? []));
};

const showPool = async (place: Place, show: (row: Row) => void): Promise<void> => {
  const series = await measured(place, architectureSearchBenchmark);
  const of = (arm: 'reference' | 'head', name: string): number => median(series('live-drift', arm, name));
  show({
    what: 'hypervolume found ÷ exhaustive, 4 of 6 trials',
    value: mean(series('replay-drift', 'head', 'efficiency')),
    unit: '×',
    target: { bound: 'least', value: 0.9 },
    note: `${place.id}; the best single variant alone ${mean(series('replay-drift', 'reference', 'efficiency')).toFixed(3)}`,
  });
  show({
    what: 'requests within a drifting budget ÷ best variant',
    value: of('head', 'goodput') / of('reference', 'goodput'),
    unit: '×',
    target: null,
    note: `${place.id}; loss ${of('head', 'nll-delta').toFixed(3)} and ${of('reference', 'nll-delta').toFixed(3)} nats/token; adapted in ${of('head', 'adaptation-ms').toFixed(1)} ms; medians of ${launches} launches`,
  });
};

const showConfigurations = async (place: Place, show: (row: Row) => void): Promise<void> => {
  const series = await measured(place, automlBenchmark);
  const [found, initial] = [median(series('found', 'head', 'found-ms')), median(series('found', 'reference', 'found-ms'))];
  show({
    what: "share of the oracle's gain with 40 % of its trials",
    value: mean(series('replay', 'head', 'quality')),
    unit: '×',
    target: { bound: 'least', value: 0.9 },
    note: `${place.id}; within 5 % of the best after ${median(series('replay', 'head', 'trials')).toFixed(1)} trials, mean of 20 seeds; regret ${median(series('replay', 'head', 'regret')).toFixed(1)} %, of random trials ${median(series('replay', 'head', 'regret-by-chance')).toFixed(1)} %`,
  });
  show({
    what: 'request, default ÷ found under the bound',
    value: initial / found,
    unit: '×',
    target: null,
    note: `${place.id}; ${initial.toFixed(2)} → ${found.toFixed(2)} ms; a search takes ${median(series('found', 'head', 'search-seconds')).toFixed(2)} s; medians of ${launches} launches`,
  });
};

/** Whether a few trials find what an exhaustive search does, and whether what was found pays. */
export const searchQuality: Comparison = {
  name: 'search-quality',
  onRequest: true,
  run: async (context, show) => {
    for (const id of models) {
      const place = await placeOf(context, id);
      try {
        await showPool(place, show);
        await showConfigurations(place, show);
      } finally {
        await place.store.close();
      }
    }
  },
};
