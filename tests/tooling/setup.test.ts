import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = (name: string): string => fileURLToPath(new URL(`../../scripts/${name}`, import.meta.url));

it('the lock is one that `npm ci` accepts on every platform', () => {
  const { status, stderr } = spawnSync(process.execPath, [script('complete-lock.mjs'), '--check'], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('lock: complete\n');
  expect(status).toBe(0);
});

it('the lock names versions and checksums, not where somebody happened to download from', () => {
  const lock = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8');
  expect(lock).not.toMatch(/"resolved": *"https?:/);
});

it('setup is silent when nothing is to be done, and leaves stdout to the next command', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script('setup.mjs')], { encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});
