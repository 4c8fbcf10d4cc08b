/** Screening: a synchronous answer that keeps nothing, and says when it could not look. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { buildServer } from '../../../src/entry/http/server.ts';
import {
  filesBelow,
  importCatalogue,
  listAssets,
  listImport,
  readVersion,
  setAssetEnabled,
} from '../../../src/features/catalogue/index.ts';
import { type Installation, eventually, install } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';

const TOKEN = 'a-token-only-for-this-test';
const authorization = { authorization: `Bearer ${TOKEN}` };
const CAPACITY = 2;

describe('screening', () => {
  let installation: Installation;
  let app: App;
  let api: FastifyInstance;

  beforeAll(async () => {
    installation = await install('postgres', {
      UTSUSHI_SCREEN_CAPACITY: String(CAPACITY),
      UTSUSHI_INDEX_MAX_AGE_MS: '5000',
      UTSUSHI_CONCURRENCY: '1',
    });
    app = await installation.open();
    const works = join(installation.dataDir, 'works');
    await mkdir(works);
    for (let i = 0; i < 3; i++)
      await artwork(i)
        .png()
        .toFile(join(works, `work-${i}.png`));
    await importCatalogue(app.checks, await listImport(works, undefined), { tier: 'high', actor: 'test' });
    api = await buildServer({ app, apiToken: TOKEN });
  });
  afterAll(async () => {
    await api?.close();
    await installation.close();
  });

  const ask = async (bytes: Uint8Array, query = 'deadlineMs=30000', headers: object = authorization) =>
    api.inject({
      method: 'POST',
      url: `/api/screen?${query}`,
      headers: { ...headers, 'content-type': 'image/png' },
      payload: Buffer.from(bytes),
    });

  test('before the catalogue is read it refuses, and the process is not ready', async () => {
    const unread = await installation.open();
    const server = await buildServer({ app: unread, apiToken: TOKEN });
    const answer = await server.inject({
      method: 'POST',
      url: '/api/screen',
      headers: { ...authorization, 'content-type': 'application/octet-stream' },
      payload: await artwork(1).png().toBuffer(),
    });
    expect(answer.json()).toMatchObject({ answer: 'not-screened', reason: 'index-stale' });
    const unready = await server.inject({ url: '/readyz' });
    expect([unready.statusCode, unready.json().error.code]).toEqual([503, 'index_stale']);
    await unread.keepIndexFresh();
    expect((await server.inject({ url: '/readyz' })).statusCode).toBe(200);
    await server.close();
    await unread.close();
  });

  test('a copy is a match, another picture is none, and nothing of either is kept', async () => {
    await app.keepIndexFresh();
    const before = await filesBelow(installation.dataDir, false).then((files) => files.filter(isStored));
    const copy = await ask(await artwork(1).resize(400).jpeg({ quality: 70 }).toBuffer());
    expect(copy.statusCode).toBe(200);
    expect(copy.json()).toMatchObject({
      answer: 'match',
      matches: [{ title: 'work-1', kind: 'reproduction', reasons: expect.arrayContaining([]) }],
      catalogueVersion: app.checks.index.version,
    });
    expect((await ask(await artwork(77).png().toBuffer())).json()).toMatchObject({
      answer: 'no-match',
      matches: [],
    });
    for (const table of ['outputs', 'sightings', 'checks', 'alerts'] as const) {
      expect([table, await app.db.selectFrom(table).selectAll().execute()]).toEqual([table, []]);
    }
    const after = await filesBelow(installation.dataDir, false).then((files) => files.filter(isStored));
    expect(after).toEqual(before);
  });

  test('what cannot be looked at is not screened, with its reason', async () => {
    expect((await ask(Buffer.from('no picture'))).json()).toMatchObject({
      answer: 'not-screened',
      reason: 'unreadable',
      detail: expect.stringContaining('unsupported_format'),
    });
    expect((await ask(await flat())).json()).toMatchObject({ answer: 'not-screened', reason: 'unhashable' });
    expect(
      (await ask(await artwork(1).resize(2_000).png().toBuffer(), 'deadlineMs=10')).json(),
    ).toMatchObject({
      answer: 'not-screened',
      reason: 'deadline',
    });
  });

  test('a request that is none is refused', async () => {
    const status = async (answer: Promise<{ statusCode: number; json(): { error: { code: string } } }>) => {
      const { statusCode, json } = await answer;
      return [statusCode, json().error.code];
    };
    expect(await status(ask(Buffer.alloc(0)))).toEqual([400, 'empty_file']);
    expect(await status(ask(await flat(), 'deadlineMs=1'))).toEqual([400, 'invalid_request']);
    expect(await status(ask(await flat(), '', {}))).toEqual([401, 'unauthorized']);
  });

  test('over capacity it says so at once, and the others are answered', async () => {
    const picture = await artwork(2).resize(900).png().toBuffer();
    const answers = await Promise.all(Array.from({ length: 3 * CAPACITY }, () => ask(picture)));
    const counts = answers.map((answer) => {
      const { answer: word, reason } = answer.json<{ answer: string; reason?: string }>();
      return reason ?? word;
    });
    expect(counts.filter((word) => word === 'match').length).toBeGreaterThan(0);
    expect(counts.filter((word) => word === 'over-capacity').length).toBeGreaterThan(0);
    expect(new Set(counts)).toEqual(new Set(['match', 'over-capacity']));
  });

  test('a change made by another process is seen without anyone asking the database for it', async () => {
    const other = await installation.open();
    const [asset] = (await listAssets(other.db)).filter(({ title }) => title === 'work-2');
    await setAssetEnabled(other.db, asset!.id, false, { actor: 'test', at: new Date() });
    const copy = await artwork(2).jpeg().toBuffer();
    const answer = await eventually('the disabled work to match no more', async () => {
      const screened = (await ask(copy)).json<{ answer: string; catalogueVersion: number }>();
      return screened.answer === 'no-match' && screened;
    });
    expect(answer.catalogueVersion).toBe((await readVersion(other.db)).version);
  });
});

const isStored = (file: string) => /\/(blobs|spool)\//.test(file);
const flat = () =>
  artwork(0).resize(64).blur(100).modulate({ saturation: 0, brightness: 0 }).png().toBuffer();
