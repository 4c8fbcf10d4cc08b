import type { Database } from '../../platform/storage/database.ts';
import type { LiveFeed } from '../../platform/storage/live.ts';
import { dueWebhooks } from './deliveries.ts';
import { publish } from './outbox.ts';

export interface RelayOptions {
  readonly db: Database;
  readonly live: LiveFeed;
  readonly clock: () => Date;
  readonly digestMs: number;
  /** How often to look without being told of a change: retries come due, and a notice may be lost. Milliseconds. */
  readonly everyMs: number;
  /** Has somebody deliver what is due to this webhook. */
  readonly wake: (webhookId: string) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Gives every committed event its place and its deliveries. */
export async function publishAll(
  db: Database,
  options: { readonly now: Date; readonly digestMs: number },
): Promise<void> {
  while ((await publish(db, options)).length > 0);
}

/**
 * Publishes what was committed, right after it was and every so often, and wakes workers for what is due. The database
 * alone says what that is, so any number of processes may do this at once, and none need ever have been told.
 *
 * @returns stops it, after the round at hand
 */
export async function startRelay(options: RelayOptions): Promise<() => Promise<void>> {
  const { db, live, clock, digestMs, everyMs, wake, onError } = options;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;
  const round = async () => {
    do {
      again = false;
      await publishAll(db, { now: clock(), digestMs });
      for (const id of await dueWebhooks(db, clock())) await wake(id);
    } while (again && !stopped);
  };
  const start = () => {
    if (stopped) return;
    if (running !== undefined) {
      again = true;
      return;
    }
    running = round()
      .catch(onError)
      .finally(() => {
        running = undefined;
      });
  };
  const unsubscribe = await live.subscribe(({ type }) => {
    if (type === 'alert' || type === 'case' || type === 'resync') start();
  });
  const timer = setInterval(start, everyMs);
  start();
  return async () => {
    stopped = true;
    clearInterval(timer);
    unsubscribe();
    await running;
  };
}
