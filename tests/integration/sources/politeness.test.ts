/** What the owner of a site sees of Utsushi: measured at the server, with several workers that share a database. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseEndpoint } from '../../../src/platform/fetch/guard.ts';
import { parseLimits } from '../../../src/platform/fetch/limits.ts';
import { Network } from '../../../src/platform/fetch/network.ts';
import { Turns } from '../../../src/platform/fetch/turns.ts';
import { WebClient } from '../../../src/platform/fetch/web-client.ts';
import { openDatabase, openPool } from '../../../src/platform/storage/database.ts';
import { askTurn } from '../../../src/platform/storage/host-turns.ts';
import { acquireEmbeddedPostgres } from '../../../src/platform/storage/embedded/index.ts';
import { type Installation, install } from '../../support/installation.ts';
import { type Respond, type WebServer, serve } from '../../support/web-server.ts';

let installation: Installation;
let databaseUrl: string;
const closers: (() => Promise<unknown>)[] = [];
const servers: WebServer[] = [];

beforeAll(async () => {
  installation = await install('postgres');
  await installation.open();
  const embedded = await acquireEmbeddedPostgres({ dataDir: installation.dataDir });
  closers.push(() => embedded.close());
  databaseUrl = embedded.connectionString;
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
afterAll(async () => {
  for (const close of closers.toReversed()) await close();
  await installation.close();
});

async function site(respond: Respond): Promise<WebServer> {
  const server = await serve(respond);
  servers.push(server);
  return server;
}

/** A worker: it shares nothing with the others but the database. */
function worker(limits = '', timeoutMs = 2_000): WebClient {
  const pool = openPool({ connectionString: databaseUrl, max: 4, applicationName: 'politeness' });
  closers.push(() => pool.end());
  return new WebClient({
    network: new Network({ allowed: [parseEndpoint('127.0.0.1')] }),
    turns: new Turns(openDatabase(pool), parseLimits(limits)),
    timeoutMs,
    contact: 'https://rights.example/utsushi',
    firstPauseMs: 20,
  });
}
const BODY = { maxBytes: 10_000, patienceMs: 20_000 } as const;
const ok: Respond = (_, response) => void response.end('ok');

describe('limits of a host', () => {
  test('hold over all workers together: so many a second, so many at once', async () => {
    const server = await site(async (_, response) => {
      await sleep(150);
      response.end('ok');
    });
    const workers = [1, 2, 3].map(() => worker(`${server.host}=10/s:2`));
    const began = performance.now();
    await Promise.all(Array.from({ length: 16 }, (_, i) => workers[i % 3]!.get(`${server.base}/${i}`, BODY)));
    expect(server.seen).toHaveLength(16);
    expect(server.mostAtOnce()).toBeLessThanOrEqual(2);
    expect(server.mostWithin(1_000)).toBeLessThanOrEqual(10);
    // And they are used: a limiter that never lets anything through would hold them as well.
    expect(performance.now() - began).toBeLessThan(15_000);
  });

  test('one host that is slow holds up no other', async () => {
    const slow = await site(async (_, response) => {
      await sleep(800);
      response.end();
    });
    const fast = await site(ok);
    const one = worker(`${slow.host}=1/s:1,${fast.host}=100/s:4`);
    const waiting = Promise.all([1, 2].map((i) => one.get(`${slow.base}/${i}`, BODY)));
    await Promise.all([1, 2, 3, 4].map((i) => one.get(`${fast.base}/${i}`, BODY)));
    expect(slow.seen.length).toBeLessThanOrEqual(1);
    await waiting;
  });

  test('who cannot wait is told at once when to come back', async () => {
    const server = await site((_, response) => void response.writeHead(204).end());
    const one = worker(`${server.host}=1/m:1`);
    const asked = { ...BODY, robots: 'ignore' } as const;
    await one.get(server.base, asked);
    const refused = await one.get(server.base, asked).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: 'fetch_deferred', retryable: true });
    expect((refused as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(50_000);
    expect(server.seen).toHaveLength(1);
  });

  test('a request that was given up lets the next one through', async () => {
    const server = await site((request, response) => void (request.url === '/never' || response.end('ok')));
    const one = worker(`${server.host}=100/s:1`);
    const stop = new AbortController();
    const never = one.get(`${server.base}/never`, { ...BODY, signal: stop.signal });
    setTimeout(() => stop.abort(new Error('enough')), 200);
    const next = one.get(`${server.base}/next`, BODY);
    await expect(never).rejects.toThrow('enough');
    expect((await next).status).toBe(200);
  });
});

