import nodeFetch, { type Response } from 'node-fetch';
import { useAgent } from 'request-filtering-agent';
import { UtsushiError } from '../../errors.ts';

export interface FetchLimits {
  /** The whole exchange, redirects and body included. Milliseconds. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Private host addresses that an administrator lets through the guard, e.g. an intranet image server. */
  readonly allowedHosts: readonly string[];
}

export interface Fetched {
  readonly bytes: Uint8Array;
  /** Where the bytes came from after redirects. */
  readonly finalUrl: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

const USER_AGENT = 'Utsushi/0.1 (rights-holder monitoring)';
const MAX_REDIRECTS = 5;

/**
 * Fetches a picture behind the SSRF guard: private, loopback, link-local and reserved addresses are refused at
 * connect time and on every redirect, so a name that resolves to one later is refused as well.
 *
 * @throws UtsushiError `fetch_forbidden`, `fetch_rejected` (4xx), `fetch_failed` (network, 5xx, 429, too slow) or
 *   `image_too_large`
 */
export async function fetchImage(url: string, limits: FetchLimits): Promise<Fetched> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new UtsushiError('fetch_forbidden', `${url} is not an http(s) URL`);
  }
  let response: Response;
  let bytes: Buffer;
  try {
    response = await nodeFetch(url, {
      agent: (target) =>
        useAgent(target.href, { allowIPAddressList: [...limits.allowedHosts], allowPrivateIPAddress: false }),
      follow: MAX_REDIRECTS,
      size: limits.maxBytes,
      signal: AbortSignal.timeout(limits.timeoutMs),
      headers: {
        'user-agent': USER_AGENT,
        accept: 'image/avif,image/webp,image/png,image/jpeg,image/*;q=0.8',
      },
    });
    refuseStatus(response);
    bytes = Buffer.from(await response.arrayBuffer());
  } catch (thrown) {
    throw asFetchError(url, thrown, limits);
  }
  return {
    bytes,
    finalUrl: response.url,
    status: response.status,
    headers: Object.fromEntries(response.headers.entries()),
  };
}

function refuseStatus(response: Response): void {
  if (response.ok) return;
  const answer = `${response.url} answered ${response.status} ${response.statusText}`.trim();
  response.body?.resume?.();
  const mayPass = response.status >= 500 || response.status === 429 || response.status === 408;
  throw new UtsushiError(mayPass ? 'fetch_failed' : 'fetch_rejected', answer);
}

function asFetchError(url: string, thrown: unknown, limits: FetchLimits): UtsushiError {
  if (thrown instanceof UtsushiError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const type = (thrown as { type?: string }).type;
  if (type === 'max-size') {
    return new UtsushiError('image_too_large', `${url} holds more than ${limits.maxBytes} bytes`, {
      cause: thrown,
    });
  }
  if (/is not allowed/.test(message)) return new UtsushiError('fetch_forbidden', message, { cause: thrown });
  const slow = thrown instanceof Error && thrown.name === 'AbortError';
  return new UtsushiError('fetch_failed', slow ? `${url} took more than ${limits.timeoutMs} ms` : message, {
    cause: thrown,
  });
}
