import type { LaunchDemand } from '../gate/demand.ts';
import type { Plan } from '../records/plan.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import type { SampleLine } from '../records/sample.ts';

type Run = (wanted: LaunchDemand) => Promise<readonly SampleLine[]>;

/**
 * What a launch measures: an untouched model alone is the same bytes in the same kind of process, whichever of its cells repeats that call;
 * every other launch is its own.
 * @param references model → its untouched graphs
 */
export const measurementOf =
  (plan: Pick<Plan, 'cells'>, references: ReadonlyMap<string, ArtefactRef>) =>
  ({ launch, cell: id, purpose, arms, index, points }: LaunchDemand): string => {
    const cell = plan.cells.find((each) => each.id === id);
    const reference = references.get(cell?.model ?? '');
    if (purpose !== 'solo' || arms.join() !== 'reference' || reference === undefined) return launch;
    const calls = cell?.points.filter(({ kind }) => kind === 'call');
    return JSON.stringify([reference.digest, index, points, calls]);
  };

/** Runs each measurement once; every launch that wants it gets its lines under its own name. */
export const measuringOnce = (run: Run, nameOf: (wanted: LaunchDemand) => string): Run => {
  const known = new Map<string, Promise<readonly SampleLine[]>>();
  return async (wanted) => {
    const measuring = known.get(nameOf(wanted)) ?? run(wanted);
    known.set(nameOf(wanted), measuring);
    return (await measuring).map((line) => renamed(line, wanted));
  };
};

const renamed = (line: SampleLine, { launch, cell }: LaunchDemand): SampleLine => {
  if (line.line === 'launch') return { ...line, launch, cell };
  return line.line === 'point' || line.line === 'end' ? { ...line, launch } : line;
};
