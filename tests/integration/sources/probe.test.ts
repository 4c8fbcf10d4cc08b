import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseEndpoint } from '../../../src/platform/fetch/guard.ts';
import { Network } from '../../../src/platform/fetch/network.ts';
import { probeUrl } from '../../../src/platform/fetch/probe.ts';
import { WebClient } from '../../../src/platform/fetch/web-client.ts';
import { type WebServer, serve } from '../../support/web-server.ts';

const sha256 = createHash('sha256').update('the picture').digest('hex');
const web = new WebClient({
  timeoutMs: 500,
  network: new Network({ allowed: [parseEndpoint('127.0.0.1')] }),
});
let server: WebServer;
beforeAll(async () => {
  server = await serve((_, response, url) => {
    const status = /^\/status\/(\d+)$/.exec(url.pathname)?.[1];
    if (status !== undefined)
      response.writeHead(Number(status), { 'retry-after': '1', server: 'test' }).end();
    else if (url.pathname === '/same')
      response.writeHead(200, { etag: '"1"', 'set-cookie': 'a=b' }).end('the picture');
    else if (url.pathname === '/other') response.end('something else');
    else if (url.pathname === '/front') response.writeHead(302, { location: '/' }).end();
    else if (url.pathname === '/large') response.end(Buffer.alloc(2_000));
    else if (url.pathname !== '/slow') response.end('the front page');
  });
});
afterAll(() => server.close());

test.each([
  ['/same', sha256, 'up', 200],
  ['/same', null, 'up', 200],
  ['/other', sha256, 'changed', 200],
  ['/other', null, 'up', 200],
  ['/front', null, 'changed', 200],
  ['/front', sha256, 'changed', 200],
  ['/large', null, 'up', 200],
  ['/large', sha256, 'unreachable', null],
  ['/status/404', sha256, 'gone', 404],
  ['/status/410', null, 'gone', 410],
  ['/status/451', null, 'gone', 451],
  ['/status/403', null, 'unreachable', 403],
  ['/status/500', null, 'unreachable', 500],
  ['/status/429', null, 'unreachable', null],
  ['/slow', null, 'unreachable', null],
])('%s, known as %s: %s', async (path, known, state, status) => {
  const probe = await probeUrl(web, server.base + path, { sha256: known, maxBytes: 1_000, robots: 'ignore' });
  expect(probe).toMatchObject({ state, status });
  if (state === 'unreachable') expect(probe.reason).not.toBeNull();
});

test('keeps the headers that are evidence, and no others', async () => {
  const { headers, sha256: found } = await probeUrl(web, `${server.base}/same`, {
    sha256,
    maxBytes: 1_000,
    robots: 'ignore',
  });
  expect(headers).toMatchObject({ etag: '"1"', date: expect.any(String) });
  expect(headers).not.toHaveProperty('set-cookie');
  expect(found).toBe(sha256);
});

test('never fails, wherever the URL points', async () => {
  const probe = await probeUrl(web, 'http://169.254.169.254/', {
    sha256: null,
    maxBytes: 1_000,
    robots: 'ignore',
  });
  expect(probe).toMatchObject({ state: 'unreachable', reason: expect.stringContaining('fetch_forbidden') });
});
