import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchImage } from '../../../src/platform/fetch/fetch-image.ts';
import { parseEndpoint } from '../../../src/platform/fetch/guard.ts';
import { Network } from '../../../src/platform/fetch/network.ts';
import { WebClient } from '../../../src/platform/fetch/web-client.ts';

let server: Server;
let base: string;
const client = (...allowed: string[]) =>
  new WebClient({ timeoutMs: 1_000, network: new Network({ allowed: allowed.map(parseEndpoint) }) });
const OPEN = client('127.0.0.1');
const GUARDED = client();
const get = (web: WebClient, url: string) => fetchImage(web, url, { maxBytes: 10_000 });

beforeAll(async () => {
  server = createServer((request, response) => {
    const status = /^\/status\/(\d+)$/.exec(request.url!)?.[1];
    if (status !== undefined) response.writeHead(Number(status)).end();
    else if (request.url === '/picture')
      response.writeHead(200, { 'content-type': 'image/png' }).end('bytes');
    else if (request.url === '/redirect') response.writeHead(302, { location: '/picture' }).end();
    else if (request.url === '/inward')
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end();
    else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
    else if (request.url === '/large') response.end(Buffer.alloc(20_000));
    else if (request.url === '/agent') response.end(request.headers['user-agent']);
    else if (request.url !== '/slow') response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('fetchImage', () => {
  test('returns the bytes, where they came from, and the headers', async () => {
    const fetched = await get(OPEN, `${base}/redirect`);
    expect(Buffer.from(fetched.bytes).toString()).toBe('bytes');
    expect(fetched).toMatchObject({
      finalUrl: `${base}/picture`,
      status: 200,
      headers: { 'content-type': 'image/png' },
    });
  });

  test('says who it is', async () => {
    expect(Buffer.from((await get(OPEN, `${base}/agent`)).bytes).toString()).toMatch(/^Utsushi\//);
  });

  test.each([
    'http://127.0.0.1:9/x',
    'http://localhost:9/x',
    'http://2130706433:9/x',
    'http://0x7f000001:9/x',
    'http://0177.0.0.1:9/x',
    'http://[::1]:9/x',
    'http://[::ffff:127.0.0.1]:9/x',
    'http://0.0.0.0:9/x',
    'http://10.0.0.1/x',
    'http://192.168.1.1/x',
    'http://169.254.169.254/latest/meta-data',
    'http://[64:ff9b::7f00:1]/x',
    'file:///etc/passwd',
    'ftp://example.com/x',
    'not a url',
  ])('refuses %s', async (url) => {
    await expect(get(GUARDED, url)).rejects.toMatchObject({ code: 'fetch_forbidden' });
  });

  test('refuses a redirect to an address inside, also from an allowed host', async () => {
    await expect(get(OPEN, `${base}/inward`)).rejects.toMatchObject({ code: 'fetch_forbidden' });
  });

  test.each([
    [404, 'fetch_rejected'],
    [403, 'fetch_rejected'],
    [429, 'fetch_failed'],
    [500, 'fetch_failed'],
    [503, 'fetch_failed'],
  ])('answers %i with %s', async (status, code) => {
    await expect(get(OPEN, `${base}/status/${status}`)).rejects.toMatchObject({ code });
  });

  test('gives up on a server that is too slow, on redirects without end, and on one that is not there', async () => {
    await expect(get(OPEN, `${base}/slow`)).rejects.toMatchObject({
      code: 'fetch_failed',
      message: expect.stringContaining('1000 ms'),
    });
    await expect(get(OPEN, `${base}/loop`)).rejects.toMatchObject({ code: 'fetch_failed' });
    await expect(get(OPEN, 'http://127.0.0.1:1/x')).rejects.toMatchObject({ code: 'fetch_failed' });
  });

  test('stops reading at the byte limit', async () => {
    await expect(get(OPEN, `${base}/large`)).rejects.toMatchObject({ code: 'image_too_large' });
  });
});
