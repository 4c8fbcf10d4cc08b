/** What is done for outputs that were recorded before: other thresholds tried on them, and their places visited again. */
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import {
  checkSighting,
  currentPolicy,
  findSighting,
  openSighting,
  policyImpact,
} from '../../../src/features/checks/index.ts';
import { listPlaces, revisitPlaces } from '../../../src/features/monitoring/index.ts';
import { type Installation, install } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';
import { Scene } from '../../support/scene.ts';

const DAY = 86_400_000;

describe('recorded outputs', () => {
  let installation: Installation;
  let app: App;
  let server: Server;
  const start = Date.parse('2026-11-20T00:00:00Z');
  let now = start;
  const pictures = new Map<string, Buffer>();
  const asked: string[] = [];

  const queued: string[] = [];
  let visiting: Parameters<typeof revisitPlaces>[0];

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url!);
      const bytes = pictures.get(request.url!);
      if (bytes === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': 'image/png' }).end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    installation = await install('postgres', { UTSUSHI_FETCH_ALLOWED_HOSTS: '127.0.0.1' });
    app = await installation.open({ clock: () => new Date(now) });
    visiting = { ...app.checks, enqueue: async (ids) => void queued.push(...ids) };
    await Scene.importWorks(app, await Scene.works(join(installation.dataDir, 'works'), 0, 2));
    for (const [path, seed] of [
      ['/copy.png', 0],
      ['/other-copy.png', 1],
      ['/nothing.png', 700],
    ] as const) {
      pictures.set(path, await artwork(seed, 160).resize(200).png().toBuffer());
      const seen = { acquiredBy: 'test', pageUrl: null, account: null, postedAt: null };
      const imageUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
      const id = await openSighting(app.db, { ...seen, acquisition: 'fetched', imageUrl }, new Date(now));
      await checkSighting(app.checks, id, true);
    }
  });
  afterAll(async () => {
    server?.close();
    await installation?.close();
  });

  test('are compared under other thresholds without anything being changed', async () => {
    const { tiers } = await currentPolicy(app.db);
    const inForce = { high: tiers.high.minConfidence, standard: tiers.standard.minConfidence };
    const nothing = { outputs: 3, unreadable: 0, add: 0, drop: 0, keep: 2 };
    expect(await policyImpact(app.checks, inForce)).toEqual(nothing);
    // One that nothing reaches, and one that everything that resembles a work at all does.
    expect(await policyImpact(app.checks, { ...inForce, high: 1 })).toMatchObject({
      add: 0,
      drop: 2,
      keep: 0,
    });
    expect(await policyImpact(app.checks, { ...inForce, standard: 1 })).toEqual(nothing);
    const { add, drop } = await policyImpact(app.checks, { ...inForce, high: 0 });
    expect({ drop, some: add > 0 }).toEqual({ drop: 0, some: true });
    const { rows } = await app.pool.query<{ n: number }>('select count(*)::int as n from alerts');
    expect(rows[0]!.n).toBe(2);
  });

  test('are looked for again where they were seen, as often as the protocol says', async () => {
    const visit = () => revisitPlaces(visiting, 100, new AbortController().signal);
    const results = async () =>
      Object.fromEntries(
        (await listPlaces(app.db, { limit: 100 })).map(({ url, lastVisit }) => [
          new URL(url).pathname,
          lastVisit?.result ?? null,
        ]),
      );
    asked.length = 0;
    now = start + DAY / 2;
    expect(await visit()).toBe(0);
    now = start + DAY + 1;
    expect(await visit()).toBe(2);
    expect(await results()).toEqual({ '/copy.png': 'up', '/other-copy.png': 'up' });
    expect(await visit()).toBe(0);
    pictures.delete('/copy.png');
    pictures.set('/other-copy.png', pictures.get('/nothing.png')!);
    now = start + 2 * DAY + 2;
    expect(await visit()).toBe(2);
    expect(await results()).toEqual({ '/copy.png': 'gone', '/other-copy.png': 'changed' });
    // What is gone is not asked for for ever, and what raised no alert never was.
    now = start + 4 * DAY;
    expect(await visit()).toBe(1);
    expect(asked.filter((path) => path === '/copy.png')).toHaveLength(2);
    expect(asked).not.toContain('/nothing.png');
  });

  test('are said to be gone, changed or there by what answers, not by its status alone', async () => {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const copy = await artwork(0, 160).resize(220).png().toBuffer();
    const another = await artwork(701, 160).png().toBuffer();
    const again = await artwork(0, 160).resize(180).jpeg({ quality: 70 }).toBuffer();
    const page = (text: string) => Buffer.from(`<!doctype html><title>post</title>${text}`);
    const deleted = page('この投稿は削除されました');
    /** What answers at the picture's and at the page's address later on, and what that means. */
    const places: Record<string, { picture: Buffer | null; page: Buffer | null; found: object }> = {
      untouched: {
        picture: copy,
        page: page('<img src="/img/untouched.png">'),
        found: { result: 'up', detail: null, page: 'shows' },
      },
      encoded: {
        picture: again,
        page: page('<img src="/img/encoded.png">'),
        found: {
          result: 'up',
          page: 'shows',
          detail: expect.stringMatching(/^other bytes, the same picture/),
        },
      },
      dropped: {
        picture: copy,
        page: deleted,
        found: {
          result: 'changed',
          page: 'silent',
          detail: 'the picture still answers, but the page no longer shows it',
        },
      },
      'page-gone': {
        picture: copy,
        page: null,
        found: {
          result: 'changed',
          page: 'gone',
          detail: 'the picture still answers, but the page answers 404',
        },
      },
      replaced: {
        picture: another,
        page: page('<img src="/img/replaced.png">'),
        found: {
          result: 'changed',
          page: 'shows',
          detail: expect.stringMatching(/^another picture answers \(hash distance \d+ of 256\)$/),
        },
      },
      placeholder: {
        picture: another,
        page: deleted,
        found: {
          result: 'gone',
          page: 'silent',
          detail: expect.stringMatching(/^another picture answers .*, and the page no longer shows it$/),
        },
      },
      'soft-404': {
        picture: deleted,
        page: deleted,
        found: {
          result: 'gone',
          page: 'silent',
          detail: 'what answers is no picture, and the page no longer shows it',
        },
      },
      'no-picture': {
        picture: deleted,
        page: page('<img src="/img/no-picture.png">'),
        found: { result: 'changed', page: 'shows', detail: 'what answers is no picture' },
      },
      removed: {
        picture: null,
        page: deleted,
        found: { result: 'gone', page: 'silent', detail: 'HTTP 404' },
      },
      // Its page names the picture in a script of another file: that it does not name it says nothing.
      scripted: {
        picture: copy,
        page: page('<script src="/app.js"></script>'),
        found: { result: 'up', page: 'silent', detail: null },
      },
    };
    for (const name of Object.keys(places)) {
      pictures.set(`/img/${name}.png`, copy);
      pictures.set(
        `/post/${name}`,
        page(name === 'scripted' ? '<script src="/app.js"></script>' : `<a data-src="\\/img\\/${name}.png">`),
      );
      const seen = { acquiredBy: 'test', pageUrl: `${origin}/post/${name}`, account: null, postedAt: null };
      const imageUrl = `${origin}/img/${name}.png`;
      const id = await openSighting(app.db, { ...seen, acquisition: 'fetched', imageUrl }, new Date(now));
      await checkSighting(app.checks, id, true);
    }
    // A page is looked at once at the beginning: only what it showed can later be missing.
    const visit = () => revisitPlaces(visiting, 100, new AbortController().signal);
    queued.length = 0;
    expect(await visit()).toBe(Object.keys(places).length);
    expect(await visit()).toBe(0);
    for (const [name, { picture, page: text }] of Object.entries(places)) {
      for (const [path, bytes] of [
        [`/img/${name}.png`, picture],
        [`/post/${name}`, text],
      ] as const) {
        if (bytes === null) pictures.delete(path);
        else pictures.set(path, bytes);
      }
    }
    // Utsushi was updated since: nothing that was seen before has a print of the algorithm in force.
    await app.pool.query(
      `update fingerprints set algorithm_version = 'utsushi-2' where sha256 in (select sha256 from outputs)`,
    );
    now += DAY + 1;
    await visit();
    const found = new Map(
      (await listPlaces(app.db, { limit: 100 })).map(({ url, lastVisit }) => [
        /img\/(.+)\.png/.exec(url)?.[1],
        lastVisit,
      ]),
    );
    for (const [name, { found: wanted }] of Object.entries(places))
      expect({ name, ...found.get(name) }).toMatchObject({ name, ...wanted });
    const distance = (name: string) => found.get(name)!.hashDistance!;
    expect(distance('encoded')).toBeLessThanOrEqual(31);
    expect(distance('replaced')).toBeGreaterThan(60);
    // What answers there instead is an output of its own, and checked; once, however long it stays.
    expect(queued).toHaveLength(2);
    for (const id of queued) {
      await checkSighting(app.checks, id, true);
      expect(await findSighting(app.db, id)).toMatchObject({ state: 'done' });
    }
    now += DAY + 1;
    await visit();
    expect(queued).toHaveLength(2);
  });
});
