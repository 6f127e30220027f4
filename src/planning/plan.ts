import { isAbsolute, join, relative, resolve } from 'node:path';
import { type Config, takesModel } from '../config/config.ts';
import { failOnValues } from '../config/option-table.ts';
import { diffPolicy, gatePolicyOf, quickPolicy } from '../config/policy.ts';
import { renamedEntries, renameNotes } from '../config/renamed.ts';
import { type Catalogue, type ResolvedConfig, resolveUsable } from '../config/resolve.ts';
import { selectConfigs } from '../config/selection.ts';
import type { Benchmark } from '../contract/benchmark.ts';
import { GateError } from '../errors.ts';
import { countWindows } from '../models/evaluation.ts';
import { evaluationFile, type ModelSource } from '../models/model-source.ts';
import { benchmarks, builtinOptimizations, findBenchmark } from '../optimizations/registry.ts';
import { digestOf } from '../records/decode.ts';
import type { Plan, PlannedCell } from '../records/plan.ts';
import type { ModelFacts } from '../records/serving.ts';
import { cellIdOf } from '../records/words.ts';
import { openRepository, type Repository } from '../repository/repository.ts';
import type { CommandContext } from '../run/context.ts';
import { openRunFolder, type RunFolder, runFolderOf, writeBaselines, writePlan } from '../run/run-folder.ts';
import { describeRuntime } from '../run/runtime-description.ts';
import { workingFolder } from '../run/working-folder.ts';
import { noAcceptances } from './acceptances.ts';
import { planLine } from './announcement.ts';
import { acceptancesAt, baselineEdits, baselinesAt, headAcceptances } from './base-files.ts';
import { comparisonOf, isEmptyChange } from './comparison.ts';
import { type Configurations, readConfigurations } from './configurations.ts';
import { cellsAnywhere, configuredCells } from './configured-cells.ts';
import { writeEmptyPlan } from './empty-plan.ts';
import { openJudgedModels } from './judged-models.ts';
import { requireListedModels } from './listed-models.ts';
import { usableSide } from './measurable-entries.ts';
import { modelIds } from './model-folder.ts';
import { modelOrigins } from './model-origin.ts';
import { describeBaseRuntime } from './named-runtime/base-runtime.ts';
import { requireOwnPlace } from './own-install.ts';
import { planCells, type Side, workloadOf } from './plan-cells.ts';
import { type BoundMetric, boundMetrics, checkPolicy, type SideFlaws, settledFlaws } from './policy-check.ts';
import { subjectResolver } from './subjects.ts';

/**
 * Writes plan.json and baselines.json: which cells, arms, points and builds, by whose rules. Reads every file of the models, to check
 * it against its digest, and asks a worker process for the runtime; runs no user code, and opens no graph and no session.
 */
