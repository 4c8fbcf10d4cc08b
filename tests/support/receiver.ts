/** A webhook receiver on loopback that notes what it is told and answers as it is bidden. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type IncomingHttpHeaders, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EventMessage } from '../../src/features/delivery/index.ts';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** What it was answered; 0 when the connection was cut. */
  readonly status: number;
}

type Answer =
  number | 'cut' | 'never' | { readonly status: number; readonly headers: Record<string, string> };

export class Receiver implements AsyncDisposable {
  readonly received: Received[] = [];
  /** Decides the answer to each request, in turn. */
  answer: (message: EventMessage) => Answer | Promise<Answer> = () => 200;
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      void Promise.resolve(this.answer(JSON.parse(body) as EventMessage)).then((answer) => {
        const { status, headers = {} } =
          typeof answer === 'object' ? answer : { status: typeof answer === 'number' ? answer : 0 };
        this.received.push({ headers: request.headers, body, status });
        if (answer === 'cut') request.socket.destroy();
        else if (answer !== 'never') response.writeHead(status, headers).end();
      });
    });
  });

  /** @param port a free one where it is left out */
  static async open(port = 0): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(port, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  /** What was taken, in the order of coming. */
  get taken(): EventMessage[] {
    return this.received
      .filter(({ status }) => status >= 200 && status < 300)
      .map(({ body }) => JSON.parse(body) as EventMessage);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The check as docs/webhooks.md describes it, written apart from Utsushi's own. */
export function isSignedWith(secret: string, { headers, body }: Pick<Received, 'headers' | 'body'>): boolean {
  const content = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const wanted = createHmac('sha256', key).update(content).digest();
  return String(headers['webhook-signature'])
    .split(' ')
    .some((each) => {
      const [version, given = ''] = each.split(',');
      const bytes = Buffer.from(given, 'base64');
      return version === 'v1' && bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
    });
}
