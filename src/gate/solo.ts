import type { OperatingPoint } from '../records/metric.ts';
import type { PlannedCell } from '../records/plan.ts';
import type { ArmId } from '../records/words.ts';

type SoloPoint = Extract<OperatingPoint, { kind: 'solo' }>;

/** One arm at one solo point: its launches have the indices `start` … `end` − 1, room for discarded ones included. */
export interface SoloSlot {
  readonly point: SoloPoint;
  readonly arm: ArmId;
  readonly start: number;
  readonly end: number;
}

/** Index ranges of all solo launches of a cell: a function of the plan alone, so that ids are the same in every run. */
export const soloSlots = (cell: PlannedCell): readonly SoloSlot[] => {
  const slots: SoloSlot[] = [];
  let start = 0;
  for (const point of cell.points) {
    if (point.kind !== 'solo') continue;
    for (const arm of point.arms) {
      const end = start + 2 * point.launches + 2;
      slots.push({ point, arm, start, end });
      start = end;
    }
  }
  return slots;
};
