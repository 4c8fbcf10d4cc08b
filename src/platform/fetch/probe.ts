import { createHash } from 'node:crypto';
import { type ErrorCode, UtsushiError } from '../../errors.ts';
import type { WebClient } from './web-client.ts';

/** Not found, gone, and unavailable for legal reasons. */
const GONE = new Set([404, 410, 451]);
/** What an answer says of itself, worth keeping as evidence. */
const EVIDENCE = [
  'date',
  'server',
  'content-type',
  'content-length',
  'last-modified',
  'etag',
  'location',
  'retry-after',
];

/** How a URL was found when somebody looked again. */
export interface Probe {
  /**
   * `up`: the known bytes, or any answer where none are known. `changed`: other bytes, or a redirect to another place.
   * `gone`: the server says so. `unreachable`: nothing can be said; see `reason`.
   */
  readonly state: 'up' | 'changed' | 'gone' | 'unreachable';
  readonly status: number | null;
  readonly finalUrl: string | null;
  readonly sha256: string | null;
  /** Of an answer that brought any. */
  readonly bytes: Uint8Array | null;
  readonly reason: string | null;
  /** Why there was no answer to judge, e.g. `fetch_deferred`; null where there was one. */
  readonly error: ErrorCode | null;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Looks whether a URL still answers as it did, politely and without failing.
 *
 * @param options.sha256 of the bytes it had; null where only its presence matters
 * @param options.robots `ignore` where a person decided to pursue this place
 */
export async function probeUrl(
  web: WebClient,
  url: string,
  options: {
    readonly sha256: string | null;
    readonly maxBytes: number;
    readonly robots: 'obey' | 'ignore';
    readonly signal?: AbortSignal;
  },
): Promise<Probe> {
  try {
    const { status, finalUrl, headers, bytes } = await web.get(url, {
      maxBytes: options.maxBytes,
      signal: options.signal,
      anyStatus: true,
      robots: options.robots,
    });
    const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => EVIDENCE.includes(name)));
    const ok = status >= 200 && status < 300;
    const sha256 = ok ? createHash('sha256').update(bytes).digest('hex') : null;
    const state = GONE.has(status) ? 'gone' : !ok ? 'unreachable' : same() ? 'up' : 'changed';
    const reason = state === 'unreachable' ? `the server answered ${status}` : null;
    return { state, status, finalUrl, sha256, bytes: ok ? bytes : null, reason, error: null, headers: kept };

    function same(): boolean {
      if (options.sha256 !== null) return options.sha256 === sha256;
      // A redirect elsewhere is a front page or a sign-in, and says nothing of what was here.
      return new URL(finalUrl).pathname === new URL(url).pathname;
    }
  } catch (thrown) {
    options.signal?.throwIfAborted();
    // It is there, and more of it need not be read where its bytes do not matter.
    const there =
      thrown instanceof UtsushiError && thrown.code === 'image_too_large' && options.sha256 === null;
    const nothing = { finalUrl: null, sha256: null, bytes: null, headers: {} };
    if (there) return { ...nothing, state: 'up', status: 200, reason: null, error: null };
    const error = thrown instanceof UtsushiError ? thrown.code : null;
    const reason = thrown instanceof UtsushiError ? `${thrown.code}: ${thrown.message}` : String(thrown);
    return { ...nothing, state: 'unreachable', status: null, reason, error };
  }
}
