/** Pages into evidence: by a real browser that cannot leave through any other door than the guard's, and by people. */
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { buildServer } from '../../../src/entry/http/server.ts';
import { importCatalogue, listImport } from '../../../src/features/catalogue/index.ts';
import { checkSighting, openSighting } from '../../../src/features/checks/index.ts';
import { type Capture, listCaptures } from '../../../src/features/sources/index.ts';
import { capturePage } from '../../../src/platform/capture/capture-page.ts';
import { parseEndpoint } from '../../../src/platform/fetch/guard.ts';
import { parseLimits } from '../../../src/platform/fetch/limits.ts';
import { Network } from '../../../src/platform/fetch/network.ts';
import { Turns } from '../../../src/platform/fetch/turns.ts';
import { NO_BROWSER, findBrowser } from '../../support/browser.ts';
import { type Installation, eventually, install } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';
import { type Certificate, makeCertificate } from '../../support/certificate.ts';
import { type Respond, type WebServer, serve } from '../../support/web-server.ts';

const CHROMIUM = findBrowser();
const TOKEN = 'a-token-only-for-this-test';
const AT = new Date('2026-11-23T15:30:00Z');
let installation: Installation;
let app: App;
let api: FastifyInstance;
/** Open to Utsushi, and a place inside that is not. */
let site: WebServer;
let inside: WebServer;

