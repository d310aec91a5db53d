import { defineConfig } from 'vitest/config';

// Limits are for what hangs. A machine that is busy with other work takes three times as long as a calm one.
const contract = { testTimeout: 600_000, hookTimeout: 600_000 };
const endToEnd = { testTimeout: 480_000, hookTimeout: 900_000 };
const edges = 'test/contract/edge/**/*.test.ts';
const engine = ['test/contract/build/**/*.test.ts', 'test/contract/deploy/transfer*.test.ts'];

// Four parts, because they cost differently: unit is pure and parallel; bundle and e2e share one machine (an engine,
// ports, two hosts), so their files run one at a time.
export default defineConfig({
  test: {
    projects: [
      {
        // On a new machine the test bed is made at the same time.
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 60_000,
          // No test here changes what another one sees, so the sources are loaded once for all files of a worker.
          isolate: false,
          maxWorkers: 2,
        },
      },
      {
        // Each file has servers of its own, and waits for them half of its time.
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          exclude: [edges, ...engine],
          maxWorkers: 2,
          // What runs at once in a file waits more than it works.
          maxConcurrency: 32,
          sequence: { groupOrder: 1 },
          ...contract,
        },
      },
      {
        // They share an engine, its builder, a registry and the folder for what arrives.
        test: {
          name: 'contract-engine',
          include: engine,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          ...contract,
        },
      },
      {
        // They share an address, and tell how many requests failed under load: nothing else may run.
        test: {
          name: 'contract-edge',
          include: [edges],
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          ...contract,
        },
      },
      {
        test: {
          name: 'bundle',
          include: ['test/bundle/**/*.test.ts'],
          globalSetup: ['test/bundle/harness/build.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 4 },
          testTimeout: 360_000,
          hookTimeout: 900_000,
        },
      },
      {
        // Deploys to one server, each worker with one of the two in the bed: they wait for boots, deadlines and drains most of
        // their time. A test that touches what both share, such as the registry, does not belong here.
        test: {
          name: 'e2e-single',
          include: ['test/e2e/single/**/*.test.ts'],
          globalSetup: ['test/e2e/harness/shared-bed.ts'],
          env: { SLUICE_E2E_SHARED_BED: '1' },
          maxWorkers: 2,
          sequence: { groupOrder: 5 },
          ...endToEnd,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/*.test.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 6 },
          ...endToEnd,
        },
      },
    ],
  },
});
