/** The main job on both backends: import, submit through the API, check through the queue, get alerts. */
import { mkdir } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { buildServer } from '../../../src/entry/http/server.ts';
import { listAlerts } from '../../../src/features/alerts/index.ts';
import {
  filesBelow,
  importCatalogue,
  listImport,
  setAssetEnabled,
} from '../../../src/features/catalogue/index.ts';
import { type RecordedAnswer, openUpload } from '../../../src/features/checks/index.ts';
import { BACKENDS, type Installation, eventually, install } from '../../support/installation.ts';
import { HOSTILE_FILES, artwork } from '../../support/pictures.ts';

const TOKEN = 'a-token-only-for-this-test';
const WORKS = 6;

describe.each(BACKENDS)('the road on %s', (backend) => {
  let installation: Installation;
  let app: App;
  let api: FastifyInstance;
  let pictures: Server;
  let pictureBase: string;

  beforeAll(async () => {
    installation = await install(backend, {
      UTSUSHI_FETCH_ALLOWED_HOSTS: '127.0.0.1',
      UTSUSHI_SWEEP_MS: '1000',
      UTSUSHI_MAX_PIXELS: '1000000',
    });
    app = await installation.open();
    const works = join(installation.dataDir, 'works');
    await mkdir(works);
    for (let i = 0; i < WORKS; i++)
      await artwork(i)
        .png()
        .toFile(join(works, `work-${i}.png`));
    const report = await importCatalogue(app.checks, await listImport(works, undefined), {
      tier: 'high',
      actor: 'test',
    });
    expect(report).toMatchObject({ imported: WORKS, failed: [] });
    api = await buildServer({ app, apiToken: TOKEN });
    await app.startWorkers();
    pictures = createServer(async (request, response) => {
      const seed = /^\/(\d+)\.webp$/.exec(request.url!)?.[1];
      if (seed === undefined) response.writeHead(404).end();
      else response.end(await artwork(Number(seed)).resize(500).webp().toBuffer());
    });
    await new Promise<void>((resolve) => pictures.listen(0, '127.0.0.1', resolve));
    pictureBase = `http://127.0.0.1:${(pictures.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    pictures?.close();
    await api?.close();
    await installation.close();
  });

  const authorization = { authorization: `Bearer ${TOKEN}` };
  async function upload(bytes: Uint8Array, fields: Record<string, string> = {}) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', new Blob([Buffer.from(bytes)]), 'output.png');
    const encoded = new Response(form);
    const answer = await api.inject({
      method: 'POST',
      url: '/api/checks',
      headers: { ...authorization, 'content-type': encoded.headers.get('content-type')! },
      payload: Buffer.from(await encoded.arrayBuffer()),
    });
    return answer;
  }
  const outcome = (id: string) =>
    eventually<RecordedAnswer>(`check ${id}`, async () => {
      const answer = (
        await api.inject({ url: `/api/checks/${id}`, headers: authorization })
      ).json<RecordedAnswer>();
      return answer.state !== 'pending' && answer;
    });
  const uploadAndWait = async (bytes: Uint8Array, fields?: Record<string, string>) =>
    outcome((await upload(bytes, fields)).json<{ id: string }>().id);

  test('a re-encoded copy that was uploaded raises one alert, however often it comes', async () => {
    const copy = await artwork(0).resize(400).jpeg({ quality: 70 }).toBuffer();
    const first = await uploadAndWait(copy, {
      pageUrl: 'https://service.example/post/1',
      account: 'someone',
    });
    expect(first).toMatchObject({
      state: 'done',
      check: { verdict: 'candidate', matches: [{ title: 'work-0', kind: 'reproduction', candidate: true }] },
    });
    const again = await Promise.all([uploadAndWait(copy), uploadAndWait(copy), uploadAndWait(copy)]);
    for (const each of again) {
      expect(each.check!.checkId).toBe(first.check!.checkId);
      expect(each.check!.alertIds).toEqual(first.check!.alertIds);
    }
    const alerts = await listAlerts(app.db);
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({ sightings: 4, tier: 'high', retroactive: false });
    const detail = (await api.inject({ url: `/api/alerts/${alerts[0]!.id}`, headers: authorization })).json();
    expect(detail.seenAt).toHaveLength(4);
    expect(detail.seenAt[0]).toMatchObject({
      pageUrl: 'https://service.example/post/1',
      acquisition: 'uploaded',
    });
    expect(detail.events.map((each: { event: { type: string } }) => each.event.type)).toEqual([
      'opened',
      'seen',
      'seen',
      'seen',
    ]);
  });

  test('the record of a known output says of each sighting what that of a new one says', async () => {
    const copy = await artwork(0).resize(390).png().toBuffer();
    const { check } = await uploadAndWait(copy, { pageUrl: 'https://service.example/post/2' });
    await uploadAndWait(copy, { pageUrl: 'https://service.example/work-0' });
    const { rows } = await app.pool.query<{ payload: string }>(
      "select payload from audit_records where kind = 'output.checked' and subject = $1 order by id",
      [check!.checkId],
    );
    const [first, known] = rows.map(({ payload }) => JSON.parse(payload) as Record<string, unknown>);
    expect([first!['known'], known!['known']]).toEqual([undefined, true]);
    expect(known!['provenance']).toEqual(first!['provenance']);
    expect([first!['reliance'], known!['reliance']]).toEqual([
      [],
      [{ assetId: expect.any(String), term: 'work-0', where: 'page URL' }],
    ]);
  });

  test('an output is fetched by its URL; a mirrored copy is found and said to be mirrored', async () => {
    const answer = await api.inject({
      method: 'POST',
      url: '/api/checks',
      headers: authorization,
      payload: { url: `${pictureBase}/1.webp` },
    });
    expect(answer.statusCode).toBe(202);
    expect((await outcome(answer.json().id)).check).toMatchObject({
      verdict: 'candidate',
      matches: [{ title: 'work-1' }],
    });
    const mirrored = await uploadAndWait(await artwork(2).flop().png().toBuffer());
    expect(mirrored.check).toMatchObject({
      matches: [{ title: 'work-2', transformations: ['mirrored'], orientation: 'mirrored' }],
    });
  });

  test('a different picture is no candidate, and only a shrunk copy of a fetched one is kept', async () => {
    const answer = await api.inject({
      method: 'POST',
      url: '/api/checks',
      headers: authorization,
      payload: { url: `${pictureBase}/500.webp` },
    });
    const { check } = await outcome(answer.json().id);
    expect(check).toMatchObject({ verdict: 'no-candidate', matches: [], alertIds: [] });
    const kept = await app.db
      .selectFrom('outputs')
      .selectAll()
      .where('sha256', '=', check!.sha256)
      .executeTakeFirstOrThrow();
    expect(kept.retained).toBe('shrunk');
    expect(kept.retained_sha256).not.toBe(check!.sha256);
    expect((await app.checks.blobs.get(kept.retained_sha256)).length).toBeGreaterThan(100);
  });

  test('the original bytes of an alerted output are kept', async () => {
    const [alert] = await listAlerts(app.db);
    expect((await app.checks.blobs.get(alert!.outputSha256)).length).toBeGreaterThan(100);
  });

  test('a flat picture is unhashable, which is no failure', async () => {
    const flat = await uploadAndWait(await artwork(0).resize(64).linear(0, 128).png().toBuffer());
    expect(flat).toMatchObject({ state: 'done', check: { verdict: 'unhashable', matches: [] } });
    expect(flat.check!.reason).toBeTruthy();
  });

  test.each(HOSTILE_FILES.filter((file) => file.code !== 'empty_file'))(
    '$name ends as failed with $code and nothing stored',
    async ({ make, code }) => {
      const before = await app.db
        .selectFrom('outputs')
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow();
      expect(await uploadAndWait(await make())).toMatchObject({
        state: 'failed',
        error: { code },
        check: null,
      });
      const after = await app.db
        .selectFrom('outputs')
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow();
      expect(after).toEqual(before);
    },
  );

  test('what cannot be accepted is refused at once, with its code', async () => {
    expect((await upload(Buffer.alloc(0))).json()).toMatchObject({ error: { code: 'empty_file' } });
    const without = await api.inject({
      method: 'POST',
      url: '/api/checks',
      payload: { url: 'https://a.example/b.png' },
    });
    expect(without.statusCode).toBe(401);
    const wrong = await api.inject({ url: '/api/alerts', headers: { authorization: 'Bearer wrong' } });
    expect(wrong.json()).toMatchObject({ error: { code: 'unauthorized' } });
    const noUrl = await api.inject({
      method: 'POST',
      url: '/api/checks',
      headers: authorization,
      payload: { url: 'ftp://x' },
    });
    expect(noUrl).toMatchObject({ statusCode: 400 });
    expect(noUrl.json().error.remedy).toBeTruthy();
    const unknown = await api.inject({
      url: '/api/checks/4f6b6b0e-5b5e-4b5e-8b5e-5b5e5b5e5b5e',
      headers: authorization,
    });
    expect(unknown).toMatchObject({ statusCode: 404 });
    const failing = await api.inject({
      method: 'POST',
      url: '/api/checks',
      headers: authorization,
      payload: { url: `${pictureBase}/none` },
    });
    expect(await outcome(failing.json().id)).toMatchObject({
      state: 'failed',
      error: { code: 'fetch_rejected' },
    });
  });

  test('a work added later is compared with what was seen before, and its original is fetched again', async () => {
    const before = (await listAlerts(app.db)).length;
    const late = join(installation.dataDir, 'late');
    await mkdir(late);
    await artwork(500).png().toFile(join(late, 'late-work.png'));
    await importCatalogue(app.checks, await listImport(late, undefined), { tier: 'standard', actor: 'test' });
    const alert = await eventually('the retroactive alert', async () => {
      const alerts = await listAlerts(app.db);
      return alerts.length === before + 1 && alerts.find((each) => each.title === 'late-work');
    });
    expect(alert).toMatchObject({ retroactive: true });
    await eventually('the original to be kept', async () => {
      const kept = await app.db
        .selectFrom('outputs')
        .selectAll()
        .where('sha256', '=', alert.outputSha256)
        .executeTakeFirstOrThrow();
      return kept.retained === 'original' && (await app.checks.blobs.get(kept.retained_sha256)).length > 0;
    });
  });

  test('a disabled work raises nothing; enabled again it is compared with what came in between', async () => {
    const work = (
      await app.db.selectFrom('assets').selectAll().where('title', '=', 'work-5').executeTakeFirstOrThrow()
    ).id;
    const by = { actor: 'test', at: new Date() };
    await setAssetEnabled(app.db, work, false, by);
    const { check } = await uploadAndWait(await artwork(5).resize(250).png().toBuffer());
    expect(check).toMatchObject({ verdict: 'no-candidate' });
    await setAssetEnabled(app.db, work, true, by);
    await eventually(
      'the alert',
      async () => (await listAlerts(app.db, { limit: 10, assetId: work })).length === 1,
    );
  });

  test('a sighting whose job was lost is found by the sweeper', async () => {
    const id = (await upload(await artwork(3).resize(300).png().toBuffer())).json<{ id: string }>().id;
    await outcome(id);
    // As if the process had died between storing the sighting and queueing it.
    const lost = await openUpload(
      app.checks,
      await artwork(4).resize(300).png().toBuffer(),
      { acquiredBy: 'test', pageUrl: null, account: null, postedAt: null },
      new Date(Date.now() - 60_000),
    );
    expect((await outcome(lost)).check).toMatchObject({
      verdict: 'candidate',
      matches: [{ title: 'work-4' }],
    });
  });

  test('documents itself, says when it is ready, and counts', async () => {
    const openapi = (await api.inject({ url: '/openapi.json' })).json();
    expect(Object.keys(openapi.paths)).toEqual(
      expect.arrayContaining(['/api/checks', '/api/checks/{id}', '/api/assets', '/api/alerts']),
    );
    expect((await api.inject({ url: '/healthz' })).statusCode).toBe(200);
    expect((await api.inject({ url: '/readyz' })).json()).toMatchObject({
      status: 'ready',
      references: WORKS + 1,
    });
    expect((await api.inject({ url: '/metrics' })).body).toMatch(
      /utsushi_jobs\{queue="checks",state="failed"\} \d+/,
    );
  });

  test('the spool is empty when everything is checked', async () => {
    expect(await filesBelow(join(installation.dataDir, 'spool'), false)).toEqual([]);
  });
});
