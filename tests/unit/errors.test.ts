import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ERROR_CODES, UtsushiError, asUtsushiError } from '../../src/errors.ts';

test('docs/errors.md says what the code says (npx vitest run tests/unit/errors.test.ts -u rewrites it)', async () => {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { means, remedy, retry }]) => `| \`${code}\` | ${means} | ${remedy} | ${retry ? 'yes' : 'no'} |`,
  );
  const page = [
    '# Error codes',
    '',
    'Codes are stable: a program may match on them. They stand in `"error": {"code", "message"}` of `utsushi check --json`',
    'and of the API, and in the log. "Tried again" says whether Utsushi itself repeats a job that failed so.',
    '',
    '| code | what it means | what to do | tried again |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
  await expect(page).toMatchFileSnapshot(fileURLToPath(new URL('../../docs/errors.md', import.meta.url)));
});

test('whatever is thrown becomes an error with a code', () => {
  const own = new UtsushiError('corrupt_image', 'broken');
  expect(asUtsushiError(own)).toBe(own);
  expect(asUtsushiError(new TypeError('oops'))).toMatchObject({ code: 'internal', message: 'oops' });
  expect(asUtsushiError('text')).toMatchObject({ code: 'internal', message: 'text' });
  expect(own.retryable).toBe(false);
  expect(new UtsushiError('fetch_failed', 'x').retryable).toBe(true);
});
