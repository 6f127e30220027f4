import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: ['__tests__/testkit/global-setup.ts'],
    include: ['__tests__/**/*.test.ts'],
    exclude: ['__tests__/acceptance/**'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
