import { randomBytes } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { UtsushiError, asUtsushiError } from '../../errors.ts';
import { webUrl } from '../fetch/guard.ts';
import type { Network } from '../fetch/network.ts';
import { retryAfterMs } from '../fetch/retry-after.ts';
import type { Turns } from '../fetch/turns.ts';
import { makeOwnCertificate } from './own-certificate.ts';

/** A way out for a browser that leads through the SSRF guard and the turns of each host, whatever its pages ask for. */
export interface GuardProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Nobody else on this machine may use it. */
  readonly username: string;
  readonly password: string;
  /** Of the certificate that the browser is to accept for every host: SHA-256 of its public key, base64. */
  readonly spkiSha256: string;
  /** Why a request was not let out; undefined where it was. */
  refusal(url: string): UtsushiError | undefined;
  /** Requests that are not answered to the end yet, and those among them that wait for their turn. */
  underWay(): { readonly all: number; readonly waiting: number };
  /** How many requests were not let out because time or bytes were used up. */
  omitted(): number;
}

export interface GuardProxySettings {
  readonly network: Network;
  readonly turns: Turns;
  /** After this nothing more is let out: what is there by then is all there will be. Milliseconds from now. */
  readonly loadMs: number;
  /** How long a turn is kept that is never given back. Milliseconds. */
  readonly lifetimeMs: number;
  /** For all answers together: a page without end cannot fill the memory. */
  readonly maxBytes: number;
}

const PROXY_HEADERS = new Set(['proxy-authorization', 'proxy-connection']);
const TLS_HANDSHAKE = 0x16;

/**
 * Opens a proxy on loopback for one capture. It ends the browser's TLS itself and makes each request anew, as Utsushi
 * makes all others: to an address that was checked, verified against the trusted certificates, through the
 * administrator's proxy where there is one, and when it is its turn at the host. So every single request counts, also
 * the hops of a redirect, the questions before a cross-origin request, and those of workers and frames.
 */
