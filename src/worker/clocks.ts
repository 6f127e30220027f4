import type { Clock } from './rounds.ts';

/** The clocks that measurements rest on: monotonic wall time and this process's processor time, in milliseconds. */
export const clocks: Clock = {
  wall: () => performance.now(),
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};
