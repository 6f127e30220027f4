import { defineConfig } from 'vitest/config';

/** Long proofs: the shipped program on the real tree. Run before a release; `npm test` leaves them out. */
export default defineConfig({
  test: {
    globalSetup: ['__tests__/testkit/global-setup.ts'],
    include: ['__tests__/acceptance/**/*.test.ts'],
    testTimeout: 1_200_000,
    hookTimeout: 600_000,
    maxWorkers: 1,
    fileParallelism: false,
  },
});
