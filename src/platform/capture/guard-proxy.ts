import { randomBytes } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { webUrl } from '../fetch/guard.ts';
import type { Network } from '../fetch/network.ts';

/** A way out for a browser that leads through the SSRF guard, whatever the pages it opens ask for. */
export interface GuardProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Nobody else on this machine may use it. */
  readonly username: string;
  readonly password: string;
  /** The hosts that were refused. */
  readonly refused: ReadonlySet<string>;
}

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Opens a proxy on loopback for one capture. Each connection goes to the address that was checked, so a name cannot
 * resolve to another one in between. Where the administrator has a proxy, it is asked instead, after the same check.
 *
 * @param maxBytes for all answers together: a page without end cannot fill the memory
 */
export async function openGuardProxy(network: Network, maxBytes: number): Promise<GuardProxy> {
  const [username, password] = ['utsushi', randomBytes(16).toString('hex')];
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const refused = new Set<string>();
  const sockets = new Set<Duplex>();
  let left = maxBytes;

  const count = (from: Duplex | IncomingMessage, close: () => void) =>
    from.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) close();
    });
  const permitted = (request: IncomingMessage) => request.headers['proxy-authorization'] === authorization;

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = webUrl(request.url ?? '');
    const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = request.headers;
    const onward = httpRequest(url, { method: request.method, headers, agent: await network.agentFor(url) });
    onward.on('response', (answer) => {
      count(answer, () => response.destroy());
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  async function tunnel(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const target = new URL(`https://${request.url}`);
    const onward = await connectTo(network, target);
    sockets.add(onward);
    onward.on('close', () => sockets.delete(onward));
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
    socket.on('close', () => onward.destroy());
    count(onward, () => socket.destroy());
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    onward.write(head);
    onward.pipe(socket).pipe(onward);
  }

  const server = createServer((request, response) => {
    if (!permitted(request)) {
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="utsushi"' }).end();
      return;
    }
    forward(request, response).catch(() => {
      refused.add(request.url ?? '');
      if (!response.headersSent) response.writeHead(403).end('refused');
    });
  });
  server.on('connect', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (!permitted(request)) {
      socket.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="utsushi"\r\n\r\n',
      );
      return;
    }
    tunnel(request, socket, head).catch(() => {
      refused.add(request.url ?? '');
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    username,
    password,
    refused,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A connection to a host, or through the administrator's proxy to it. */
async function connectTo(network: Network, target: URL): Promise<Socket> {
  const addresses = await network.addressesOf(target);
  const proxy = network.proxyFor(target);
  const port = Number(target.port || 443);
  if (proxy === undefined) return opened(connect({ host: addresses[0]!, port, timeout: CONNECT_TIMEOUT_MS }));
  const { hostname, port: proxyPort, username, password } = new URL(proxy);
  const through = await opened(
    connect({ host: hostname, port: Number(proxyPort || 80), timeout: CONNECT_TIMEOUT_MS }),
  );
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const login =
    username === '' ? '' : `Proxy-Authorization: Basic ${Buffer.from(pair).toString('base64')}\r\n`;
  const host = `${target.hostname}:${port}`;
  through.write(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n${login}\r\n`);
  const answer = await new Promise<string>((resolve, reject) => {
    through.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1')));
    through.once('close', () => reject(new Error('the proxy closed the connection')));
  });
  if (/^HTTP\/1\.[01] 200/.test(answer)) return through;
  through.destroy();
  throw new Error(`the proxy answered ${answer.split('\r\n')[0]!}`);
}

async function opened(socket: Socket): Promise<Socket> {
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
    socket.once('timeout', () => socket.destroy(new Error('timed out')));
  });
  socket.setTimeout(0);
  return socket;
}
