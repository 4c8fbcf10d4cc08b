import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchImage } from '../../../src/platform/fetch/fetch-image.ts';

let server: Server;
let base: string;
const OPEN = { timeoutMs: 1_000, maxBytes: 10_000, allowedHosts: ['127.0.0.1'] };
const GUARDED = { ...OPEN, allowedHosts: [] };

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
    // '/slow' answers nothing
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
    const fetched = await fetchImage(`${base}/redirect`, OPEN);
    expect(Buffer.from(fetched.bytes).toString()).toBe('bytes');
    expect(fetched).toMatchObject({
      finalUrl: `${base}/picture`,
      status: 200,
      headers: { 'content-type': 'image/png' },
    });
  });

  test('says who it is', async () => {
    expect(Buffer.from((await fetchImage(`${base}/agent`, OPEN)).bytes).toString()).toMatch(/^Utsushi\//);
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
    await expect(fetchImage(url, GUARDED)).rejects.toMatchObject({ code: 'fetch_forbidden' });
  });

  test('refuses a redirect to an address inside, also from an allowed host', async () => {
    await expect(fetchImage(`${base}/inward`, OPEN)).rejects.toMatchObject({ code: 'fetch_forbidden' });
  });

  test.each([
    [404, 'fetch_rejected'],
    [403, 'fetch_rejected'],
    [429, 'fetch_failed'],
    [500, 'fetch_failed'],
    [503, 'fetch_failed'],
  ])('answers %i with %s', async (status, code) => {
    await expect(fetchImage(`${base}/status/${status}`, OPEN)).rejects.toMatchObject({ code });
  });

  test('gives up on a server that is too slow, on redirects without end, and on one that is not there', async () => {
    await expect(fetchImage(`${base}/slow`, OPEN)).rejects.toMatchObject({
      code: 'fetch_failed',
      message: expect.stringContaining('1000 ms'),
    });
    await expect(fetchImage(`${base}/loop`, OPEN)).rejects.toMatchObject({ code: 'fetch_failed' });
    await expect(fetchImage('http://127.0.0.1:1/x', OPEN)).rejects.toMatchObject({ code: 'fetch_failed' });
  });

  test('stops reading at the byte limit', async () => {
    await expect(fetchImage(`${base}/large`, OPEN)).rejects.toMatchObject({ code: 'image_too_large' });
  });
});
