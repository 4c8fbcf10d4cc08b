import type { Database } from '../../platform/storage/database.ts';
import type { Tier } from '../../vision/matching/policy.ts';
import type { Protocol } from '../catalogue/index.ts';
import type { SourceSpec } from '../sources/index.ts';
import { type Monitor, allMonitors, findMonitor } from './monitors.ts';
import { type ScanSummary, listScans } from './scans.ts';
import { type Schedule, effectiveSchedule, showSchedule } from './schedule.ts';
import { tierOf } from './scope.ts';
import type { Scope } from './spec.ts';

/** A monitor as people look at it. */
export interface MonitorView {
  readonly name: string;
  readonly source: SourceSpec;
  readonly scope: Scope;
  /** The highest tier in its scope. */
  readonly tier: Tier;
  /** The one that holds: its own, or the tier's. */
  readonly schedule: Schedule;
  readonly scheduleText: string;
  readonly territory: string | null;
  readonly paused: boolean;
  readonly lastScan: ScanSummary | null;
  /** Null where it is paused, or where the queue could not be asked. */
  readonly nextRunAt: Date | null;
}

/** @param nextRuns by monitor id, as the queue has them; undefined where it is away */
export async function monitorViews(
  db: Database,
  protocol: Protocol,
  nextRuns: ReadonlyMap<string, Date> | undefined,
): Promise<MonitorView[]> {
  const views: MonitorView[] = [];
  for (const monitor of await allMonitors(db)) views.push(await viewOf(db, monitor, protocol, nextRuns));
  return views;
}

/** @throws UtsushiError `not_found` */
export async function monitorView(
  db: Database,
  name: string,
  protocol: Protocol,
  nextRuns: ReadonlyMap<string, Date> | undefined,
): Promise<MonitorView> {
  return viewOf(db, await findMonitor(db, name), protocol, nextRuns);
}

async function viewOf(
  db: Database,
  { id, name, source, scope, schedule: own, territory, paused }: Monitor,
  protocol: Protocol,
  nextRuns: ReadonlyMap<string, Date> | undefined,
): Promise<MonitorView> {
  const tier = await tierOf(db, scope);
  const schedule = effectiveSchedule(own, tier, protocol);
  const [lastScan = null] = await listScans(db, { monitor: name, limit: 1 });
  return {
    name,
    source,
    scope,
    tier,
    schedule,
    scheduleText: `${showSchedule(schedule)}${own === null ? `, by tier ${tier}` : ''}`,
    territory,
    paused,
    lastScan,
    nextRunAt: (paused ? undefined : nextRuns?.get(id)) ?? null,
  };
}