export async function openGuardProxy(settings: GuardProxySettings): Promise<GuardProxy> {
  const { network, turns } = settings;
  const certificate = await makeOwnCertificate();
  const [username, password] = ['utsushi', randomBytes(16).toString('hex')];
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const refusals = new Map<string, UtsushiError>();
  const sockets = new Set<Duplex>();
  const closing = new AbortController();
  const until = performance.now() + settings.loadMs;
  let left = settings.maxBytes;
  let all = 0;
  let waiting = 0;
  let omitted = 0;

  /** @returns gives the turn back; undefined when the request is not to be made */
  async function permit(url: URL): Promise<(() => Promise<void>) | undefined> {
    const patienceMs = until - performance.now();
    waiting += 1;
    try {
      await network.addressesOf(url);
      if (patienceMs <= 0 || left <= 0)
        throw new UtsushiError(
          'fetch_deferred',
          `${url.host}: the time or the bytes of this capture are used up`,
        );
      return await turns.take(url.host, {
        own: network.isOwn(url),
        crawlDelayMs: 0,
        patienceMs,
        lifetimeMs: settings.lifetimeMs,
        signal: closing.signal,
      });
    } catch (thrown) {
      const error = asUtsushiError(thrown);
      refusals.set(url.href, error);
      if (error.code === 'fetch_deferred') omitted += 1;
      return undefined;
    } finally {
      waiting -= 1;
    }
  }

  async function onward(url: URL, request: IncomingMessage) {
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => !PROXY_HEADERS.has(name)),
    );
    const agent = await network.agentFor(url);
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    return send(url, { method: request.method, headers, agent });
  }

  /** Without a body: the browser then shows a page of its own, and nothing looks as if the site had said it. */
  const refuse = (response: ServerResponse) => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502, { 'content-length': 0 }).end();
  };

  async function forward(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    all += 1;
    response.on('close', () => {
      all -= 1;
    });
    const giveBack = await permit(url);
    if (giveBack === undefined) return refuse(response);
    response.on('close', () => void giveBack().catch(() => {}));
    // The page gave it up while it waited.
    if (response.destroyed) return giveBack();
    const outgoing = await onward(url, request);
    outgoing.on('response', (answer) => {
      const { statusCode = 502, headers } = answer;
      const wait = statusCode === 429 || statusCode === 503 ? headers['retry-after'] : undefined;
      const waitMs = retryAfterMs(wait, new Date());
      if (waitMs !== undefined) void turns.close(url.host, waitMs).catch(() => {});
      answer.on('data', (chunk: Buffer) => {
        left -= chunk.length;
        if (left < 0) response.destroy();
      });
      try {
        response.writeHead(statusCode, headers);
      } catch {
        // Headers that no server may send: such an answer is none.
        response.destroy();
        return;
      }
      answer.pipe(response);
    });
    outgoing.on('error', () => refuse(response));
    response.on('close', () => outgoing.destroy());
    request.pipe(outgoing);
  }

  /** A WebSocket: the question whether it may be opened is a request like any other. */
  async function upgrade(url: URL, request: IncomingMessage, socket: Duplex): Promise<void> {
    const giveBack = await permit(url);
    if (giveBack === undefined) return void socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    const release = () => void giveBack().catch(() => {});
    const outgoing = await onward(url, request).catch((thrown: unknown) => {
      release();
      throw thrown;
    });
    // Also when it was opened: from then on nothing is asked.
    outgoing.on('close', release);
    const end = () => socket.destroy();
    outgoing.on('upgrade', (answer, far, head) => {
      keep(far);
      socket.write(headOf(answer));
      socket.write(head);
      far.on('data', (chunk: Buffer) => {
        left -= chunk.length;
        if (left < 0) end();
      });
      far.on('error', end).on('close', end);
      socket.on('close', () => far.destroy());
      far.pipe(socket).pipe(far);
    });
    outgoing.on('response', end).on('error', end);
    outgoing.end();
  }

  const keep = (socket: Duplex) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  /** Where the requests of a tunnel lead. */
  const authorities = new WeakMap<object, string>();
  const urlWithin = async ({ socket, url }: IncomingMessage) =>
    webUrl(`${socket instanceof TLSSocket ? 'https' : 'http'}://${authorities.get(socket)}${url}`);

  const inner = createServer((request, response) => {
    urlWithin(request)
      .then((url) => forward(url, request, response))
      .catch(() => refuse(response));
  });
  inner.on('upgrade', (request, socket) => {
    keep(socket);
    urlWithin(request)
      .then((url) => upgrade(url, request, socket))
      .catch(() => socket.destroy());
  });

  const server = createServer((request, response) => {
    if (request.headers['proxy-authorization'] !== authorization) {
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="utsushi"' }).end();
      return;
    }
    Promise.resolve()
      .then(() => forward(webUrl(request.url ?? ''), request, response))
      .catch(() => refuse(response));
  });
  server.on('connect', (request, socket: Socket, head) => {
    keep(socket);
    if (request.headers['proxy-authorization'] !== authorization) {
      socket.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="utsushi"\r\n\r\n',
      );
      return;
    }
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      // A TLS socket takes over what was read already; of a plain one it has to flow again.
      const stream =
        first[0] === TLS_HANDSHAKE
          ? new TLSSocket(socket, {
              isServer: true,
              secureContext: certificate.context,
              ALPNProtocols: ['http/1.1'],
            })
          : socket;
      authorities.set(stream, request.url ?? '');
      if (stream !== socket) keep(stream);
      inner.emit('connection', stream);
      if (stream === socket) socket.resume();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    username,
    password,
    spkiSha256: certificate.spkiSha256,
    refusal: (url) => refusals.get(new URL(url).href),
    underWay: () => ({ all, waiting }),
    omitted: () => omitted,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      for (const socket of sockets) socket.destroy();
      inner.closeAllConnections();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The head of an answer as it came. */
function headOf({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : []));
  return `HTTP/1.1 ${statusCode} ${statusMessage}\r\n${lines.join('\r\n')}\r\n\r\n`;
}
