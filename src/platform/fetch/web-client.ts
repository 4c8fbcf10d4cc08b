import nodeFetch, { type Response } from 'node-fetch';
import { UtsushiError } from '../../errors.ts';
import { type AllowedEndpoint, guardedAgent, webUrl } from './guard.ts';

export interface WebSettings {
  /** The whole exchange, redirects and body included, waiting for its turn apart. Milliseconds. */
  readonly timeoutMs: number;
  /** Places inside that an administrator lets through the guard. */
  readonly allowed: readonly AllowedEndpoint[];
}

export interface WebRequest {
  readonly method?: 'GET' | 'POST';
  readonly accept?: string;
  /** Sent to the origin asked for, never to another one that it redirects to. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What an earlier answer said of itself: "nothing new since" is then answered with `notModified`. */
  readonly validators?: Validators | undefined;
  /** Larger answers are not read. Bytes. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Return answers of every status instead of failing on 4xx and 5xx. */
  readonly anyStatus?: boolean;
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

const USER_AGENT = 'Utsushi/0.1 (rights-holder monitoring)';
const MAX_REDIRECTS = 5;

/** HTTP as Utsushi speaks it: behind the SSRF guard, bounded in time and size, and saying who asks. */
export class WebClient {
  readonly #settings: WebSettings;

  constructor(settings: WebSettings) {
    this.#settings = settings;
  }

  /**
   * @throws UtsushiError `fetch_forbidden`, `fetch_rejected` (4xx), `fetch_failed` (network, 5xx, 429, too slow) or
   *   `image_too_large`; the signal's reason when it is aborted
   */
  async get(url: string, request: WebRequest): Promise<Answer> {
    const origin = webUrl(url).origin;
    let target = webUrl(url);
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const { method: _, body: __, ...follow } = request;
      const sent = hop === 0 ? request : target.origin === origin ? follow : { ...follow, headers: {} };
      const answer = await this.#exchange(target, sent);
      const location = REDIRECTS.has(answer.status) ? answer.headers['location'] : undefined;
      if (location === undefined) return answer;
      target = webUrl(URL.canParse(location, target.href) ? new URL(location, target).href : location);
    }
    throw new UtsushiError('fetch_failed', `${url} redirects more than ${MAX_REDIRECTS} times`);
  }

  async #exchange(target: URL, request: WebRequest): Promise<Answer> {
    const { timeoutMs, allowed } = this.#settings;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await nodeFetch(target, {
        method: request.method ?? 'GET',
        agent: guardedAgent(target, allowed),
        redirect: 'manual',
        size: request.maxBytes,
        signal: request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]),
        headers: headersOf(request),
        ...(request.body === undefined ? {} : { body: request.body }),
      });
      const redirected = REDIRECTS.has(response.status) || response.status === 304;
      if (!redirected && request.anyStatus !== true) refuseStatus(response);
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

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

function headersOf({ accept, headers = {}, validators = {} }: WebRequest): Record<string, string> {
  return {
    ...headers,
    'user-agent': USER_AGENT,
    ...(accept === undefined ? {} : { accept }),
    ...(validators.etag === undefined ? {} : { 'if-none-match': validators.etag }),
    ...(validators.lastModified === undefined ? {} : { 'if-modified-since': validators.lastModified }),
  };
}

function refuseStatus(response: Response): void {
  if (response.ok) return;
  const answer = `${response.url} answered ${response.status} ${response.statusText}`.trim();
  response.body?.resume?.();
  const mayPass = response.status >= 500 || response.status === 429 || response.status === 408;
  throw new UtsushiError(mayPass ? 'fetch_failed' : 'fetch_rejected', answer);
}

function asFetchError(url: string, thrown: unknown, maxBytes: number, timeoutMs: number): UtsushiError {
  if (thrown instanceof UtsushiError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const type = (thrown as { type?: string }).type;
  if (type === 'max-size') {
    return new UtsushiError('image_too_large', `${url} holds more than ${maxBytes} bytes`, { cause: thrown });
  }
  if (/is not allowed/.test(message)) return new UtsushiError('fetch_forbidden', message, { cause: thrown });
  const slow = thrown instanceof Error && thrown.name === 'AbortError';
  return new UtsushiError('fetch_failed', slow ? `${url} took more than ${timeoutMs} ms` : message, {
    cause: thrown,
  });
}
