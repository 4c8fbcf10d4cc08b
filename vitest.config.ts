import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tests/support/longest-first.ts';

/** Two projects: what needs no service and is fast, and what starts PostgreSQL, Redis, a browser or child processes. */
export default defineConfig({
  test: {
    pool: 'forks',
    teardownTimeout: 30_000,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          pool: 'forks',
          include: ['tests/{unit,property,conformance,tooling}/**/*.test.ts'],
          exclude: ['**/*.slow.test.ts'],
          testTimeout: 20_000,
          hookTimeout: 20_000,
          // Vitest would leave one core for others.
          maxWorkers: '100%',
        },
      },
      {
        test: {
          name: 'integration',
          pool: 'forks',
          include: ['tests/{integration,browser}/**/*.test.ts', 'tests/**/*.slow.test.ts'],
          // A first start of the embedded PostgreSQL takes seconds, more on a busy machine with two cores.
          testTimeout: 120_000,
          hookTimeout: 180_000,
          // As patient as a page is told to be; vitest's own second is short for a browser on a busy machine.
          expect: { poll: { timeout: 15_000 } },
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
