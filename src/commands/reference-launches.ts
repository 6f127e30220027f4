import type { LaunchDemand } from '../gate/demand.ts';
import type { Plan } from '../records/plan.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import type { SampleLine } from '../records/sample.ts';

type Run = (wanted: LaunchDemand) => Promise<readonly SampleLine[]>;

/**
 * Measures an untouched model alone once per run, for all cells of that model that repeat the same call: the same bytes in the same kind of
 * process, whichever cell asks. Each cell gets lines under its own name; all other launches are run as they are.
 * @param references model → its untouched graphs
 */
export const sharingReferences = (plan: Pick<Plan, 'cells'>, references: ReadonlyMap<string, ArtefactRef>, run: Run): Run => {
  const known = new Map<string, Promise<readonly SampleLine[]>>();
  return async (wanted) => {
    const cell = plan.cells.find(({ id }) => id === wanted.cell);
    const reference = references.get(cell?.model ?? '');
    if (wanted.purpose !== 'solo' || wanted.arms.join() !== 'reference' || reference === undefined) return run(wanted);
    const calls = cell?.points.filter(({ kind }) => kind === 'call');
    const key = JSON.stringify([reference.digest, wanted.index, wanted.points, calls]);
    const measuring = known.get(key) ?? run(wanted);
    known.set(key, measuring);
    return (await measuring).map((line) => renamed(line, wanted));
  };
};

const renamed = (line: SampleLine, { launch, cell }: LaunchDemand): SampleLine => {
  if (line.line === 'launch') return { ...line, launch, cell };
  return line.line === 'point' || line.line === 'end' ? { ...line, launch } : line;
};
