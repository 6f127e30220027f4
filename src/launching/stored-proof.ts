import { isByOtherCode } from '../gate/stored-entry.ts';
import { readAbsence } from '../records/absence.ts';
import type { Baseline } from '../records/baseline.ts';
import { digestOf } from '../records/decode.ts';
import type { OperatingPoint } from '../records/metric.ts';
import type { Plan, PlannedCell } from '../records/plan.ts';
import type { SampleLine, Samples, SeenPoint, SettledLine } from '../records/sample.ts';
import { seenRecord } from '../records/stored.ts';
import type { RecordBook } from '../store/record-book.ts';

/** Changes whenever what an earlier run recorded must not be relied on again. */
const seenContract = 1;

/** What a proof rests on besides the arm. */
export interface ProofSetting {
  readonly plan: Pick<Plan, 'models' | 'runtime' | 'baseRuntime' | 'cells'>;
  readonly runnerClass: string;
  /** Version of Node. */
  readonly node: string;
  readonly records: Pick<RecordBook, 'read' | 'write'>;
  /** Those of base. */
  readonly baselines: readonly Baseline[];
}

/**
 * What the store knows a proof by: the arm, how it is judged at this point, the model, the runtime
 * and the class of runner.
 */
export const seenKey = (
  { plan, runnerClass, node }: Omit<ProofSetting, 'records' | 'baselines'>,
  cell: PlannedCell,
  point: OperatingPoint,
  arm: string,
): string => {
  const model = plan.models.find(({ id }) => id === cell.model)?.digest ?? null;
  const asked = { ...point, arms: [] };
  return digestOf(JSON.stringify([seenContract, arm, cell.like, cell.options, asked, model, plan.runtime.digest, node, runnerClass]));
};

/**
 * What the store proves of the unchanged cells: lines for the samples, so that the verdict rests on
 * nothing but its files. A proof outlives the code of the gate that made it; a cell whose baseline other
 * code has measured is measured anew all the same.
 */
export const seenBefore = (setting: ProofSetting, settled: Iterable<SettledLine>): readonly SampleLine[] => {
  const lines: SampleLine[] = [];
  for (const { cell: id, status, arms } of settled) {
    const cell = setting.plan.cells.find((each) => each.id === id);
    const arm = arms['head'];
    if (status !== 'unchanged' || cell === undefined || arm === undefined || isByOtherCode(cell, arm, setting)) continue;
    const points: Record<string, SeenPoint> = {};
    for (const point of cell.points) {
      const known = setting.records.read('seen', seenKey(setting, cell, point, arm), seenRecord);
      if (known !== null) points[point.id] = known;
    }
    if (Object.keys(points).length > 0) lines.push({ line: 'seen', cell: id, arm, points });
  }
  return lines;
};

/**
 * Keeps what a launch proves: of base and head each point that ran to its end, and the series that
 * have values. Nothing of a launch that failed, and nothing of a self-check, whose arms are others
 * than they are called.
 * @param at when it was measured
 */
export const keepSeen = async (
  setting: ProofSetting,
  lines: readonly SampleLine[],
  samples: Pick<Samples, 'settled'>,
  at: Date,
): Promise<void> => {
  const launch = lines.find((line) => line.line === 'launch');
  const end = lines.find((line) => line.line === 'end');
  const cell = setting.plan.cells.find(({ id }) => id === launch?.cell);
  if (launch === undefined || launch.selfCheck || end?.status !== 'complete' || cell === undefined) return;
  const digests = samples.settled.get(cell.id)?.arms ?? {};
  for (const line of lines) {
    const point = line.line === 'point' ? cell.points.find(({ id }) => id === line.point) : undefined;
    if (line.line !== 'point' || point === undefined) continue;
    for (const id of ['head', 'base'] as const) {
      const [arm, values] = [digests[id], line.values[id]];
      if (arm === undefined || (values === undefined && Object.keys(line.values).length > 0)) continue;
      await setting.records.write('seen', seenKey(setting, cell, point, arm), {
        at: at.toISOString(),
        series: Object.entries(values ?? {}).flatMap(([series, numbers]) => (numbers.length > 0 ? [series] : [])),
        warnings: line.warnings.filter((warning) => readAbsence(warning) !== null),
      });
    }
  }
};
