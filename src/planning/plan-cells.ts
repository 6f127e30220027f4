import { type Bounds, type Config, type PointEntry, takesModel } from '../config/config.ts';
import { requirementOf } from '../config/requirement.ts';
import type { ResolvedConfig, ResolvedOptimization } from '../config/resolve.ts';
import { toleranceOf } from '../config/tolerance.ts';
import type { Benchmark, BuildSpec, Workload } from '../contract/benchmark.ts';
import { GateError } from '../errors.ts';
import { externalBenchmark, externalWorkload } from '../optimizations/external-measurement/benchmark.ts';
import { digestOf } from '../records/decode.ts';
import { isSampled, type MetricSpec, type OperatingPoint } from '../records/metric.ts';
import type { PlannedBuild, PlannedCell, SubjectRef } from '../records/plan.ts';
import type { ModelFacts } from '../records/serving.ts';
import { cellIdOf, type Json, type NotMeasured } from '../records/words.ts';
import { type ArmParts, armDigest } from './arm-digest.ts';
import { requireSameMeaning } from './kept-meaning.ts';

/** Changes whenever the same code and options would build something else: then no stored build is found by its key. */
const buildContract = 3;

/** One side of the comparison: its configuration and how its code is started. */
export interface Side {
  readonly tree: 'head' | 'base';
  readonly config: ResolvedConfig;
  /** How to start the code of an entry in this tree, and the digest of that code. */
  readonly subjectOf: (entry: ResolvedOptimization) => SubjectRef;
  /** Declared variable → digest of its value, the same on both sides. */
  readonly environment: ArmParts['environment'];
  /** A built-in's own subject in this tree. */
  readonly builtin: (optimization: string) => SubjectRef;
}

export interface PlanCellsInput {
  readonly models: readonly ModelFacts[];
  readonly head: Side;
  /** Null: there is nothing to compare with. */
  readonly base: Side | null;
  /** Id of an entry of head → its id in base, where that is another. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Whose rules hold: base's where there is one. */
  readonly gate: Config['gate'];
  readonly benchmarkOf: (id: string) => Benchmark;
  readonly seed: number;
}

/** What judges an entry, and what of it is measured. */
interface JudgedWorkload {
  readonly benchmark: Benchmark;
  readonly workload: Workload;
  readonly applies: true | NotMeasured;
}

export interface PlannedCells {
  readonly cells: readonly PlannedCell[];
  readonly builds: readonly PlannedBuild[];
}

/** All cells of the run: every model of either side with every optimization of either side, in head's order, then what only base has. */
export const planCells = (input: PlanCellsInput): PlannedCells => {
  const cells: PlannedCell[] = [];
  const builds: PlannedBuild[] = [];
  const formerly = new Set(input.renamed.values());
  const ids = new Set([
    ...input.head.config.optimizations.map(({ id }) => id),
    ...(input.base?.config.optimizations ?? []).map(({ id }) => id).filter((id) => !formerly.has(id)),
  ]);
  const entriesOf = (id: string): readonly ResolvedOptimization[] =>
    [input.head.config, ...(input.base === null ? [] : [input.base.config])].flatMap(({ optimizations }) =>
      optimizations.filter((entry) => entry.id === id || entry.id === input.renamed.get(id)),
    );
  // Where either side's program names a model, both are run for each.
  const modelled = new Set([...ids].filter((id) => entriesOf(id).some(takesModel)));
  for (const model of [...input.models, null]) {
    for (const id of ids) {
      if (modelled.has(id) !== (model !== null)) continue;
      const planned = planCell(model, id, input);
      if (planned === null) continue;
      cells.push(planned.cell);
      builds.push(...planned.builds);
    }
  }
  return { cells: [...cells, ...lostCells(input, modelled, cells)], builds };
};

