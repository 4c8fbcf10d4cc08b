import { UtsushiError } from '../../errors.ts';
import type { Database } from '../storage/database.ts';
import { type HostLimit, askTurn, closeHost, giveBackTurn } from '../storage/host-turns.ts';
import type { HostLimits } from './limits.ts';
import { pause } from './pause.ts';

/** When this process may ask a host, as agreed with all other workers. */
export class Turns {
  readonly #db: Database;
  readonly #limits: HostLimits;
  /** In this process the requests to one host stand in line, so that only the first of them asks the database. */
  readonly #lines = new Map<string, Promise<void>>();

  constructor(db: Database, limits: HostLimits) {
    this.#db = db;
    this.#limits = limits;
  }

  /**
   * Waits for a turn at a host.
   *
   * @param options.own a host of the administrator's: without a limit of its own it has none, but its Retry-After counts
   * @param options.crawlDelayMs what its robots.txt asks for
   * @returns gives the turn back
   * @throws UtsushiError `fetch_deferred` when it would take longer than `patienceMs`; says how long it will take
   */
  async take(
    host: string,
    options: {
      readonly own: boolean;
      readonly crawlDelayMs: number;
      readonly patienceMs: number;
      readonly lifetimeMs: number;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<() => Promise<void>> {
    const deadline = performance.now() + options.patienceMs;
    const leave = await this.#standInLine(host, deadline, options.signal);
    try {
      const limit = this.#limitOf(host, options);
      for (;;) {
        const offer = await askTurn(this.#db, host, limit, options.lifetimeMs);
        if ('turn' in offer) return () => giveBackTurn(this.#db, offer.turn);
        const left = deadline - performance.now();
        // Nobody's turn comes sooner than was said: no use in waiting for what will be too late.
        if (offer.waitMs > left) throw deferred(host, offer.waitMs);
        await pause(offer.waitMs, options.signal);
      }
    } finally {
      leave();
    }
  }

  /** A host asked not to be asked for a while. */
  async close(host: string, forMs: number): Promise<void> {
    await closeHost(this.#db, host, Math.min(forMs, LONGEST_CLOSURE_MS));
  }

  #limitOf(host: string, { own, crawlDelayMs }: { own: boolean; crawlDelayMs: number }): HostLimit {
    const named = this.#limits.get(host);
    const { intervalMs, atOnce } = named ?? (own ? UNLIMITED : (this.#limits.get('*') ?? UNLIMITED));
    return { intervalMs: Math.max(intervalMs, crawlDelayMs), atOnce };
  }

  async #standInLine(host: string, deadline: number, signal: AbortSignal | undefined): Promise<() => void> {
    const before = this.#lines.get(host) ?? Promise.resolve();
    const { promise: mine, resolve: leave } = deferredPromise();
    const line = before.then(() => mine);
    this.#lines.set(host, line);
    void line.then(() => {
      if (this.#lines.get(host) === line) this.#lines.delete(host);
    });
    const arrived = new AbortController();
    const late = pause(
      Math.max(0, deadline - performance.now()),
      signal === undefined ? arrived.signal : AbortSignal.any([arrived.signal, signal]),
    ).then(
      () => Promise.reject(deferred(host, LINE_PAUSE_MS)),
      (thrown) => Promise.reject(thrown as Error),
    );
    try {
      await Promise.race([before, late]);
      return leave;
    } catch (thrown) {
      leave();
      throw thrown;
    } finally {
      late.catch(() => {});
      arrived.abort();
    }
  }
}

// A host that asks for more than a day was mistaken, or is.
const LONGEST_CLOSURE_MS = 86_400_000;
const UNLIMITED: HostLimit = { intervalMs: 0, atOnce: 1_000 };
// How long the line is, nobody knows; whoever could not wait for it asks again after this.
const LINE_PAUSE_MS = 5_000;

function deferred(host: string, waitMs: number): UtsushiError {
  const seconds = Math.ceil(waitMs / 1_000);
  return new UtsushiError('fetch_deferred', `${host} may be asked again in ${seconds} s`, {
    retryAfterMs: waitMs,
  });
}

function deferredPromise(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
