import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('the compiled kernels are what their sources compile to', async () => {
  const script = fileURLToPath(new URL('../../scripts/build-kernels.mjs', import.meta.url));
  const { stderr } = await promisify(execFile)(process.execPath, [script, '--check']);
  expect(stderr).toContain('hamming-wasm.ts');
});
