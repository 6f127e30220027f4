import type { Artefacts } from '../building/artefacts.ts';
import type { LaunchDemand } from '../gate/launch-demand.ts';
import type { Plan } from '../records/plan.ts';
import type { SampleLine } from '../records/sample.ts';
import { servedArtefacts } from './launch-request.ts';
import { tuningSubject } from './stored-tuning.ts';

type Run = (wanted: LaunchDemand) => Promise<readonly SampleLine[]>;

/**
 * What a launch measures. A reference model alone is the same bytes in the same kind of process, whichever of its cells repeats that call; cells
 * that serve the same variants to the same benchmark with the same options are held against one comparator; every other launch is its own.
 */
export const measurementOf =
  (plan: Pick<Plan, 'cells' | 'models'>, artefacts: Artefacts) =>
  (wanted: LaunchDemand): string => {
    const { launch, purpose, arms, index, points } = wanted;
    const cell = plan.cells.find((each) => each.id === wanted.cell);
    const model = plan.models.find((each) => each.id === cell?.model);
    const reference = artefacts.references.get(cell?.model ?? '');
    if (cell === undefined || model === undefined || reference === undefined) return launch;
    if (purpose === 'tune') {
      const { like, options } = cell;
      const served = servedArtefacts(cell, wanted, artefacts, reference);
      return JSON.stringify([
        purpose,
        index,
        tuningSubject({ like, options, modelDigest: model.digest, artefacts: served, arms: [...arms] }),
      ]);
    }
    if (purpose !== 'solo' || arms.join() !== 'reference') return launch;
    return JSON.stringify([purpose, reference.digest, index, points, cell.points.filter(({ kind }) => kind === 'call')]);
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
  return 'launch' in line ? { ...line, launch } : line;
};
