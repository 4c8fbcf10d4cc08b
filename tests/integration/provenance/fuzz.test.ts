import { expect, test } from 'vitest';
import { readDamagedFiles } from '../../support/damaged-files.ts';

const FULL = process.env['UTSUSHI_TEST_FULL'] === '1';
const COUNT = FULL ? 100_000 : 2_000;

test(
  `${COUNT} damaged files: no crash, none slow, memory bounded`,
  async () => {
    const { slowest, grown, found, verified } = await readDamagedFiles(COUNT);
    expect(slowest).toBeLessThan(150);
    expect(verified).toBe(0);
    // Mutations that destroyed everything would test nothing.
    expect(found).toBeGreaterThan(COUNT / 4);
    expect(grown).toBeLessThan(300);
  },
  FULL ? 3_600_000 : 180_000,
);
