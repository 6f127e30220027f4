import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { type Config, configFileName, defaultConfig, parseConfig } from '../config/config.ts';
import { failOnValues } from '../config/option-table.ts';
import { applyOverrides } from '../config/override.ts';
import { diffPolicy, gatePolicyOf, quickPolicy } from '../config/policy.ts';
import { type Catalogue, type ResolvedConfig, resolveConfig, selectConfig } from '../config/resolve.ts';
import { checkTolerances } from '../config/tolerance.ts';
import { GateError } from '../errors.ts';
import { countWindows } from '../models/evaluation.ts';
import { evaluationFile, type ModelSource } from '../models/model-source.ts';
import type { Bench } from '../optimizations/contract.ts';
import { benches, builtinOptimizations, findBench } from '../optimizations/registry.ts';
import type { Plan, PlannedCell } from '../records/plan.ts';
import { openRepository, type Repository } from '../repository/repository.ts';
import { acceptancesAt, baselineEdits, baselinesAt } from './base-files.ts';
import type { CommandContext } from './context.ts';
import { modelIdsAt, openJudgedModels } from './judged-models.ts';
import { modelIds } from './model-folder.ts';
import { plannedLine } from './opening.ts';
import { planCells, type Side } from './plan-cells.ts';
import { openRunFolder, type RunFolder, writeBaselines, writePlan } from './run-folder.ts';
import { describeRuntime } from './runtime.ts';
import { subjectResolver } from './subjects.ts';

/**
 * Writes plan.json and baselines.json: which cells, arms, points and builds, by whose rules. Reads every file of the models, to check
 * it against its digest, and asks a worker process for the runtime; runs no user code, and opens no graph and no session.
 */
export const planRun = async (context: CommandContext): Promise<RunFolder> => {
  const repository = await openRepository(context.root);
  const headRevision = await repository.headRevision(generatedPaths(context, repository));
  const event = eventOf(context);
  const found = await repository.baseCommit({ event, explicit: namedBase(context) });
  const base = found.commit;
  const present = modelIds(context.root, context.packageRoot);
  const catalogue = catalogueOf([...new Set([...present, ...(await modelIdsAt(repository, context, base))])].sort());
  const headConfig = readHeadConfig(context);
  const baseConfig = await readBaseConfig(context, repository, base);
  const listed = await sideOf('head', headConfig, context, repository, null, catalogue);
  // A model whose files head lost is one that head does not have, whatever its configuration lists: its cells are missing.
  const lost = listed.config.models.map(idOfModel).filter((id) => !present.includes(id));
  const models = listed.config.models.filter((entry) => !lost.includes(idOfModel(entry)));
  const head: Side = { ...listed, config: { ...listed.config, models } };
  const baseSide = await sideOf('base', baseConfig, context, repository, base, catalogue);
  const ids = [...new Set([head, baseSide].flatMap((side) => side.config.models.map(idOfModel)))];
  const run = openRunFolder(resolve(context.root, context.options.runDir));
  const { sources, edits } = await openJudgedModels(ids, event, base, join(run.folder, 'models'), repository, context);
  const { cells, builds } = planCells({
    models: sources.map(({ facts }) => facts),
    head,
    base: baseSide,
    gate: baseConfig.gate,
    benchOf,
    seed: 1,
  });
  if (cells.length === 0)
    throw new GateError('config-invalid', 'there is nothing to measure: no model or no optimization is left', { where: headConfig.origin });
  checkTolerances(baseConfig.gate, [...new Set(cells.flatMap((cell) => cell.metrics.map(({ id }) => id)))]);
  const plan: Plan = {
    schema: 'optimization-gate/plan/1',
    head: headRevision,
    base: { commit: base, dirty: false },
    event,
    seed: context.options.seed,
    policy: policyOf(context, baseConfig, await acceptancesAt(repository, base)),
    policyChanges: [
      ...diffPolicy(baseConfig, headConfig),
      ...lost.map((id) => `the files of model ${id} were removed: it is expected until the merge, so its cells are missing.`),
      ...edits,
      ...(event === 'change' ? await baselineEdits(repository, base, headRevision.commit) : []),
    ],
    runtime: await describeRuntime(context, headConfig.runtime),
    baseRuntime: await describeRuntime(context, baseConfig.runtime),
    models: sources.map((source) => ({ id: source.id, digest: source.digest, folder: relativeTo(context, source.folder) })),
    builds: [...builds],
    cells: cells.map((cell) => withWindows(cell, sources)),
    setup: { head: headConfig.setup, base: baseConfig.setup },
    limits: baseConfig.limits,
    budgetMinutes: baseConfig.budgetMinutes,
  };
  writePlan(run, plan);
  context.host.log.info(plannedLine(plan));
  writeBaselines(run, await baselinesAt(repository, base, ids));
  return run;
};

