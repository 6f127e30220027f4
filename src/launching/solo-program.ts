import type { WorkerProgram } from '../run/worker-process.ts';

/**
 * The worker program for a launch that tells the peak of its memory. JavaScript is compiled and collected on the main thread, and a large block that
 * is freed goes back to the system at once (glibc): the peak then follows from what is run, not from which thread came first or from what the
 * allocator kept. Of one artefact it differed by up to 6 MiB between launches without this, and by less than 0.4 MiB with it.
 */
export const soloProgram = (worker: WorkerProgram): WorkerProgram => ({
  ...worker,
  execArgv: ['--single-threaded'],
  environment: {
    ...worker.environment,
    MALLOC_ARENA_MAX: '1',
    // Said aloud, they no longer follow the sizes that were freed before.
    MALLOC_MMAP_THRESHOLD_: '65536',
    MALLOC_TRIM_THRESHOLD_: '65536',
  },
});
