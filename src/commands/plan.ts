import { isAbsolute, join, relative, resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { failOnValues } from '../config/option-table.ts';
import { diffPolicy, gatePolicyOf, quickPolicy } from '../config/policy.ts';
import { renamedEntries, renameNotes } from '../config/renamed.ts';
import { type Catalogue, type ResolvedConfig, resolveConfig } from '../config/resolve.ts';
import { selectConfigs } from '../config/selection.ts';
import { GateError } from '../errors.ts';
import { countWindows } from '../models/evaluation.ts';
import { evaluationFile, type ModelSource } from '../models/model-source.ts';
import type { Bench } from '../optimizations/contract.ts';
import { benches, builtinOptimizations, findBench } from '../optimizations/registry.ts';
import type { Plan, PlannedCell } from '../records/plan.ts';
import { openRepository, type Repository } from '../repository/repository.ts';
import { acceptancesAt, baselineEdits, baselinesAt } from './base-files.ts';
import { comparisonOf, isEmptyChange } from './comparison.ts';
import { readConfigurations } from './configurations.ts';
import type { CommandContext } from './context.ts';
import { writeEmptyPlan } from './empty-plan.ts';
import { modelIdsAt, openJudgedModels } from './judged-models.ts';
import { modelIds } from './model-folder.ts';
import { plannedLine } from './opening.ts';
import { planCells, type Side } from './plan-cells.ts';
import { openRunFolder, type RunFolder, runFolderOf, writeBaselines, writePlan } from './run-folder.ts';
import { describeRuntime } from './runtime.ts';
import { subjectResolver } from './subjects.ts';
import { checkHeadTolerances } from './tolerance-check.ts';
import { workingFolder } from './working-folder.ts';

/**
 * Writes plan.json and baselines.json: which cells, arms, points and builds, by whose rules. Reads every file of the models, to check
 * it against its digest, and asks a worker process for the runtime; runs no user code, and opens no graph and no session.
 */
export const planRun = async (context: CommandContext): Promise<RunFolder> => {
  const repository = await openRepository(context.root);
  const headRevision = await repository.headRevision(generatedPaths(context, repository));
  const { event, warnings, reviewed, ...found } = await comparisonOf(context, repository);
  const base = found.commit;
  for (const warning of warnings) context.host.log.warn(warning);
  const present = modelIds(context.root, context.packageRoot);
  const { head: headConfig, base: baseConfig, baseFolder, warnings: unusual } = await readConfigurations(context, repository, base);
  const folders = { head: workingFolder(context, repository), base: baseFolder };
  const catalogue = catalogueOf([...new Set([...present, ...(await modelIdsAt(repository, baseFolder, base))])].sort());
  // Nobody but head says how is judged where base has no configuration.
  const rules = baseConfig ?? headConfig;
  const accepted = await acceptancesAt(repository, base, folders.base);
  if (isEmptyChange(context, event, headRevision, base)) {
    const policy = policyOf(context, rules, accepted.found);
    return writeEmptyPlan(context, { head: headRevision, reviewed, config: rules, policy, warnings });
  }
  const renamed = renamedEntries(rules, headConfig);
  const selected = selectConfigs({ head: headConfig, base: baseConfig }, renamed, context.options);
  const listed = await sideOf('head', selected.head, context, repository, null, folders.head, catalogue);
  // A model whose files head lost is one that head does not have, whatever its configuration lists: its cells are missing.
  const lost = listed.config.models.map(idOfModel).filter((id) => !present.includes(id));
  const models = listed.config.models.filter((entry) => !lost.includes(idOfModel(entry)));
  const head: Side = { ...listed, config: { ...listed.config, models } };
  const baseSide = selected.base === null ? null : await sideOf('base', selected.base, context, repository, base, folders.base, catalogue);
  const ids = [...new Set([head, ...(baseSide === null ? [] : [baseSide])].flatMap((side) => side.config.models.map(idOfModel)))];
  const run = await openRunFolder(context);
  const { sources, edits } = await openJudgedModels(
    ids,
    event,
    { commit: base, folder: baseFolder },
    join(run.folder, 'models'),
    repository,
    context,
    rules.lfs,
  );
  const { cells, builds } = planCells({
    models: sources.map(({ facts }) => facts),
    head,
    base: baseSide,
    renamed,
    gate: rules.gate,
    benchOf,
    seed: 1,
  });
  if (cells.length === 0)
    throw new GateError('config-invalid', 'there is nothing to measure: no model or no optimization is left', { where: headConfig.origin });
  const chosen = { head: head.config, cells, models: sources.map(({ facts }) => facts), catalogue, benchOf };
  checkHeadTolerances({ head: headConfig, base: baseConfig }, chosen, context);
  const baselines = await baselinesAt(repository, base, ids);
  const plan: Plan = {
    schema: 'optimization-gate/plan/1',
    head: headRevision,
    reviewed,
    base: { commit: base, dirty: false },
    event,
    warnings: [...warnings, ...unusual, ...renameNotes(renamed), ...accepted.warnings, ...baselines.warnings],
    seed: context.options.seed,
    policy: policyOf(context, rules, accepted.found),
    policyChanges: [
      ...diffPolicy(rules, headConfig, renamed),
      ...lost.map((id) => `the files of model ${id} were removed: it is expected until the merge, so its cells are missing.`),
      ...edits,
      ...(event === 'change' ? await baselineEdits(repository, { base, head: headRevision.commit }, folders) : []),
    ],
    runtime: await describeRuntime(context, headConfig.runtime),
    baseRuntime: await describeRuntime(context, rules.runtime),
    models: sources.map((source) => ({ id: source.id, digest: source.digest, folder: relativeTo(context, source.folder) })),
    builds: [...builds],
    cells: cells.map((cell) => withWindows(cell, sources)),
    lfs: rules.lfs,
    isolation: rules.isolation,
    folders,
    setup: { head: headConfig.setup, base: baseConfig?.setup ?? null },
    limits: rules.limits,
    budgetMinutes: rules.budgetMinutes,
  };
  writePlan(run, plan);
  context.host.log.info(plannedLine(plan));
  writeBaselines(run, baselines.found);
  return run;
};

/** The plan says how many windows an evaluation scores: as many as the bench asks for, or all that the model has. */
const withWindows = (cell: PlannedCell, sources: readonly ModelSource[]): PlannedCell => {
  const source = sources.find(({ id }) => id === cell.model);
  if (source === undefined || !cell.points.some(({ kind }) => kind === 'evaluation')) return cell;
  const count = countWindows(join(source.folder, evaluationFile));
  const points = cell.points.map((point) => (point.kind === 'evaluation' ? { ...point, windows: Math.min(point.windows, count) } : point));
  return { ...cell, points };
};

/** What the gate itself writes does not make a tree dirty. */
const generatedPaths = (context: CommandContext, repository: Repository): readonly string[] => {
  const inside = relative(repository.folder, runFolderOf(context));
  return inside.startsWith('..') || isAbsolute(inside) ? [] : [inside.split('\\').join('/')];
};

const idOfModel = (entry: Config['models'][number]): string => {
  if (entry.kind === 'id') return entry.id;
  throw new GateError('model-invalid', 'models by manifest cannot be measured by this version', { where: entry.path });
};

export const benchOf = (id: string): Bench => {
  const bench = findBench(id);
  if (bench === null) throw new GateError('optimization-unknown', `there is no built-in ${JSON.stringify(id)}`);
  return bench;
};

/** What `optimizations:` may name. */
export const configurable: Catalogue['optimizations'] = benches.map(({ id, options }) => ({
  id,
  runs: builtinOptimizations.some(({ bench }) => bench.id === id),
  parse: (value, where) => options.parse(value, where),
}));

const catalogueOf = (models: readonly string[]): Catalogue => ({ optimizations: configurable, models });

const sideOf = async (
  tree: Side['tree'],
  config: Config,
  context: CommandContext,
  repository: Repository,
  commit: string | null,
  folder: string,
  catalogue: Catalogue,
): Promise<Side> => {
  const resolved: ResolvedConfig = resolveConfig(config, catalogue);
  return { tree, config: resolved, ...(await subjectResolver(tree, resolved, context, repository, commit, folder)) };
};

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
