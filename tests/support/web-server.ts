/** A web server on loopback that notes who asked for what, when, and how many at once. */
import { type IncomingMessage, type RequestListener, type ServerResponse, createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificate.ts';

export interface SeenRequest {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  /** Milliseconds. */
  readonly at: number;
}

export interface WebServer {
  /** `http://127.0.0.1:PORT`, or `https://localhost:PORT` */
  readonly base: string;
  readonly host: string;
  readonly seen: SeenRequest[];
  /** The most requests that were under way at once. */
  mostAtOnce(): number;
  /** The most requests that came within any stretch of so many milliseconds. */
  mostWithin(ms: number): number;
  close(): Promise<void>;
}

export type Respond = (request: IncomingMessage, response: ServerResponse, url: URL) => void | Promise<void>;

export async function serve(respond: Respond, certificate?: Certificate): Promise<WebServer> {
  const seen: SeenRequest[] = [];
  let underWay = 0;
  let most = 0;
  const listener: RequestListener = (request, response) => {
    const url = new URL(request.url!, 'http://127.0.0.1');
    if (url.pathname !== '/robots.txt') {
      seen.push({ url: request.url!, headers: request.headers, at: performance.now() });
      most = Math.max(most, ++underWay);
      response.on('close', () => {
        underWay -= 1;
      });
    }
    void respond(request, response, url);
  };
  const server =
    certificate === undefined ? createServer(listener) : createSecureServer(certificate, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const name = certificate === undefined ? '127.0.0.1' : 'localhost';
  const host = `${name}:${(server.address() as AddressInfo).port}`;
  return {
    base: `${certificate === undefined ? 'http' : 'https'}://${host}`,
    host,
    seen,
    mostAtOnce: () => most,
    mostWithin: (ms) =>
      Math.max(0, ...seen.map(({ at }) => seen.filter((o) => o.at >= at && o.at < at + ms).length)),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
