import type { CommandName } from '../config/command-table.ts';
import type { HostEvent } from '../records/event.ts';
import type { Plan } from '../records/plan.ts';

/** What is known before anything is read. */
export interface Announcement {
  readonly command: CommandName;
  /** Of the gate itself. */
  readonly version: string;
  /** What the host says started the run. */
  readonly started: HostEvent;
  /** The base that was named on the command line or by the workflow; null: the host names it, or it is looked for. */
  readonly base: string | null;
  /** Such as `linux-x64`. */
  readonly platform: string;
  readonly processors: number;
  readonly node: string;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const commit = (id: string): string => (/^[0-9a-f]{40,}$/.test(id) ? id.slice(0, 12) : id);

const subject = (started: HostEvent): string => {
  if (started.kind === 'change') return started.number === null ? 'a change' : `pull request #${started.number}`;
  return started.kind === 'default-branch' || started.measures === 'default-branch' ? 'the default branch' : 'a change';
};

const hostBase = (started: HostEvent): string | null => {
  if (started.kind === 'default-branch') return started.before;
  return started.kind === 'change' && started.base.kind === 'commit' ? started.base.commit : null;
};

/** `optimization-gate 0.1.0: run for pull request #12 against 0123456789ab; linux-x64, 2 processors, Node 24.21.0` */
export const startLine = ({ command, version, started, base, platform, processors, node }: Announcement): string => {
  const named = base ?? hostBase(started);
  const against = named === null ? '' : ` against ${commit(named)}`;
  return `optimization-gate ${version}: ${command} for ${subject(started)}${against}; ${platform}, ${counted(processors, 'processor')}, Node ${node}`;
};

/** `0123456789ab with uncommitted changes against ba9876543210: 2 models × 4 optimizations, 8 cells, 88 metrics` */
export const planLine = ({ head, base, models, cells }: Pick<Plan, 'head' | 'base' | 'models' | 'cells'>): string => {
  const optimizations = new Set(cells.flatMap(({ model, optimization }) => (model === null ? [] : [optimization]))).size;
  const metrics = cells.reduce((sum, cell) => sum + cell.metrics.length, 0);
  const grid = models.length === 0 ? '' : `${counted(models.length, 'model')} × ${counted(optimizations, 'optimization')}, `;
  const size = `${grid}${counted(cells.length, 'cell')}, ${counted(metrics, 'metric')}`;
  const against = base === null ? '' : ` against ${commit(base.commit)}`;
  return `${commit(head.commit)}${head.dirty ? ' with uncommitted changes' : ''}${against}: ${size}`;
};
