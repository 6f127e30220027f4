import type { Log } from './contract.ts';
import { plainLines } from './plain-text.ts';

export type RunProgress = Parameters<Log['progress']>[0];

/** Done share of the work, 0 to 1; 1 when there is none. */
export const doneShare = ({ done, total }: RunProgress): number => (total > 0 && done >= 0 ? Math.min(done / total, 1) : 1);

/** `4 s`, `3 min`, `2 h 5 min`; seconds are rounded up, negative and non-finite ones are 0. */
export const duration = (seconds: number): string => {
  const whole = Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds) : 0;
  if (whole < 100) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  if (minutes < 100) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/** `12/120 (10 %) tiny/pruning, 3 min left` */
export const progressLine = (progress: RunProgress): string => {
  const left = progress.secondsLeft === null ? '' : `, ${duration(progress.secondsLeft)} left`;
  const cell = plainLines(progress.cell).join(' ');
  return `${progress.done}/${progress.total} (${Math.floor(100 * doneShare(progress))} %) ${cell}${left}`;
};

/** Which progress to print where lines stay: the first, then one per tenth of the work, and the last. */
export const sparseProgress = (): ((progress: RunProgress) => string | null) => {
  let printed = -1;
  return (progress) => {
    const tenth = Math.floor(10 * doneShare(progress));
    if (tenth === printed) return null;
    printed = tenth;
    return progressLine(progress);
  };
};