/** What base measures without a model, and head with models of which none is selected: one cell of base, which is lost. */
const lostCells = (input: PlanCellsInput, modelled: ReadonlySet<string>, planned: readonly PlannedCell[]): readonly PlannedCell[] => {
  const { head, base, renamed } = input;
  const unplanned = [...modelled].filter((id) => !planned.some(({ optimization }) => optimization === id));
  const lost = unplanned
    .map((id) => renamed.get(id) ?? id)
    .filter((was) => base?.config.optimizations.some((entry) => entry.id === was && !takesModel(entry)));
  const without = { ...head, config: { ...head.config, optimizations: [] } };
  return lost.flatMap((was) => planCell(null, was, { ...input, head: without, renamed: new Map() })?.cell ?? []);
};

const planCell = (
  model: ModelFacts | null,
  id: string,
  input: PlanCellsInput,
): { cell: PlannedCell; builds: readonly PlannedBuild[] } | null => {
  const was = input.renamed.get(id) ?? id;
  const { head, base } = entriesOn(model, id, was, input);
  // What is judged, and how, is base's to say; a cell that only head has brings its own benchmark.
  const judge = base ?? head;
  if (judge === null) return null;
  const { benchmark, workload: whole, applies } = workloadOf(judge, model, input.benchmarkOf);
  const workload = input.gate.quality === 'none' ? withoutQuality(whole) : whole;
  const options = judge.benchmarkOptions;
  const rules = judge.bounds ?? input.gate;
  const idOf = (entry: string, ofModel = true): string => cellIdOf(ofModel ? (model?.id ?? null) : null, entry);
  const cellId = idOf(id);
  // Rules and acceptances of base know the cell as base names it.
  const formerId = base === null ? cellId : idOf(was, takesModel(base));
  const presence = head === null ? 'removed' : base === null ? 'new' : 'both';
  const sides = [{ side: input.head, entry: head }, ...(input.base === null ? [] : [{ side: input.base, entry: base }])].flatMap(
    ({ side, entry }) => (entry === null ? [] : [{ side, entry, subject: side.subjectOf(entry) }]),
  );
  const lost = sides.find(({ subject }) => benchmark.needs.includes('policy') && subject.door.kind === 'command');
  if (lost !== undefined)
    throw new GateError(
      'config-invalid',
      judge.like === null
        ? 'The entry is judged as base has it, by a program that measures. Expected `measure` here too, got `command`. Give what builds an entry of its own, with another id.'
        : `\`like: ${judge.like}\` judges a program that takes decisions. Start it by \`module\` or \`serve\`, not by \`command\`.`,
      { where: cellId },
    );
  const builds =
    applies !== true || model === null
      ? []
      : sides.flatMap((arm) => buildsOf({ ...arm, cell: cellId, model, benchmark, judged: options, seed: input.seed }, input));
  const arms = sides.map(({ side, entry, subject }) => ({
    id: side.tree,
    builds: Object.fromEntries(builds.filter((build) => build.arm === side.tree).map((build) => [build.variant, build.key])),
    policy: benchmark.needs.includes('policy') && applies === true ? subject : null,
    options: entry.options,
    code: armDigest(partsOf(side, subject, subject.ownCode, entry.options)),
  }));
  // What equal programs answer means the same, whatever it is called.
  if (base !== null && head !== null && new Set(arms.map(({ code }) => code)).size > 1) requireSameMeaning(base, head, cellId);
  const cell: PlannedCell = {
    id: cellId,
    model: model?.id ?? null,
    optimization: id,
    like: benchmark.id,
    presence,
    renamedFrom: formerId === cellId ? null : formerId,
    skipped: applies === true ? null : applies,
    arms,
    comparators: Object.fromEntries(Object.entries(workload.comparators ?? {}).map(([name, variant]) => [`comparator:${name}`, variant])),
    tunes: benchmark.tunes ?? null,
    options,
    points: [...workload.points],
    metrics: workload.metrics.map((metric) => boundBy(rules, metric, [formerId])),
    headline: [...workload.headline],
    claims: [...(workload.claims ?? [])],
  };
  return { cell, builds };
};

