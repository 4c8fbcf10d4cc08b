import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('the bench runs at a small size and prints its tables', async () => {
  const main = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', main, '--small']);
  expect(stdout).toMatch(/\| reproduction: found \| 38 \| \d+ \| \d+ \| \d+ \| \d+ \|/);
  expect(stdout).toMatch(/\| unrelated: false alarms \| 20 \| 0 \| 0 \|/);
  expect(stdout).toMatch(/\| 1024x1024 JPEG, grainy \| imghash/);
  expect(stdout).toMatch(/differ from the scan in TypeScript: 0 of 20\./);
  expect(stdout).toMatch(/hnswlib-node/);
  expect(stdout).toMatch(/\| 10,000 \| .* \| 0 of 10 \|/);
});
