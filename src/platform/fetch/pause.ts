import { setTimeout as sleep } from 'node:timers/promises';

/** Waits, unless the signal is aborted: then its reason is thrown. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (thrown) {
    signal?.throwIfAborted();
    throw thrown;
  }
}