/** A metric with the tolerance and the requirement that the rules have for it. */
const boundBy = (rules: Bounds, metric: MetricSpec, cells: readonly string[]): MetricSpec => {
  const keyed = { ...metric, sampled: isSampled(metric), cells };
  const require = requirementOf(rules, keyed);
  return { ...metric, tolerance: toleranceOf(rules, keyed) ?? metric.tolerance, ...(require === null ? {} : { require }) };
};

/** A workload without what is scored on held-out text. */
const withoutQuality = (workload: Workload): Workload => {
  const points = workload.points.filter(({ kind }) => kind !== 'evaluation' && kind !== 'generation');
  const isKept = ({ from }: MetricSpec): boolean => !('point' in from) || points.some(({ id }) => id === from.point);
  return { ...workload, points, metrics: workload.metrics.filter(isKept) };
};

/** How an entry is judged on a model (null: without one): its benchmark, what that measures there, and whether it applies. */
export const workloadOf = (
  { like, metrics, benchmarkOptions, points }: ResolvedOptimization,
  model: ModelFacts | null,
  benchmarkOf: (id: string) => Benchmark,
): JudgedWorkload => {
  if (like === null) return { benchmark: externalBenchmark(metrics), workload: externalWorkload(metrics), applies: true };
  if (model === null) throw new GateError('internal', `\`like: ${like}\` was to be judged without a model.`);
  const benchmark = benchmarkOf(like);
  const workload = withPoints(benchmark.workload(model, benchmarkOptions), points);
  return { benchmark, workload, applies: benchmark.applies(model, benchmarkOptions) };
};

/** What `setup` installs is part of a user's own code; a built-in depends on nothing that is installed. */
const partsOf = (side: Side, { door, folder }: SubjectRef, files: string, options: Json): ArmParts => ({
  door,
  folder,
  files,
  setup: door.kind === 'builtin' ? null : side.config.setup,
  options,
  environment: door.kind === 'builtin' ? {} : side.environment,
});

type Entries = Readonly<Record<Side['tree'], ResolvedOptimization | null>>;

/**
 * What each side measures on a model; null: without one. A program that names no model is run on
 * those that the other side lists.
 */
const entriesOn = (model: ModelFacts | null, id: string, was: string, { head, base }: PlanCellsInput): Entries => {
  const entryOf = (side: Side | null, name: string) => side?.config.optimizations.find((entry) => entry.id === name) ?? null;
  const entries: Entries = { head: entryOf(head, id), base: entryOf(base, was) };
  if (model === null) return entries;
  const lists = (side: Side | null): boolean => {
    const entry = side === null ? null : entries[side.tree];
    return entry !== null && takesModel(entry) && side?.config.models.some((each) => each.kind === 'id' && each.id === model.id) === true;
  };
  const on = (side: Side | null, other: Side | null): ResolvedOptimization | null => {
    const entry = side === null ? null : entries[side.tree];
    return entry !== null && lists(takesModel(entry) ? side : other) ? entry : null;
  };
  return { head: on(head, base), base: on(base, head) };
};

interface ArmOfCell {
  readonly cell: string;
  readonly model: ModelFacts;
  readonly side: Side;
  readonly entry: ResolvedOptimization;
  readonly subject: SubjectRef;
  readonly benchmark: Benchmark;
  /** What the benchmark was given by the side that judges. */
  readonly judged: Json;
  readonly seed: number;
}