describe('a host that asks for a pause', () => {
  test.each([
    ['in seconds', () => '2'],
    ['by a date', () => new Date(Date.now() + 2_999).toUTCString()],
  ])('%s gets it, from all workers', async (_, header) => {
    let paused = 0;
    const server = await site((request, response) => {
      if (request.url === '/robots.txt') return void response.writeHead(404).end();
      if (paused !== 0) return void response.end('ok');
      paused = performance.now();
      response.writeHead(429, { 'retry-after': header() }).end();
    });
    const [one, two] = [worker(), worker()];
    const first = one.get(`${server.base}/a`, BODY);
    while (paused === 0) await sleep(5);
    await sleep(100);
    const second = two.get(`${server.base}/b`, BODY);
    expect((await first).status).toBe(200);
    expect((await second).status).toBe(200);
    for (const { at } of server.seen.slice(1)) expect(at - paused).toBeGreaterThanOrEqual(1_900);
  });

  test('that is longer than the caller can wait: it is told so at once', async () => {
    const server = await site((_, response) => void response.writeHead(503, { 'retry-after': '600' }).end());
    const one = worker();
    await expect(one.get(server.base, { ...BODY, robots: 'ignore' })).rejects.toMatchObject({
      code: 'fetch_failed',
    });
    await expect(one.get(server.base, { ...BODY, robots: 'ignore' })).rejects.toMatchObject({
      code: 'fetch_deferred',
    });
    expect(server.seen).toHaveLength(1);
  });

  test('503 and dropped connections without a word are tried again, and in the end reported', async () => {
    let asked = 0;
    const server = await site((request, response) => {
      if (request.url === '/robots.txt') return void response.writeHead(404).end();
      asked += 1;
      if (request.url === '/down') return void response.writeHead(503).end();
      if (asked === 1) return void response.destroy();
      if (asked === 2) return void response.writeHead(503).end();
      response.end('ok');
    });
    const one = worker();
    expect((await one.get(server.base, BODY)).status).toBe(200);
    await expect(one.get(`${server.base}/down`, BODY)).rejects.toMatchObject({ code: 'fetch_failed' });
    expect(server.seen).toHaveLength(3 + 4);
  });
});

describe('robots.txt', () => {
  const withRobots = (text: string | number, at: { count: number } = { count: 0 }) =>
    site((_, response, url) => {
      if (url.pathname !== '/robots.txt') return void response.end('ok');
      at.count += 1;
      if (typeof text === 'number') response.writeHead(text).end();
      else response.end(text);
    });

  test('is read once and obeyed, for our name before the star', async () => {
    const read = { count: 0 };
    const server = await withRobots(
      'User-agent: *\nDisallow: /\n\nUser-agent: Utsushi\nDisallow: /private/\nAllow: /private/shown\n',
      read,
    );
    const one = worker();
    expect((await one.get(`${server.base}/open`, BODY)).status).toBe(200);
    expect((await one.get(`${server.base}/private/shown`, BODY)).status).toBe(200);
    await expect(one.get(`${server.base}/private/x`, BODY)).rejects.toMatchObject({
      code: 'robots_disallowed',
    });
    expect(read.count).toBe(1);
    expect(server.seen.map(({ url }) => url)).toEqual(['/open', '/private/shown']);
    expect((await one.get(`${server.base}/private/x`, { ...BODY, robots: 'ignore' })).status).toBe(200);
  });

  test('counts on the host that a redirect leads to', async () => {
    const there = await withRobots('User-agent: *\nDisallow: /\n');
    const here = await site((_, response, url) => {
      if (url.pathname === '/robots.txt') response.writeHead(404).end();
      else response.writeHead(302, { location: `${there.base}/picture` }).end();
    });
    await expect(worker().get(here.base, BODY)).rejects.toMatchObject({ code: 'robots_disallowed' });
    expect(there.seen).toEqual([]);
  });

  test('that cannot be had because the server is in trouble forbids everything; one that is not there, nothing', async () => {
    await expect(worker().get((await withRobots(500)).base, { maxBytes: 99 })).rejects.toMatchObject({
      code: 'fetch_failed',
    });
    expect((await worker().get((await withRobots(404)).base, BODY)).status).toBe(200);
    expect((await worker().get((await withRobots(403)).base, BODY)).status).toBe(200);
  });

  test('sets the pace where it asks for a slower one', async () => {
    const server = await withRobots('User-agent: *\nCrawl-delay: 1\n');
    const one = worker();
    await one.get(`${server.base}/a`, BODY);
    await one.get(`${server.base}/b`, BODY);
    expect(server.seen[1]!.at - server.seen[0]!.at).toBeGreaterThanOrEqual(950);
  });
});

test('says who asks, and asks only for what is new', async () => {
  const server = await site((request, response) => {
    if (request.headers['if-none-match'] === '"v1"') response.writeHead(304, { etag: '"v1"' }).end();
    else
      response.writeHead(200, { etag: '"v1"', 'last-modified': 'Mon, 05 Oct 2026 00:00:00 GMT' }).end('ok');
  });
  const one = worker();
  const first = await one.get(server.base, BODY);
  expect(server.seen[0]!.headers['user-agent']).toBe(
    'Utsushi/0.1 (+https://rights.example/utsushi; rights-holder monitoring)',
  );
  const again = await one.get(server.base, { ...BODY, validators: { etag: first.headers['etag'] } });
  expect(again).toMatchObject({ notModified: true, status: 304 });
});

test('keeps what was said in confidence from the host that a redirect leads to', async () => {
  const there = await site(ok);
  const here = await site((_, response, url) => {
    if (url.pathname === '/robots.txt') response.writeHead(404).end();
    else response.writeHead(302, { location: there.base }).end();
  });
  await worker().get(here.base, { ...BODY, headers: { authorization: 'Bearer secret' } });
  expect(here.seen[0]!.headers.authorization).toBe('Bearer secret');
  expect(there.seen[0]!.headers.authorization).toBeUndefined();
});

test('a worker that died keeps its turn no longer than a request may last', async () => {
  const host = 'left-behind.example';
  const pool = openPool({ connectionString: databaseUrl, max: 2, applicationName: 'politeness' });
  closers.push(() => pool.end());
  const db = openDatabase(pool);
  const limit = { intervalMs: 0, atOnce: 1 };
  expect(await askTurn(db, host, limit, 300)).toHaveProperty('turn');
  expect(await askTurn(db, host, limit, 300)).toHaveProperty('waitMs');
  await sleep(350);
  expect(await askTurn(db, host, limit, 300)).toHaveProperty('turn');
});
