import { defineConfig } from 'vitest/config';

/** Conversations with servers and plugins at real time: beside others on two cores their own lateness would be taken for a vendor's. */
const REAL_TIME = [
  'test/realtime/chain/{chain,fallback,moments,rival,containment}.test.ts',
  'test/realtime/plugins/*.test.ts',
  'test/pipeline/chain.test.ts',
  'test/stt/chain/conformance.test.ts',
  'test/{stt,llm,tts}/livekit/plugins.test.ts',
  'test/{stt,llm}/providers/habits-conformance.test.ts',
  'test/stt/providers/free-stt.test.ts',
  'test/tts/providers/normal-vendors.test.ts',
];

export default defineConfig({
  test: {
    // Two cores: what is heard in real time runs when the rest is done, and calls in rooms one file after another.
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/rooms/**', ...REAL_TIME],
          testTimeout: 30_000,
          pool: 'forks',
          // Files share the modules that they load: half of the time went into loading them anew.
          isolate: false,
        },
      },
      {
        test: {
          name: 'real-time',
          include: REAL_TIME,
          testTimeout: 30_000,
          // They wait most of the time: one in five seconds of a core.
          maxWorkers: 2,
          pool: 'forks',
          sequence: { groupOrder: 1 },
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
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