/** What one arm of a cell builds, each after what it is built on. */
const buildsOf = (arm: ArmOfCell, { benchmarkOf }: Pick<PlanCellsInput, 'benchmarkOf'>): readonly PlannedBuild[] => {
  const { cell, entry, subject, benchmark, model, judged } = arm;
  // A built-in builds what its own side's entry says; which variants one's own code is asked for is
  // the judge's to say.
  const { variants } =
    subject.door.kind === 'builtin'
      ? benchmarkOf(subject.door.optimization).workload(model, entry.options)
      : benchmark.workload(model, judged);
  const planned = new Map<string, PlannedBuild>();
  const plan = (variant: string, above: readonly string[]): PlannedBuild => {
    const known = planned.get(variant);
    const spec = Object.hasOwn(variants, variant) ? variants[variant] : undefined;
    if (known !== undefined) return known;
    if (spec === undefined || above.includes(variant))
      throw new GateError(
        'internal',
        `Variant ${variant} is built on ${above.join(', on ')}${spec === undefined ? ', which is not there' : ''}.`,
        {
          where: cell,
        },
      );
    const on = spec.on === undefined ? null : plan(spec.on, [variant, ...above]).key;
    const build = buildOf(arm, variant, spec, on);
    planned.set(variant, build);
    return build;
  };
  for (const variant of Object.keys(variants)) plan(variant, []);
  return [...planned.values()];
};

const buildOf = (
  { cell, model, side, entry, subject, benchmark, seed }: ArmOfCell,
  variant: string,
  spec: BuildSpec,
  on: string | null,
): PlannedBuild => {
  const foreign = spec.optimization !== undefined;
  const maker = foreign ? side.builtin(spec.optimization) : subject;
  const options = entry.door.kind === 'builtin' || foreign ? spec.options : entry.options;
  // Whoever asks a built-in for something else than its own variants gets what an entry of that built-in would: equal builds are one.
  const told = foreign ? { name: 'main', options: spec.options } : { name: variant, options: spec.variant ?? spec.options };
  const optimization = maker.door.kind === 'builtin' ? maker.door.optimization : benchmark.id;
  const what = armDigest(partsOf(side, maker, maker.code, options));
  return {
    key: digestOf(JSON.stringify([buildContract, what, optimization, told, on, model.digest, seed])),
    cell,
    arm: side.tree,
    variant,
    model: model.id,
    optimization,
    on,
    mayFail: spec.mayFail ?? 'never',
    options,
    told,
    subject: maker,
    seed,
  };
};

/** The user's own operating points take the place of the benchmark's; each is judged like the benchmark's point of the same phase. */
const withPoints = (workload: Workload, points: readonly PointEntry[] | null): Workload => {
  if (points === null) return workload;
  const calls = workload.points.filter((point) => point.kind === 'call');
  const replaced = points.map((point) => {
    const template = calls.find(({ phase }) => phase === point.phase);
    if (template === undefined)
      throw new GateError('config-invalid', `The optimization was to be measured there. It has no ${point.phase} points.`, {
        where: `points: ${point.id}`,
      });
    return {
      template,
      call: { ...template, id: point.id, length: point.length, batch: point.batch, rounds: point.rounds ?? template.rounds },
    };
  });
  const taken = replaced.find(({ call }) => workload.points.some(({ id, kind }) => kind !== 'call' && id === call.id));
  if (taken !== undefined)
    throw new GateError('config-invalid', `Another point of this optimization is called ${taken.call.id} already. Choose another name.`, {
      where: `points: ${taken.call.id}`,
    });
  const smallest = replaced.at(-1)?.call.id;
  const others = workload.points.flatMap((point): OperatingPoint[] => {
    if (point.kind === 'call') return [];
    return point.kind === 'solo' && smallest !== undefined ? [{ ...point, of: smallest }] : [point];
  });
  const callIds = new Set(calls.map(({ id }) => id));
  const metrics = replaced.flatMap(({ template, call }) =>
    workload.metrics.filter((metric) => pointOf(metric) === template.id).map((metric) => movedTo(metric, call.id)),
  );
  return {
    ...workload,
    points: [...replaced.map(({ call }) => call), ...others],
    metrics: [...metrics, ...workload.metrics.filter((metric) => !callIds.has(pointOf(metric) ?? ''))],
  };
};

const pointOf = (metric: MetricSpec): string | null => ('point' in metric.from ? metric.from.point : null);

const movedTo = (metric: MetricSpec, point: string): MetricSpec =>
  'point' in metric.from ? { ...metric, from: { ...metric.from, point } } : metric;
