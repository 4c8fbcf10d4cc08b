/** Networks as they are: private hosts that an administrator opens, proxies, certificates of one's own. */
import { type Server as HttpServer, createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseEndpoint } from '../../../src/platform/fetch/guard.ts';
import { Network, type NetworkSettings } from '../../../src/platform/fetch/network.ts';
import { WebClient } from '../../../src/platform/fetch/web-client.ts';
import { NO_OPENSSL, makeCertificate } from '../../support/certificate.ts';
import { type WebServer, serve } from '../../support/web-server.ts';

const BODY = { maxBytes: 10_000, robots: 'ignore' } as const;
const client = (allowed: readonly string[], rest: Omit<NetworkSettings, 'allowed'> = {}) =>
  new WebClient({ timeoutMs: 3_000, network: new Network({ allowed: allowed.map(parseEndpoint), ...rest }) });

let server: WebServer;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  server = await serve((_, response) => void response.end('inside'));
});
afterEach(async () => {
  await server.close();
  for (const close of closers.splice(0)) await close();
});

describe('an administrator opens private hosts', () => {
  const port = () => new URL(server.base).port;
  test.each([
    ['an address', () => '127.0.0.1'],
    ['an endpoint', () => `127.0.0.1:${port()}`],
    ['a network', () => '127.0.0.0/8'],
    ['a network at a port', () => `127.0.0.0/8:${port()}`],
  ])('by %s', async (_, allowed) => {
    expect((await client([allowed()]).get(server.base, BODY)).status).toBe(200);
  });

  test('by name', async () => {
    const url = server.base.replace('127.0.0.1', 'localhost');
    expect((await client([`localhost:${port()}`]).get(url, BODY)).status).toBe(200);
    await expect(client([`localhost:${port()}`]).get(server.base, BODY)).rejects.toMatchObject({
      code: 'fetch_forbidden',
    });
  });

  test('and nothing beside: neither other ports nor other hosts', async () => {
    await expect(client(['127.0.0.1:1']).get(server.base, BODY)).rejects.toMatchObject({
      code: 'fetch_forbidden',
    });
    await expect(client(['10.0.0.0/8', 'intranet.example']).get(server.base, BODY)).rejects.toMatchObject({
      code: 'fetch_forbidden',
    });
    expect(server.seen).toEqual([]);
  });

  test.each(['', 'a b', 'host:99999', '10.0.0.0/99'])('%j is refused as an entry', (entry) => {
    expect(() => parseEndpoint(entry)).toThrow(/is no host/);
  });
});

/** A proxy as companies have them, which notes what it was asked for. */
async function proxy(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server: HttpServer = createHttpServer((request, response) => {
    asked.push(request.url!);
    response.end('through the proxy');
  });
  server.on('connect', (request, socket, head) => {
    asked.push(request.url!);
    const { hostname, port } = new URL(`http://${request.url}`);
    const onward = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

describe('behind a proxy', () => {
  test('requests go through it, but those to the hosts of NO_PROXY', async () => {
    const { url, asked } = await proxy();
    const through = await client(['127.0.0.1'], { proxies: { http: url } }).get(`${server.base}/x`, BODY);
    expect(Buffer.from(through.bytes).toString()).toBe('through the proxy');
    expect(asked).toEqual([`${server.base}/x`]);
    const direct = await client(['127.0.0.1'], { proxies: { http: url }, noProxy: ['127.0.0.1'] }).get(
      `${server.base}/x`,
      BODY,
    );
    expect(Buffer.from(direct.bytes).toString()).toBe('inside');
  });

  test.each([
    'http://127.0.0.1/',
    'http://localhost/',
    'https://169.254.169.254/',
    'http://[::1]/',
    'https://10.1.2.3/',
  ])('the proxy is never asked for %s', async (target) => {
    const { url, asked } = await proxy();
    await expect(client([], { proxies: { http: url, https: url } }).get(target, BODY)).rejects.toMatchObject({
      code: 'fetch_forbidden',
    });
    expect(asked).toEqual([]);
  });

  test.each([
    ['example.com', 'https://example.com/', true],
    ['example.com', 'https://images.example.com/', true],
    ['.example.com', 'https://images.example.com/', true],
    ['*.example.com', 'https://images.example.com/', true],
    ['example.com', 'https://notexample.com/', false],
    ['example.com:8443', 'https://example.com/', false],
    ['example.com:8443', 'https://example.com:8443/', true],
    ['*', 'https://anything.example/', true],
  ])('NO_PROXY=%s and %s', (entry, url, direct) => {
    const network = new Network({ allowed: [], proxies: { https: 'http://proxy:1' }, noProxy: [entry] });
    expect(network.proxyFor(new URL(url)) === undefined).toBe(direct);
  });
});

test('a certificate of one’s own authority is trusted, directly and through a proxy, and no other', async (context) => {
  const certificate = await makeCertificate();
  if (certificate === undefined) return context.skip(NO_OPENSSL);
  const secure = createHttpsServer(certificate, (_, response) => void response.end('secure'));
  await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
  closers.push(async () => void secure.close());
  const url = `https://localhost:${(secure.address() as AddressInfo).port}/`;
  const trustedPem = [certificate.cert];
  const { url: proxyUrl, asked } = await proxy();

  expect((await client(['localhost'], { trustedPem }).get(url, BODY)).status).toBe(200);
  expect(
    (await client(['localhost'], { trustedPem, proxies: { https: proxyUrl } }).get(url, BODY)).status,
  ).toBe(200);
  expect(asked).toEqual([new URL(url).host]);
  await expect(client(['localhost']).get(url, BODY)).rejects.toMatchObject({ code: 'fetch_failed' });
});
