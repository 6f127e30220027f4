import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { renamedEntries, renameNotes } from '../../src/config/renamed.ts';
import type { ResolvedConfig } from '../../src/config/resolve.ts';
import { selectConfigs } from '../../src/config/selection.ts';
import { noAcceptances } from '../../src/planning/acceptances.ts';
import { readConfigurations } from '../../src/planning/configurations.ts';
import { configuredCells } from '../../src/planning/configured-cells.ts';
import { usableSide } from '../../src/planning/measurable-entries.ts';
import { openModel } from '../../src/planning/model-folder.ts';
import { benchmarkOf, configurable } from '../../src/planning/plan.ts';
import { planCells, type Side } from '../../src/planning/plan-cells.ts';
import { boundMetrics, checkPolicy, settledFlaws } from '../../src/planning/policy-check.ts';
import type { Plan } from '../../src/records/plan.ts';
import type { ModelFacts } from '../../src/records/serving.ts';
import { openRepository } from '../../src/repository/repository.ts';
import type { CommandContext } from '../../src/run/context.ts';
import { environment, type ScratchRepository, root as temporary } from '../repository/scratch-repository.ts';

const packageRoot = join(import.meta.dirname, '..', '..');

export interface Asked {
  readonly config?: string;
  /** Whether a job of a workflow plans, rather than a developer. */
  readonly inJob?: boolean;
  readonly base?: string;
  /** The working directory. */
  readonly folder?: string;
  readonly models?: readonly string[];
  readonly optimizations?: readonly string[];
  readonly event?: Plan['event'];
}

export interface PlannedAs {
  /** `CELL PRESENCE`, with ` from CELL` of a renamed one. */
  readonly cells: readonly string[];
  readonly warnings: readonly string[];
  /** Where base's commands start. */
  readonly baseFolder: string;
  /** Tolerance by cell and metric. */
  readonly tolerances: Readonly<Record<string, number>>;
}

const known = new Map<string, ModelFacts>();
const factsOf = (id: string): ModelFacts => {
  const facts = known.get(id) ?? openModel(id, packageRoot, packageRoot).facts;
  known.set(id, facts);
  return facts;
};

const catalogue = { optimizations: configurable, models: null };

const sideOf = (tree: Side['tree'], config: ResolvedConfig): Side => {
  const builtin = (optimization: string) => ({
    door: { kind: 'builtin' as const, optimization, entry: null },
    tree,
    folder: '',
    inputs: [],
    code: 'a'.repeat(64),
    ownCode: 'a'.repeat(64),
  });
  return {
    tree,
    config,
    environment: {},
    builtin,
    subjectOf: (entry) => ({
      ...builtin(entry.id),
      door:
        entry.door.kind === 'builtin'
          ? builtin(entry.like ?? entry.id).door
          : entry.door.kind === 'measure'
            ? { ...entry.door, reports: [] }
            : entry.door,
    }),
  };
};

/** The cells that a run in a repository would have, as its plan finds them: with real git, without starting a process. */
export const plannedCells = async (scratch: Pick<ScratchRepository, 'folder'>, asked: Asked = {}): Promise<PlannedAs> => {
  const context = {
    root: realpathSync(join(scratch.folder, asked.folder ?? '')),
    workingDirectory: join(scratch.folder, asked.folder ?? ''),
    packageRoot,
    options: { config: asked.config ?? null, models: asked.models ?? null, optimizations: asked.optimizations ?? null },
    overrides: [],
    baseOverrides: [],
    ownOverrides: [],
    host: { isOwnMachine: asked.inJob !== true },
  } as unknown as CommandContext;
  const event = asked.event ?? 'change';
  const repository = await openRepository(scratch.folder, { environment, temporary });
  const { commit } = await repository.baseCommit({
    event: { kind: 'developer', measures: 'change' },
    named: asked.base ?? 'HEAD~1',
  });
  const configs = await readConfigurations(context, repository, commit, event);
  const renamed = renamedEntries(configs.base ?? configs.head, configs.head);
  const { head, base } = selectConfigs(configs, renamed, { models: asked.models ?? null, optimizations: asked.optimizations ?? null });
  const ids = new Set(
    [head, ...(base === null ? [] : [base])].flatMap(({ models }) => models.flatMap((entry) => ('id' in entry ? [entry.id] : []))),
  );
  const models = [...ids].map(factsOf);
  const sources = { models, catalogue, benchmarkOf };
  const usable = { head: usableSide(head, sources), base: base === null ? null : usableSide(base, sources) };
  const side = sideOf('head', usable.head.config);
  const baseSide = usable.base === null ? null : sideOf('base', usable.base.config);
  const { gate } = configs.base ?? configs.head;
  const { cells } = planCells({ models, head: side, base: baseSide, renamed, gate, benchmarkOf, seed: 1 });
  const notes = [
    ...settledFlaws(event, { head: configs.flaws.head, base: configs.base === null ? null : configs.flaws.base }),
    ...settledFlaws(event, { head: usable.head.flaws, base: usable.base?.flaws ?? null }),
    ...(await checkPolicy({
      event,
      sides: configs,
      planned: cells.flatMap((cell) => boundMetrics(cell, [cell.id])),
      cells: configuredCells(configs, sources, context),
      accepted: { head: noAcceptances, base: noAcceptances },
      elsewhere: () => Promise.resolve(new Set()),
      today: '2026-01-01',
    })),
  ];
  return {
    cells: cells.map(({ id, presence, renamedFrom }) => `${id} ${presence}${renamedFrom === null ? '' : ` from ${renamedFrom}`}`),
    warnings: [...configs.warnings, ...renameNotes(renamed), ...notes],
    baseFolder: configs.baseFolder,
    tolerances: Object.fromEntries(cells.flatMap((cell) => cell.metrics.map((metric) => [`${cell.id} ${metric.id}`, metric.tolerance]))),
  };
};
