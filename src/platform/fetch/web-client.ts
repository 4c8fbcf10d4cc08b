import type { Response } from 'node-fetch';
import { UtsushiError } from '../../errors.ts';
import { webUrl } from './guard.ts';
import type { Network } from './network.ts';
import { pause } from './pause.ts';
import { retryAfterMs } from './retry-after.ts';
import { ROBOT_NAME, Robots } from './robots.ts';
import type { Turns } from './turns.ts';

export interface WebSettings {
  readonly network: Network;
  /** Limits that all workers share; without them each request goes out at once. */
  readonly turns?: Turns;
  /** One exchange, waiting for its turn apart. Milliseconds. */
  readonly timeoutMs: number;
  /** Where the owner of a site learns who asks and how to complain: a URL, told with every request. */
  readonly contact?: string | undefined;
  /** Before the second attempt where the host does not say; then twice that, and so on. Milliseconds. */
  readonly firstPauseMs?: number;
}

export interface WebRequest {
  readonly method?: 'GET' | 'HEAD' | 'POST';
  readonly accept?: string;
  /** Sent to the origin asked for, never to another one that it redirects to. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** What an earlier answer said of itself: "nothing new since" is then answered with `notModified`. */
  readonly validators?: Validators | undefined;
  /** Larger answers are not read. Bytes. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Return answers of every status instead of failing on 4xx and 5xx. */
  readonly anyStatus?: boolean;
  /**
   * What Utsushi looks for by itself obeys robots.txt (the default). `ignore` is for what a person named, as their
   * browser would, and for APIs used under their terms.
   */
  readonly robots?: 'obey' | 'ignore';
  /** `refuse` takes a redirect for a refusal, as for what must not be sent elsewhere; followed by default. */
  readonly redirects?: 'follow' | 'refuse';
  /** How long to wait for a turn, and for another attempt after 429, 5xx or a broken connection. Milliseconds. */
  readonly patienceMs?: number;
}

export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly notModified: boolean;
  /** Where the bytes came from after redirects. */
  readonly finalUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 1_000;
/** Long enough for the turns that come up while a few requests are under way. */
const PATIENCE_MS = 10_000;
const MOST_ROBOTS_BYTES = 2 ** 20;

/**
 * HTTP as Utsushi speaks it: behind the SSRF guard, bounded in time and size, saying who asks, and politely: within the
 * limits of each host, heeding Retry-After and robots.txt, on every hop of a redirect.
 */
export class WebClient {
  readonly #settings: WebSettings;
  readonly #userAgent: string;
  readonly #robots: Robots;

