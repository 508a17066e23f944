import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Two cores, and the rooms are heard in real time: files run one after another there.
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/rooms/**'],
          testTimeout: 30_000,
          pool: 'forks',
        },
      },
      {
        test: {
          name: 'rooms',
          include: ['test/rooms/**/*.test.ts'],
          globalSetup: ['test/rooms/support/global-setup.ts'],
          // Otherwise LiveKit's client writes its debug lines between the results.
          env: { NODE_ENV: 'production' },
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          pool: 'forks',
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