/** A run of the default branch measures what is merged; anything else measures a change. */
export const eventOf = (context: CommandContext): Plan['event'] => {
  const { event } = context.options;
  return event === 'auto' ? context.host.event.kind : event;
};

/** The base that was asked for, or the commit that the host names: the base of a merge group, or what was there before a push. */
export const namedBase = ({ options, host: { event } }: CommandContext): string | null =>
  options.base ?? (event.kind === 'change' ? event.base : event.before);

/**
 * The plan says how many windows an evaluation scores: as many as the bench asks for, or all that
 * the model has.
 */
const withWindows = (cell: PlannedCell, sources: readonly ModelSource[]): PlannedCell => {
  const source = sources.find(({ id }) => id === cell.model);
  if (source === undefined || !cell.points.some(({ kind }) => kind === 'evaluation')) return cell;
  const count = countWindows(join(source.folder, evaluationFile));
  const points = cell.points.map((point) => (point.kind === 'evaluation' ? { ...point, windows: Math.min(point.windows, count) } : point));
  return { ...cell, points };
};

/** What the gate itself writes does not make a tree dirty. */
const generatedPaths = (context: CommandContext, repository: Repository): readonly string[] => {
  const inside = relative(repository.folder, resolve(context.root, context.options.runDir));
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

const configFile = (context: CommandContext): string => context.options.config ?? configFileName;

export const readHeadConfig = (context: CommandContext): Config => {
  const file = resolve(context.root, configFile(context));
  const found = existsSync(file);
  if (!found && context.options.config !== null)
    throw new GateError('config-missing', 'there is no such file', { where: context.options.config });
  return applyOverrides(found ? parseConfig(readFileSync(file, 'utf8'), configFile(context)) : defaultConfig(), context.overrides);
};

const readBaseConfig = async (context: CommandContext, repository: Repository, base: string): Promise<Config> => {
  const inside = relative(repository.folder, resolve(context.root, configFile(context)));
  if (inside.startsWith('..') || isAbsolute(inside)) {
    // Whoever writes the workflow of a pull request could name a file of their own: only a developer's own machine trusts it.
    if (context.host.kind === 'github')
      throw new GateError('usage-bad-value', 'lies outside the repository, so base has no say in it', { where: configFile(context) });
    return readHeadConfig({ ...context, overrides: [] });
  }
  const text = await repository.fileAt(base, inside.split('\\').join('/'));
  return text === null ? defaultConfig() : parseConfig(text, `${configFile(context)} of base`);
};

const sideOf = async (
  tree: Side['tree'],
  config: Config,
  context: CommandContext,
  repository: Repository,
  commit: string | null,
  catalogue: Catalogue,
): Promise<Side> => {
  const selected = tree === 'head' ? selectConfig(config, context.options) : selectKnown(config, context.options);
  const resolved: ResolvedConfig = resolveConfig(selected, catalogue);
  return { tree, config: resolved, ...(await subjectResolver(tree, resolved, context, repository, commit)) };
};

/** The names on the command line are head's: base may lack some of them. */
const selectKnown = (
  config: Config,
  names: { readonly models: readonly string[] | null; readonly optimizations: readonly string[] | null },
): Config => ({
  ...config,
  models: config.models.filter((entry) => names.models === null || names.models.includes(idOfModel(entry))),
  optimizations: config.optimizations.filter(({ id }) => names.optimizations === null || names.optimizations.includes(id)),
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