beforeAll(async () => {
  inside = await serve((_, response) => void response.end('secret'));
  site = await serve(async (_, response, url) => {
    if (url.pathname === '/picture.png') return void response.end(await artwork(0).png().toBuffer());
    if (url.pathname === '/late.png') return void response.end(await artwork(1).png().toBuffer());
    if (url.pathname === '/never') return;
    if (url.pathname !== '/post/1') return void response.writeHead(404).end();
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><title>猫の絵 – 投稿</title><body style="margin:0;font-family:sans-serif">
      <h1>猫の絵を描きました</h1><img src="/picture.png"><div style="height:3000px;background:linear-gradient(#fff,#fc8)"></div>
      <img id="late" loading="lazy" src="/late.png" width="320" height="320"><p id="said"></p>
      <iframe src="http://${inside.host}/frame"></iframe><img src="http://${inside.host}/image">
      <script>
        fetch('http://${inside.host}/fetch', { mode: 'no-cors' }).catch(() => {});
        new WebSocket('ws://${inside.host}/socket').onerror = () => {};
        document.getElementById('said').textContent = '末尾 ' + new Intl.DateTimeFormat().resolvedOptions().timeZone;
      </script>`);
  });
  installation = await install('postgres', {
    UTSUSHI_FETCH_ALLOWED_HOSTS: site.host,
    ...(CHROMIUM === undefined ? {} : { UTSUSHI_BROWSER: CHROMIUM }),
  });
  app = await installation.open();
  const works = join(installation.dataDir, 'works');
  await mkdir(works);
  await artwork(0).png().toFile(join(works, '猫の絵.png'));
  await importCatalogue(app.checks, await listImport(works, undefined), { tier: 'high', actor: 'test' });
  api = await buildServer({ app, apiToken: TOKEN });
  await app.startWorkers();
});
afterAll(async () => {
  await api?.close();
  await installation?.close();
  await site?.close();
  await inside?.close();
});

async function politeSite(respond: Respond, certificate?: Certificate) {
  const server = await serve(respond, certificate);
  return { ...server, [Symbol.asyncDispose]: () => server.close() };
}

/** Names of works that moved the alerts of a sighting's output up. */
async function namesFor(sightingId: string) {
  const alerts = await app.db
    .selectFrom('alerts')
    .innerJoin('sightings', 'sightings.output_id', 'alerts.output_id')
    .select('alerts.reliance')
    .where('sightings.id', '=', sightingId)
    .execute();
  return alerts.flatMap(({ reliance }) => reliance.map(({ term, where }) => ({ term, where })));
}
const get = (url: string) => api.inject({ url, headers: { authorization: `Bearer ${TOKEN}` } });

describe.skipIf(CHROMIUM === undefined)(
  `by a browser${CHROMIUM === undefined ? `: ${NO_BROWSER}` : ''}`,
  () => {
    test('a page becomes a picture of all of it, its HTML, an archive and a PDF, each with its digest', async () => {
      const capture = await capturePage(`${site.base}/post/1`, { ...app.capture, clock: () => AT });
      expect(capture).toMatchObject({
        title: '猫の絵 – 投稿',
        status: 200,
        finalUrl: `${site.base}/post/1`,
        at: AT,
      });
      const { png, html, mhtml, pdf } = capture.files;
      for (const { bytes, sha256 } of [png, html, mhtml, pdf])
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
      const { width, height } = await sharp(png.bytes).metadata();
      expect(width).toBe(1_280);
      expect(height).toBeGreaterThan(3_600);
      // What scripts wrote, in Japan's time zone, and what loads only when it comes into view.
      expect(html.bytes.toString()).toContain('末尾 Asia/Tokyo');
      expect(site.seen.map(({ url }) => url)).toContain('/late.png');
      expect(mhtml.bytes.toString()).toContain('Content-Location');
      expect(pdf.bytes.subarray(0, 5).toString()).toBe('%PDF-');
    });

    test('nothing on the page reaches an address inside', async () => {
      await capturePage(`${site.base}/post/1`, app.capture);
      expect(inside.seen).toEqual([]);
      // It does try: an administrator who opens that place sees the requests come.
      const allowed = [site.host, inside.host].map(parseEndpoint);
      await capturePage(`${site.base}/post/1`, { ...app.capture, network: new Network({ allowed }) });
      expect(new Set(inside.seen.map(({ url }) => url))).toEqual(
        new Set(['/frame', '/image', '/fetch', '/socket']),
      );
      await expect(capturePage(inside.base, app.capture)).rejects.toMatchObject({ code: 'fetch_forbidden' });
      await expect(capturePage('file:///etc/passwd', app.capture)).rejects.toMatchObject({
        code: 'fetch_forbidden',
      });
    });

    test.each(['http', 'https'])('every request of a page over %s takes its turn', async (scheme) => {
      const certificate = scheme === 'https' ? await makeCertificate() : undefined;
      if (scheme === 'https' && certificate === undefined) return;
      const parts = ['/style.css', '/moved', '/frame', '/worker.js', '/from-worker', '/asked', '/socket'];
      const pictures = Array.from({ length: 5 }, (_, nth) => `/${nth}.png`);
      const picture = await artwork(0, 64).png().toBuffer();
      await using busy = await politeSite(async (_, response, url) => {
        // Long enough for a browser of its own will to have several under way.
        await sleep(40);
        const { pathname } = url;
        if (pathname === '/moved') return void response.writeHead(302, { location: '/final.png' }).end();
        if (pathname.endsWith('.png')) return void response.end(picture);
        if (pathname === '/style.css') response.setHeader('content-type', 'text/css');
        if (pathname === '/worker.js') {
          response.setHeader('content-type', 'text/javascript');
          return void response.end("fetch('/from-worker')");
        }
        if (pathname !== '/') return void response.end();
        response.setHeader('content-type', 'text/html');
        response.end(`<title>busy</title><link rel="stylesheet" href="/style.css"><img src="/moved">
          ${pictures.map((src) => `<img src="${src}" width="64">`).join('')}<iframe src="/frame"></iframe>
          <script>new Worker('/worker.js'); new WebSocket(location.href.replace('http', 'ws') + 'socket');
          fetch('/asked');</script>`);
      }, certificate);
      const turns = new Turns(app.db, parseLimits(`${busy.host}=5/s:2`));
      const network = new Network({
        allowed: [parseEndpoint(busy.host)],
        trustedPem: certificate === undefined ? [] : [certificate.cert],
      });
      const capture = await capturePage(`${busy.base}/`, { ...app.capture, network, turns });
      expect(capture).toMatchObject({ title: 'busy', status: 200, omitted: 0 });
      // Nothing on the page asks for an icon: that is Chromium's own idea, and counts all the same.
      const asked = busy.seen.map(({ url }) => url).filter((url) => url !== '/favicon.ico');
      expect(asked.toSorted()).toEqual(['/', '/final.png', ...parts, ...pictures].toSorted());
      expect(busy.mostAtOnce()).toBeLessThanOrEqual(2);
      expect(busy.mostWithin(1_000)).toBeLessThanOrEqual(5);
    });

    test('a page with more parts than there is time for is captured as far as it came, and says so', async () => {
      const picture = await artwork(0, 64).png().toBuffer();
      await using busy = await politeSite((_, response, url) => {
        if (url.pathname !== '/') return void response.end(picture);
        response.setHeader('content-type', 'text/html');
        response.end(Array.from({ length: 40 }, (__, nth) => `<img src="/${nth}.png">`).join(''));
      });
      const turns = new Turns(app.db, parseLimits(`${busy.host}=2/s:1`));
      const network = new Network({ allowed: [parseEndpoint(busy.host)] });
      const capture = await capturePage(`${busy.base}/`, {
        ...app.capture,
        network,
        turns,
        timeoutMs: 12_000,
      });
      expect(capture.omitted).toBeGreaterThan(10);
      expect(capture.omitted + busy.seen.length).toBeGreaterThanOrEqual(41);
      expect(busy.mostWithin(1_000)).toBeLessThanOrEqual(2);
      // The host asks to be left alone: the next one is put off until then, and nothing is asked.
      await turns.close(busy.host, 60_000);
      const asked = busy.seen.length;
      await expect(
        capturePage(`${busy.base}/`, { ...app.capture, network, turns, timeoutMs: 12_000 }),
      ).rejects.toMatchObject({ code: 'fetch_deferred', retryAfterMs: expect.any(Number) });
      expect(busy.seen).toHaveLength(asked);
    });

    test('a page that does not answer is given up when the time is over', async () => {
      // Its turn is not what it waits for.
      const turns = new Turns(app.db, parseLimits(`${new URL(site.base).host}=50/s:10`));
      const late = capturePage(`${site.base}/never`, { ...app.capture, turns, timeoutMs: 3_000 });
      await expect(late).rejects.toMatchObject({ code: 'capture_failed', retryable: true });
    });

    test('a candidate that a check found has its page captured, on record', async () => {
      const id = await openSighting(
        app.db,
        {
          acquisition: 'fetched',
          acquiredBy: 'test',
          imageUrl: `${site.base}/picture.png`,
          pageUrl: `${site.base}/post/1`,
          account: null,
          postedAt: null,
        },
        new Date(),
      );
      await (await app.queue()).add('check-sighting', { sightingId: id }, { jobId: id });
      const [capture] = await eventually('the capture', async () => {
        const found = await listCaptures(app.db, id);
        return found.length > 0 && found;
      });
      expect(capture).toMatchObject({
        acquisition: 'fetched',
        statement: null,
        url: `${site.base}/post/1`,
        status: 200,
      });
      const file = await get(`/api/captures/${capture!.id}/html`);
      expect(createHash('sha256').update(file.rawPayload).digest('hex')).toBe(capture!.files.html);
      expect(file.headers).toMatchObject({
        'content-security-policy': 'sandbox',
        'x-content-type-options': 'nosniff',
      });
      const audited = await app.db
        .selectFrom('audit_records')
        .select('payload')
        .where('subject', '=', capture!.id)
        .executeTakeFirstOrThrow();
      expect(audited.payload).toContain(capture!.files.pdf!);
      const names = await eventually('the name on the page', async () => {
        const found = await namesFor(id);
        return found.length > 0 && found;
      });
      expect(names).toEqual([{ term: '猫の絵', where: 'page title' }]);
    });

    test('a candidate whose capture was lost with the queue gets it from the sweep, one that cannot be had not for ever', async () => {
      const found = async (pageUrl: string, hoursAgo: number) => {
        const at = new Date(Date.now() - hoursAgo * 3_600_000);
        const id = await openSighting(
          app.db,
          {
            acquisition: 'fetched',
            acquiredBy: 'test',
            imageUrl: `${site.base}/picture.png`,
            pageUrl,
            account: null,
            postedAt: null,
          },
          at,
        );
        // As a worker that died between the check and the job of the capture.
        await checkSighting({ ...app.checks, clock: () => at }, id, true);
        return id;
      };
      const lost = await found(`${site.base}/post/1?lost`, 1);
      const old = await found(`${site.base}/post/1?old`, 25);
      const forbidden = await found(`${inside.base}/`, 1);
      const queue = await app.queue();
      const job = async (id: string) => (await queue.counts()).captures[id];
      const failed = (await job('failed')) ?? 0;
      await queue.add('sweep', {});
      const [capture] = await eventually('the capture', async () => {
        const captures = await listCaptures(app.db, lost);
        return captures.length > 0 && captures;
      });
      expect(capture!.url).toBe(`${site.base}/post/1?lost`);
      await eventually('the failure', async () => (await job('failed')) === failed + 1);
      await sweepOnce();
      expect(await queue.counts()).toMatchObject({ captures: { failed: failed + 1 } });
      expect(await listCaptures(app.db, old)).toEqual([]);
      expect(await listCaptures(app.db, forbidden)).toEqual([]);
      expect(await listCaptures(app.db, lost)).toHaveLength(1);

      async function sweepOnce() {
        await queue.add('sweep', {}, { jobId: 'once-more' });
        await eventually('the sweep', async () => {
          const { upkeep, captures } = await queue.counts();
          return [upkeep, captures].every((each) => !each['wait'] && !each['active'] && !each['prioritized']);
        });
      }
    });
  },
);

test('without a browser it is said so, with a code', async () => {
  const settings = { ...app.capture, browser: undefined };
  await expect(capturePage(`${site.base}/post/1`, settings)).rejects.toMatchObject({
    code: 'browser_missing',
  });
  await expect(
    capturePage(`${site.base}/post/1`, { ...settings, browser: '/nowhere' }),
  ).rejects.toMatchObject({
    code: 'browser_missing',
  });
});

describe('by a person', () => {
  let address: Promise<string> | undefined;
  const listening = () => (address ??= api.listen({ host: '127.0.0.1', port: 0 }));

  async function submit(parts: Record<string, string | Buffer>) {
    const form = new FormData();
    for (const [name, value] of Object.entries(parts)) {
      if (typeof value === 'string') form.append(name, value);
      else form.append(name, new Blob([new Uint8Array(value)]), `${name}.bin`);
    }
    const encoded = new Response(form);
    return api.inject({
      method: 'POST',
      url: '/api/sightings',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': encoded.headers.get('content-type')! },
      payload: Buffer.from(await encoded.arrayBuffer()),
    });
  }

  test('is checked and kept, and says everywhere that it is their statement', async () => {
    const answer = await submit({
      pageUrl: 'https://members.example/post/9',
      imageUrl: 'https://members.example/9.png',
      account: '誰か',
      title: 'みんなの猫の絵を見る',
      territory: 'jp',
      capturedAt: '2026-11-20T10:00:00+09:00',
      image: await artwork(0).resize(300).jpeg().toBuffer(),
      png: await artwork(2).png().toBuffer(),
      mhtml: Buffer.from('MIME-Version: 1.0'),
    });
    expect(answer.statusCode).toBe(202);
    const { id, statement } = answer.json<{ id: string; statement: string }>();
    expect(statement).toBe('取得経路は提出者の申告');
    const check = await eventually('the check', async () => {
      const found = (await get(`/api/checks/${id}`)).json<{ state: string; check: { verdict: string } }>();
      return found.state !== 'pending' && found;
    });
    expect(check).toMatchObject({ state: 'done', check: { verdict: 'candidate' } });
    const { captures } = (await get(`/api/sightings/${id}/captures`)).json<{ captures: Capture[] }>();
    expect(captures).toMatchObject([
      {
        acquisition: 'captured-by-person',
        statement: { ja: '取得経路は提出者の申告' },
        capturedBy: 'api',
        capturedAt: '2026-11-20T01:00:00.000Z',
        url: 'https://members.example/post/9',
      },
    ]);
    expect(Object.keys(captures[0]!.files).toSorted()).toEqual(['mhtml', 'png']);
    const sighting = await app.db
      .selectFrom('sightings')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    expect(sighting).toMatchObject({
      acquisition: 'captured-by-person',
      acquired_by: 'api',
      account: '誰か',
      territory: 'JP',
    });
    const audited = await app.db
      .selectFrom('audit_records')
      .select('payload')
      .where('subject', '=', captures[0]!.id)
      .executeTakeFirstOrThrow();
    expect(audited.payload).toContain('取得経路は提出者の申告');
    expect(await namesFor(id)).toEqual([{ term: '猫の絵', where: 'page title' }]);
  });

  test.each([
    [
      'its caption',
      'near the picture',
      15,
      '<p>お気に入り</p><figure><img src="/11.png"><figcaption>猫の絵の模写</figcaption></figure>',
    ],
    [
      'the rest of its page',
      'away from the picture',
      5,
      '<nav>人気: 猫の絵</nav><figure><img src="/11.png"><figcaption>模写</figcaption></figure>',
    ],
  ])(
    'a work that %s names moves its alert up, and it is said where the name stood',
    async (what, where, points, body) => {
      const page = `https://members.example/${encodeURIComponent(what)}`;
      const answer = await submit({
        pageUrl: page,
        imageUrl: 'https://members.example/11.png',
        image: await artwork(0)
          .resize(290 + points)
          .png()
          .toBuffer(),
        // As a browser hands it out: UTF-8, whatever the page said.
        html: Buffer.from(
          `<html><head><meta charset="shift_jis"></head><body>${body}<p>${'つづき'.repeat(500)}</p></body></html>`,
        ),
      });
      const { id } = answer.json<{ id: string }>();
      const { check } = await eventually('the check', async () => {
        const found = (await get(`/api/checks/${id}`)).json<{
          state: string;
          check: { alertIds: string[] };
        }>();
        return found.state !== 'pending' && found;
      });
      expect(await namesFor(id)).toEqual([{ term: '猫の絵', where: `page text ${where}` }]);
      const { priorityParts } = (await get(`/api/alerts/${check.alertIds[0]}`)).json<{
        priorityParts: object[];
      }>();
      expect(priorityParts).toContainEqual({ what: 'reliance', points });
    },
  );

  test('a work that the page names next to a picture that resembles nothing is watched; one that it names elsewhere is not', async () => {
    const watched = async (html: string, seed: number) => {
      const answer = await submit({
        pageUrl: `https://members.example/watch/${seed}`,
        imageUrl: 'https://members.example/12.png',
        image: await artwork(seed).png().toBuffer(),
        html: Buffer.from(html),
      });
      const { id } = answer.json<{ id: string }>();
      await eventually('the check', async () => {
        const { state } = (await get(`/api/checks/${id}`)).json<{ state: string }>();
        return state !== 'pending';
      });
      const { rows } = await app.pool.query<{ terms: object[] }>(
        'select w.terms from watch_entries w join sightings s on s.output_id = w.output_id where s.id = $1',
        [id],
      );
      return rows.flatMap(({ terms }) => terms);
    };
    const filler = `<p>${'つづき'.repeat(500)}</p>`;
    expect(await watched(`<p>猫の絵 ファンアート <img src="/12.png"></p>${filler}`, 71)).toMatchObject([
      { term: '猫の絵', where: 'page text near the picture' },
    ]);
    expect(await watched(`<p><img src="/12.png"></p>${filler}<p>猫の絵</p>`, 72)).toEqual([]);
  });

  test('by the browser extension is handed in, and a refusal comes back in words', async () => {
    const { submit: handIn } = (await import(pathToFileURL('extension/submit.js').href)) as {
      submit(capture: Record<string, string | Blob | undefined>, to: object): Promise<{ id: string }>;
    };
    const server = await listening();
    const seen = {
      pageUrl: 'https://members.example/post/10',
      imageUrl: undefined,
      png: new Blob([new Uint8Array(await artwork(3).png().toBuffer())]),
      html: new Blob(['<!doctype html>']),
    };
    const { id } = await handIn(seen, { server, token: TOKEN });
    const [capture] = await listCaptures(app.db, id);
    expect(Object.keys(capture!.files).toSorted()).toEqual(['html', 'png']);
    await expect(handIn(seen, { server, token: 'wrong' })).rejects.toThrow(/^unauthorized: /);
  });

  test.skipIf(CHROMIUM === undefined)('by the extension in a real browser: the whole page', async () => {
    const server = await listening();
    const folder = join(installation.dataDir, 'extension');
    await cp('extension', folder, { recursive: true });
    // A person's right-click gives the extension the tab it was made in; here nobody clicks.
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as object;
    const opened = { ...manifest, host_permissions: ['http://127.0.0.1/*'] };
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(opened));
    const browser = await chromium.launchPersistentContext(join(installation.dataDir, 'profile'), {
      executablePath: CHROMIUM!,
      channel: 'chromium',
      viewport: { width: 900, height: 700 },
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        `--disable-extensions-except=${folder}`,
        `--load-extension=${folder}`,
      ],
      ignoreDefaultArgs: ['--disable-extensions'],
    });
    try {
      const page = await browser.newPage();
      await page.goto(`${site.base}/post/1`);
      const [worker = await browser.waitForEvent('serviceworker')] = browser.serviceWorkers();
      const extension = await browser.newPage();
      await extension.goto(new URL('options.html', worker!.url()).href);
      await page.bringToFront();
      const seenBy = {
        url: `${site.base}/post/1`,
        src: `${site.base}/picture.png`,
        to: { server, token: TOKEN },
      };
      // As text: the test runner would rewrite an import.
      const id = await extension.evaluate<string>(`(async ({ url, src, to }) => {
        const { capture } = await import('/capture.js');
        const { submit } = await import('/submit.js');
        const [tab] = await chrome.tabs.query({ url });
        return (await submit(await capture(tab, src), to)).id;
      })(${JSON.stringify(seenBy)})`);
      const [seen] = await listCaptures(app.db, id);
      expect(seen).toMatchObject({
        acquisition: 'captured-by-person',
        url: `${site.base}/post/1`,
        title: '猫の絵 – 投稿',
        software: expect.not.stringContaining('visible part'),
      });
      const file = async (name: string) => (await get(`/api/captures/${seen!.id}/${name}`)).rawPayload;
      const { width, height } = await sharp(await file('png')).metadata();
      expect(width).toBeGreaterThanOrEqual(800);
      expect(height).toBeGreaterThan(3_600);
      expect((await file('html')).toString()).toContain('末尾 ');
      expect((await file('mhtml')).toString()).toContain('Content-Location');
      expect((await file('pdf')).subarray(0, 5).toString()).toBe('%PDF-');
      // The picture itself came along, and was checked.
      await eventually('the check', async () => {
        const found = (await get(`/api/checks/${id}`)).json<{ state: string; check: { verdict: string } }>();
        return found.state === 'done' && found.check.verdict === 'candidate';
      });
    } finally {
      await browser.close();
    }
  });

  test.each([
    ['no picture', { pageUrl: 'https://members.example/' }, 'invalid_request'],
    ['no page', { image: Buffer.from('x') }, 'invalid_request'],
    [
      'a file of another name',
      { pageUrl: 'https://members.example/', exe: Buffer.from('x') },
      'invalid_request',
    ],
    [
      'no country',
      { pageUrl: 'https://members.example/', territory: 'Japan', image: Buffer.from('x') },
      'invalid_request',
    ],
    ['an empty file', { pageUrl: 'https://members.example/', image: Buffer.alloc(0) }, 'empty_file'],
    ['a page that is no URL', { pageUrl: 'javascript:alert(1)', image: Buffer.from('x') }, 'invalid_request'],
  ])('with %s is refused with a code', async (_, parts, code) => {
    const answer = await submit(parts as Record<string, string | Buffer>);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ error: { code } });
  });
});
