import type { Tools } from '../contract/player.ts';

const milliseconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;

/**
 * The clocks that measurements rest on, in milliseconds: monotonic wall time, processor time of this process, and of this thread alone, beside
 * which the engine compiles and collects garbage in others. A graph of one thread runs in the thread that asks for it.
 */
export const clocks: Tools['clock'] = {
  wall: () => performance.now(),
  cpu: () => milliseconds(process.cpuUsage()),
  thread: () => {
    // Linux brings a thread's time up to date only when that of the whole process is read, else at every tick: some milliseconds apart.
    process.cpuUsage();
    return milliseconds(process.threadCpuUsage());
  },
};