  constructor(settings: WebSettings) {
    this.#settings = settings;
    const contact = settings.contact === undefined ? '' : `+${settings.contact}; `;
    this.#userAgent = `${ROBOT_NAME}/0.1 (${contact}rights-holder monitoring)`;
    this.#robots = new Robots((url) =>
      this.get(url, { maxBytes: MOST_ROBOTS_BYTES, anyStatus: true, robots: 'ignore', accept: 'text/plain' }),
    );
  }

  /**
   * @throws UtsushiError `fetch_forbidden`, `robots_disallowed`, `fetch_rejected` (4xx), `fetch_failed` (network, 5xx,
   *   429, too slow), `fetch_deferred` (the host may not be asked within the caller's patience) or `image_too_large`;
   *   the signal's reason when it is aborted
   */
  async get(url: string, request: WebRequest): Promise<Answer> {
    const deadline = performance.now() + (request.patienceMs ?? PATIENCE_MS);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#follow(url, request, deadline);
      } catch (thrown) {
        request.signal?.throwIfAborted();
        if (!(thrown instanceof UtsushiError) || thrown.code !== 'fetch_failed') throw thrown;
        const pauseMs = this.#pauseAfter(thrown, attempt);
        // Without an explicit patience nobody waits for a second attempt: the queue has attempts of its own.
        if (request.patienceMs === undefined || attempt === ATTEMPTS) throw thrown;
        if (performance.now() + pauseMs > deadline) throw thrown;
        await pause(pauseMs, request.signal);
      }
    }
  }

  /** @throws UtsushiError `fetch_forbidden` for a URL that would be refused whoever answers there */
  async permit(url: string): Promise<void> {
    await this.#settings.network.addressesOf(webUrl(url)).catch((thrown: unknown) => {
      // A name that does not resolve today may tomorrow.
      if (thrown instanceof UtsushiError && thrown.code === 'fetch_forbidden') throw thrown;
    });
  }

  #pauseAfter(error: UtsushiError, attempt: number): number {
    const first = this.#settings.firstPauseMs ?? FIRST_PAUSE_MS;
    return error.retryAfterMs ?? first * 2 ** (attempt - 1) * (1 + Math.random() / 2);
  }

  async #follow(url: string, request: WebRequest, deadline: number): Promise<Answer> {
    const first = webUrl(url);
    const { method, body, ...later } = request;
    let target = first;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const sent =
        hop === 0
          ? request
          : {
              ...later,
              ...(method === 'HEAD' ? { method } : {}),
              ...(target.origin === first.origin ? {} : { headers: {} }),
            };
      const answer = await this.#politely(target, sent, deadline);
      const location = REDIRECTS.has(answer.status) ? answer.headers['location'] : undefined;
      if (location === undefined) return answer;
      target = webUrl(URL.canParse(location, target.href) ? new URL(location, target).href : location);
    }
    throw new UtsushiError('fetch_failed', `${url} redirects more than ${MAX_REDIRECTS} times`);
  }

  async #politely(target: URL, request: WebRequest, deadline: number): Promise<Answer> {
    const { network, turns, timeoutMs } = this.#settings;
    const crawlDelayMs = request.robots === 'ignore' ? 0 : await this.#robots.permit(target);
    const giveBack = await turns?.take(target.host, {
      own: network.isOwn(target),
      crawlDelayMs,
      patienceMs: Math.max(0, deadline - performance.now()),
      lifetimeMs: 2 * timeoutMs,
      signal: request.signal,
    });
    try {
      return await this.#exchange(target, request);
    } catch (thrown) {
      if (thrown instanceof UtsushiError && thrown.retryAfterMs !== undefined) {
        await turns?.close(target.host, thrown.retryAfterMs);
      }
      throw thrown;
    } finally {
      await giveBack?.();
    }
  }

  async #exchange(target: URL, request: WebRequest): Promise<Answer> {
    const { network, timeoutMs } = this.#settings;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const agent = await network.agentFor(target);
      // Loaded on demand: most commands fetch nothing.
      const { default: nodeFetch } = await import('node-fetch');
      const response = await nodeFetch(target, {
        method: request.method ?? 'GET',
        agent,
        redirect: 'manual',
        size: request.maxBytes,
        signal: request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]),
        headers: { ...headersOf(request), 'user-agent': this.#userAgent },
        ...(request.body === undefined
          ? {}
          : { body: typeof request.body === 'string' ? request.body : Buffer.from(request.body) }),
      });
      const redirected = REDIRECTS.has(response.status) || response.status === 304;
      if (!redirected || request.redirects === 'refuse') refuseStatus(response, request.anyStatus === true);
      return {
        status: response.status,
        notModified: response.status === 304,
        finalUrl: response.url,
        headers: Object.fromEntries(response.headers.entries()),
        bytes: Buffer.from(await response.arrayBuffer()),
      };
    } catch (thrown) {
      request.signal?.throwIfAborted();
      throw asFetchError(target.href, thrown, request.maxBytes, timeoutMs);
    }
  }
}

function headersOf({ accept, headers = {}, validators = {} }: WebRequest): Record<string, string> {
  return {
    ...headers,
    ...(accept === undefined ? {} : { accept }),
    ...(validators.etag === undefined ? {} : { 'if-none-match': validators.etag }),
    ...(validators.lastModified === undefined ? {} : { 'if-modified-since': validators.lastModified }),
  };
}

function refuseStatus(response: Response, anyStatus: boolean): void {
  if (response.ok) return;
  const wait = retryAfterMs(response.headers.get('retry-after') ?? undefined, new Date());
  const overloaded = response.status === 429 || (response.status === 503 && wait !== undefined);
  // "Not now" is no answer, whatever the caller can make of answers.
  if (anyStatus && !overloaded) return;
  const answer = `${response.url} answered ${response.status} ${response.statusText}`.trim();
  response.body?.resume?.();
  const mayPass = response.status >= 500 || response.status === 429 || response.status === 408;
  throw new UtsushiError(mayPass ? 'fetch_failed' : 'fetch_rejected', answer, {
    details: { status: response.status },
    ...(overloaded && wait !== undefined ? { retryAfterMs: wait } : {}),
  });
}

function asFetchError(url: string, thrown: unknown, maxBytes: number, timeoutMs: number): UtsushiError {
  if (thrown instanceof UtsushiError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const type = (thrown as { type?: string }).type;
  if (type === 'max-size') {
    return new UtsushiError('image_too_large', `${url} holds more than ${maxBytes} bytes`, { cause: thrown });
  }
  // The guard's own refusal comes back wrapped in the connection's failure.
  const code = (thrown as { code?: string }).code ?? (thrown as { erroredSysCall?: string }).erroredSysCall;
  if (code === 'fetch_forbidden') return new UtsushiError('fetch_forbidden', message, { cause: thrown });
  const slow = thrown instanceof Error && thrown.name === 'AbortError';
  return new UtsushiError('fetch_failed', slow ? `${url} took more than ${timeoutMs} ms` : message, {
    cause: thrown,
  });
}
