import type { Database } from '../../platform/storage/database.ts';
import type { Protocol } from '../catalogue/index.ts';
import { allMonitors } from './monitors.ts';
import { type Schedule, effectiveSchedule } from './schedule.ts';
import { tierOf } from './scope.ts';

/** When a monitor that is not paused is to run. */
export type Run =
  | { readonly monitorId: string; readonly cron: string; readonly tz: string }
  | { readonly monitorId: string; readonly everyMs: number; readonly startAt: Date };

/**
 * Every schedule there should be, from the database alone, so that a lost queue gets them back. An interval counts from
 * the last scan: getting it back neither repeats a scan nor puts one off.
 */
export async function wantedRuns(db: Database, protocol: Protocol, now: Date): Promise<Run[]> {
  const lastStart = new Map(
    (
      await db
        .selectFrom('scans')
        .select(['monitor_id', ({ fn }) => fn.max('started_at').as('at')])
        .groupBy('monitor_id')
        .execute()
    ).map((row) => [row.monitor_id, row.at]),
  );
  const runs: Run[] = [];
  for (const monitor of await allMonitors(db)) {
    if (monitor.paused) continue;
    const tier = await tierOf(db, monitor.scope);
    const schedule: Schedule = effectiveSchedule(monitor.schedule, tier, protocol);
    if ('cron' in schedule) {
      runs.push({ monitorId: monitor.id, cron: schedule.cron, tz: schedule.tz });
      continue;
    }
    const last = lastStart.get(monitor.id);
    const next =
      last === undefined ? now.getTime() : Math.max(now.getTime(), last.getTime() + schedule.everyMs);
    runs.push({ monitorId: monitor.id, everyMs: schedule.everyMs, startAt: new Date(next) });
  }
  return runs;
}
