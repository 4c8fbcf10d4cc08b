/** Files that a killed process left behind are collected, and nothing else is. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { clearSpool, openUpload } from '../../../src/features/checks/index.ts';
import { type Installation, install } from '../../support/installation.ts';

const NOW = new Date('2026-11-02T00:00:00Z');
const YESTERDAY = new Date('2026-11-01T00:00:00Z');
const LONG_AGO = new Date('2026-10-01T00:00:00Z');
const NOBODYS = '00000000-0000-4000-8000-000000000000';

let installation: Installation;
let app: App;

beforeAll(async () => {
  installation = await install('postgres');
  app = await installation.open({ clock: () => NOW });
});
afterAll(() => installation.close());

async function leave(folder: string, name: string, at: Date): Promise<void> {
  await mkdir(join(installation.dataDir, folder), { recursive: true });
  await writeFile(join(installation.dataDir, folder, name), 'left behind');
  await utimes(join(installation.dataDir, folder, name), at, at);
}

test('the spool keeps what a sighting waits for and what is new, and loses the rest', async () => {
  const waiting = await openUpload(
    app.checks,
    Buffer.from('bytes'),
    { acquiredBy: 'test', pageUrl: null, account: null, postedAt: null },
    NOW,
  );
  await utimes(join(installation.dataDir, 'spool', waiting), LONG_AGO, LONG_AGO);
  await leave('spool', NOBODYS, LONG_AGO);
  await leave('spool', `${NOBODYS}.part`, LONG_AGO);
  await leave('spool', 'being-written.part', NOW);
  expect(await clearSpool(app.checks, YESTERDAY)).toBe(2);
  expect((await readdir(join(installation.dataDir, 'spool'))).toSorted()).toEqual(
    [waiting, 'being-written.part'].toSorted(),
  );
});

test('the store loses what was never finished, and keeps its files', async () => {
  const sha256 = await app.checks.blobs.put(Buffer.from('a picture'));
  await utimes(app.checks.blobs.path(sha256), LONG_AGO, LONG_AGO);
  await leave('blobs/unfinished', 'old.part', LONG_AGO);
  await leave('blobs/unfinished', 'new.part', NOW);
  await app.checks.blobs.removeUnfinished(YESTERDAY);
  expect(await readdir(join(installation.dataDir, 'blobs/unfinished'))).toEqual(['new.part']);
  expect((await app.checks.blobs.get(sha256)).toString()).toBe('a picture');
});

test('a file that lies whole on the same disk gets a second name in the store, and keeps it when the first goes', async () => {
  const { blobs, spool } = app.checks;
  const bytes = Buffer.from('handed in');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  for (const id of ['first', 'second']) {
    await spool.put(id, bytes);
    expect(await blobs.adopt(spool.path(id), sha256)).toBe(sha256);
    await spool.remove(id);
    expect(await blobs.get(sha256)).toEqual(bytes);
  }
});

test('a file of the store that is not whole is written anew when the bytes come again', async () => {
  const { blobs, spool } = app.checks;
  const bytes = Buffer.from('once more');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await spool.put('again', bytes);
  await mkdir(dirname(blobs.path(sha256)), { recursive: true });
  await writeFile(blobs.path(sha256), 'once');
  await blobs.adopt(spool.path('again'), sha256);
  expect(await blobs.get(sha256)).toEqual(bytes);
});