export const planRun = async (context: CommandContext): Promise<RunFolder> => {
  const repository = await openRepository(context.root);
  const headRevision = await repository.headRevision(generatedPaths(context, repository));
  const { event, warnings: ofBase, reviewed, ...found } = await comparisonOf(context, repository);
  const warnings = [...context.inputNotes, ...ofBase];
  const base = found.commit;
  for (const warning of ofBase) context.host.log.warn(warning);
  const present = modelIds(context.root, context.packageRoot);
  const read = await readConfigurations(context, repository, base, event);
  const { head: headConfig, base: baseConfig, baseFolder, warnings: unusual } = read;
  // What is refused below may be so because of these.
  for (const warning of unusual) context.host.log.warn(warning);
  const flawNotes = [...settledFlaws(event, sideFlaws(baseConfig, read.flaws))];
  const folders = { head: workingFolder(context, repository), base: baseFolder };
  const origins = modelOrigins(repository, folders, base);
  const named = [headConfig, ...(baseConfig === null ? [] : [baseConfig])].flatMap(idsOf).filter((id) => !present.includes(id));
  const inBase = await Promise.all([...new Set(named)].map(async (id) => ((await origins.base(id)).kind === 'nowhere' ? [] : [id])));
  const catalogue = catalogueOf([...new Set([...present, ...inBase.flat()])].sort());
  // Nobody but head says how is judged where base has no configuration.
  const rules = baseConfig ?? headConfig;
  const accepted = await acceptancesAt(repository, base, folders.base);
  const accepts = accepted.file.entries.map(({ acceptance }) => acceptance);
  const emptyPlan = (of: Plan['base'], why: string): Promise<RunFolder> =>
    writeEmptyPlan(context, {
      head: headRevision,
      reviewed,
      event,
      base: of,
      config: rules,
      policy: policyOf(context, rules, accepts),
      warnings: [...warnings, ...unusual, ...flawNotes],
      why,
    });
  if (isEmptyChange(context, event, headRevision, base)) return emptyPlan(null, 'the base branch holds the commit that is checked out');
  const renamed = renamedEntries(rules, headConfig);
  const selected = selectConfigs({ head: headConfig, base: baseConfig }, renamed, context.options);
  const known = {
    head: resolveUsable(selected.head, catalogue),
    base: selected.base === null ? null : resolveUsable(selected.base, catalogue),
  };
  const configs = [known.head, ...(known.base === null ? [] : [known.base])].map(({ config }) => config);
  const modelled = configs.some(({ optimizations }) => optimizations.some(takesModel));
  const listedModels = { head: idsOf(selected.head), base: selected.base === null ? [] : idsOf(selected.base) };
  if (modelled) await requireListedModels(listedModels, present, origins, repository, base, folders.head);
  // A model whose files head lost is one that head does not have, whatever its configuration lists: its cells are missing.
  const lost = modelled ? known.head.config.models.map(idOfModel).filter((id) => !present.includes(id)) : [];
  const listed = modelled ? configs.flatMap((config) => config.models.map(idOfModel)) : [];
  const ids = [...new Set(listed)].filter((id) => !lost.includes(id) || known.base?.config.models.some((entry) => idOfModel(entry) === id));
  // Isolated code runs in a copy of the checkout.
  if (rules.isolation === null)
    requireOwnPlace(headConfig.setup, { packageRoot: context.packageRoot, repository: repository.folder, folder: folders.head });
  const run = await openRunFolder(context);
  const { sources, edits } = await openJudgedModels(
    ids,
    { event, base: { commit: base, folder: baseFolder }, listedByBase: listedModels.base, origins, lfs: rules.lfs },
    join(run.folder, 'models'),
    repository,
    context,
  );
  const models = sources.map(({ facts }) => facts);
  const entrySources = { models, catalogue, benchmarkOf };
  const usable = {
    head: usableSide(selected.head, entrySources),
    base: selected.base === null ? null : usableSide(selected.base, entrySources),
  };
  flawNotes.push(...settledFlaws(event, { head: usable.head.flaws, base: usable.base?.flaws ?? null }));
  const declared = declaredValues(context, rules);
  const kept = usable.head.config.models.filter((entry) => !lost.includes(idOfModel(entry)));
  const head = await sideOf('head', { ...usable.head.config, models: kept }, context, repository, null, folders.head, declared);
  const baseSide =
    usable.base === null ? null : await sideOf('base', usable.base.config, context, repository, base, folders.base, declared);
  const { cells, builds } = planCells({
    models,
    head,
    base: baseSide,
    renamed,
    gate: rules.gate,
    benchmarkOf,
    seed: 1,
  });
  if (cells.length === 0 && flawNotes.length === 0)
    throw new GateError('config-invalid', 'The models and optimizations to measure were chosen. None is left of one or the other.', {
      where: headConfig.origin,
    });
  const sides = { head: headConfig, base: baseConfig };
  const commits = { base, head: headRevision.commit };
  flawNotes.push(
    ...(await checkPolicy({
      event,
      sides,
      planned: [head, ...(baseSide === null ? [] : [baseSide])].flatMap(({ config }) => metricsOn(models, config)),
      cells: configuredCells(sides, entrySources, context),
      accepted: { head: event === 'change' ? await headAcceptances(repository, commits, folders) : noAcceptances, base: accepted.file },
      elsewhere: () => cellsAnywhere(repository, [base, headRevision.commit]),
      today: context.now().toISOString().slice(0, 'YYYY-MM-DD'.length),
    })),
  );
  if (cells.length === 0) return emptyPlan({ commit: base, dirty: false }, 'nothing that the base branch configures can be measured');
  const library = builds.length > 0 || cells.some(({ points }) => points.some(({ kind }) => kind !== 'external'));
  const [baselines, runtime, baseRuntime] = await Promise.all([
    baselinesAt(repository, base, [...ids, null]),
    describeRuntime(context, headConfig.runtime, library),
    describeBaseRuntime(context, repository, commits, rules.runtime, library),
  ]);
  const plan: Plan = {
    schema: 'optimization-gate/plan/1',
    head: headRevision,
    reviewed,
    base: { commit: base, dirty: false },
    event,
    warnings: [
      ...warnings,
      ...qualityNotes(rules),
      ...unusual,
      ...renameNotes(renamed),
      ...flawNotes,
      ...accepted.warnings,
      ...baselines.warnings,
    ],
    seed: context.options.seed,
    policy: policyOf(context, rules, accepts),
    policyChanges: [
      ...diffPolicy(withModels(rules, catalogue), withModels(headConfig, catalogue), renamed),
      ...lost.map((id) => `The files of model ${id} were removed: it is expected until the merge, so it is reported as missing.`),
      ...edits,
      ...(event === 'change' ? await baselineEdits(repository, commits, folders) : []),
    ],
    runtime,
    ...baseRuntime,
    models: sources.map((source) => ({ id: source.id, digest: source.digest, folder: relativeTo(context, source.folder) })),
    builds: [...builds],
    cells: cells.map((cell) => withWindows(cell, sources)),
    environment: rules.environment.map(({ name }) => name),
    lfs: rules.lfs,
    buildTwice: rules.gate.buildTwice,
    isolation: rules.isolation,
    folders,
    setup: { head: headConfig.setup, base: baseConfig?.setup ?? null },
    limits: rules.limits,
    budgetMinutes: rules.budgetMinutes,
  };
  writePlan(run, plan);
  context.host.log.info(planLine(plan));
  writeBaselines(run, baselines.found);
  return run;
};

