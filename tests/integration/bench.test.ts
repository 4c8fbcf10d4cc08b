import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('the bench runs at a small size and prints its tables', async () => {
  const main = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    main,
    '--small',
    // The road and scans start servers and workers of their own, which other tests do too.
    'fixtures',
    'accuracy',
    'fingerprint',
    'deep',
    'search',
    'growth',
    'orientations',
    'provenance',
    'review',
  ]);
  expect(stdout).toMatch(/\| reproduction \(\d+\) (\| [\d.]+ \/ [\d.]+ ){6}\|/);
  expect(stdout).toMatch(/Tier high, from 0\.\d+: 0 of 5 different pictures called a candidate/);
  expect(stdout).toContain('no diffusion model was used');
  // The corpus is not part of this repository, and it says so.
  expect(stderr).toContain('accuracy on a corpus is skipped');
  expect(stdout).toMatch(/\| 1024x1024 JPEG, grainy \| imghash/);
  expect(stdout).toMatch(/\| 60 \| deep \| \*\*all\*\* \| [\d.]+ \|/);
  expect(stdout).toMatch(/differ from the scan in TypeScript: 0 of 20\./);
  expect(stdout).toMatch(/hnswlib-node/);
  expect(stdout).toMatch(/\| 10,000 \| .* \| 0 of 10 \|/);
  expect(stdout).toMatch(/\| 1,000 \| .* \| 0 of 1 \|/);
  expect(stdout).toMatch(/Unmarked pictures: \d+ judged, .*: 0 called "very likely"/);
  expect(stdout).toMatch(/\| inbox, first page of 50 with counts \| [\d.]+ \| [\d.]+ \|/);
});
