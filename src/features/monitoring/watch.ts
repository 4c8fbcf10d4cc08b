import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../platform/storage/database.ts';
import type { Source, SourceSpec } from '../sources/index.ts';
import { allMonitors } from './monitors.ts';

export interface WatchDependencies {
  readonly db: Database;
  readonly openSource: (spec: SourceSpec, queries: readonly string[]) => Promise<Source>;
  /** Something appeared at the source of this monitor. */
  readonly onChange: (monitorId: string) => Promise<void>;
  readonly onError: (error: unknown) => void;
  /** How often to look for monitors that came or went. Milliseconds. */
  readonly everyMs: number;
}

/** Watches the sources that can tell when something changes, as monitors come, go, pause and resume; until aborted. */
export async function watchSources(deps: WatchDependencies, signal: AbortSignal): Promise<void> {
  const watched = new Map<string, AbortController>();
  while (!signal.aborted) {
    try {
      const wanted = new Map(
        (await allMonitors(deps.db))
          .filter(({ paused }) => !paused)
          .map((monitor) => [`${monitor.id} ${monitor.sourceKey}`, monitor]),
      );
      for (const [key, watch] of watched) {
        if (wanted.has(key)) continue;
        watch.abort();
        watched.delete(key);
      }
      for (const [key, { id, source: spec }] of wanted) {
        if (watched.has(key)) continue;
        const source = await deps.openSource(spec, []);
        if (source.watch === undefined) continue;
        const stop = new AbortController();
        watched.set(key, stop);
        void follow(source.watch(AbortSignal.any([signal, stop.signal])), () => deps.onChange(id))
          .catch((thrown: unknown) => {
            if (!stop.signal.aborted && !signal.aborted) deps.onError(thrown);
          })
          // A folder that was away is tried again at the next look.
          .finally(() => watched.delete(key));
      }
    } catch (thrown) {
      if (!signal.aborted) deps.onError(thrown);
    }
    await sleep(deps.everyMs, undefined, { signal }).catch(() => {});
  }
}

async function follow(changes: AsyncIterable<void>, onChange: () => Promise<void>): Promise<void> {
  for await (const _ of changes) await onChange();
}