const qualityNotes = ({ gate }: Pick<Config, 'gate'>): readonly string[] =>
  gate.quality === 'judged' ? [] : ['Quality is not judged, because gate.quality is none: a model that answers worse passes.'];

/** The plan says how many windows an evaluation scores: as many as the benchmark asks for, or all that the model has. */
const withWindows = (cell: PlannedCell, sources: readonly ModelSource[]): PlannedCell => {
  const source = sources.find(({ id }) => id === cell.model);
  if (source === undefined || !cell.points.some((point) => 'windows' in point)) return cell;
  const count = countWindows(join(source.folder, evaluationFile));
  const points = cell.points.map((point) => ('windows' in point ? { ...point, windows: Math.min(point.windows, count) } : point));
  return { ...cell, points };
};

/** What the gate itself writes does not make a tree dirty. */
const generatedPaths = (context: CommandContext, repository: Repository): readonly string[] => {
  const inside = relative(repository.folder, runFolderOf(context));
  return inside.startsWith('..') || isAbsolute(inside) ? [] : [inside.split('\\').join('/')];
};

const idOfModel = (entry: Config['models'][number]): string => {
  if (entry.kind === 'id') return entry.id;
  throw new GateError(
    'model-invalid',
    'A model was named by its manifest. This version measures folders below models/ only: name one of those.',
    { where: entry.path },
  );
};

const idsOf = ({ models }: Pick<Config, 'models'>): readonly string[] => models.flatMap((entry) => (entry.kind === 'id' ? [entry.id] : []));

export const benchmarkOf = (id: string): Benchmark => {
  const benchmark = findBenchmark(id);
  if (benchmark === null)
    throw new GateError('optimization-unknown', `A built-in optimization was looked for. There is none called ${JSON.stringify(id)}.`);
  return benchmark;
};

/** What `optimizations:` may name. */
export const configurable: Catalogue['optimizations'] = benchmarks.map(({ id, options }) => ({
  id,
  runs: builtinOptimizations.some(({ benchmark }) => benchmark.id === id),
  parse: (value, where) => options.parse(value, where),
}));

/** What is no model was neither added nor removed. */
const withModels = (config: Config, { models: known }: Catalogue): Config => ({
  ...config,
  models: config.models.filter((entry) => entry.kind !== 'id' || known === null || known.includes(entry.id)),
});

const catalogueOf = (models: readonly string[]): Catalogue => ({ optimizations: configurable, models });

const sideOf = async (
  tree: Side['tree'],
  config: ResolvedConfig,
  context: CommandContext,
  repository: Repository,
  commit: string | null,
  folder: string,
  environment: Side['environment'],
): Promise<Side> => ({ tree, config, environment, ...(await subjectResolver(tree, config, context, repository, commit, folder)) });

/** Variables that count are base's; their values are those of this job. */
const declaredValues = ({ host }: CommandContext, { environment }: Config): Side['environment'] => {
  const names = environment.map(({ name }) => name).sort();
  const values = host.environmentWith(names);
  return Object.fromEntries(names.map((name) => [name, values[name] === undefined ? null : digestOf(values[name])]));
};

const metricsOn = (models: readonly ModelFacts[], { optimizations }: ResolvedConfig): readonly BoundMetric[] =>
  optimizations.flatMap((entry) =>
    (takesModel(entry) ? models : [null]).flatMap((model) => {
      const cells = [cellIdOf(model?.id ?? null, entry.id)];
      return boundMetrics(workloadOf(entry, model, benchmarkOf).workload, cells);
    }),
  );

const sideFlaws = (base: Config | null, { head, base: ofBase }: Configurations['flaws']): SideFlaws => ({
  head,
  base: base === null ? null : ofBase,
});

/** `fail-on` of the command or workflow wins over the configuration: who runs the gate decides what fails the job. */
const policyOf = (context: CommandContext, rules: Config, accepted: Plan['policy']['accepted']): Plan['policy'] => {
  const full = gatePolicyOf(rules, accepted);
  const policy = context.options.quick ? quickPolicy(full) : full;
  const chosen = context.options.failOn;
  return chosen === null ? policy : { ...policy, failOn: failOnValues.filter((kind) => chosen.includes(kind)) };
};

/** Folder as written into the plan: below the user's repository, or below the gate's own folder. */
const relativeTo = (context: CommandContext, folder: string): string => {
  const inside = relative(context.root, folder);
  return inside.startsWith('..') || isAbsolute(inside) ? `gate:${relative(context.packageRoot, folder)}` : inside;
};

/** The other way round. */
export const modelFolderOf = (context: CommandContext, folder: string): string =>
  folder.startsWith('gate:') ? join(context.packageRoot, folder.slice('gate:'.length)) : resolve(context.root, folder);
