import type { Database } from '../../platform/storage/database.ts';
import type { Tier } from '../../vision/matching/policy.ts';
import { type Protocol, readVersion } from '../catalogue/index.ts';
import { closeIncidents, raiseIncident } from '../incidents/index.ts';
import { type Monitor, allMonitors } from './monitors.ts';
import { effectiveSchedule, periodOf } from './schedule.ts';
import { inScope, tierOf } from './scope.ts';
import { type Trend, type TrendScan, trendOf } from './trend.ts';

/** What was looked at, and what was not. */
export interface Coverage {
  readonly at: Date;
  /** How many assets are overdue. */
  readonly overdue: number;
  readonly tiers: readonly TierCoverage[];
  readonly assets: readonly AssetCoverage[];
  readonly sources: readonly SourceCoverage[];
  /** Whether every stored output has been compared with the catalogue as it is. */
  readonly catalogue: { readonly version: number; readonly matchedVersion: number };
}

export interface TierCoverage {
  readonly tier: Tier;
  readonly assets: number;
  readonly overdue: number;
  /** Assets that no monitor is for. */
  readonly unwatched: number;
  readonly cadenceMs: number;
}

export interface AssetCoverage {
  readonly assetId: string;
  readonly title: string;
  readonly tier: Tier;
  /** When the newest complete scan of a monitor for it began; null when there was none. */
  readonly lastLookedAt: Date | null;
  readonly dueAt: Date;
  readonly overdue: boolean;
  /** The monitors for it. */
  readonly monitors: readonly string[];
  /** Checks that these recorded in the last 30 days, and items that failed. */
  readonly outputs: number;
  readonly failures: number;
}

export interface SourceCoverage {
  readonly monitor: string;
  readonly kind: string;
  readonly paused: boolean;
  /** The newest complete scan. */
  readonly lastScanAt: Date | null;
  /** Its next one is late. */
  readonly overdue: boolean;
  /** The newest scan failed: why. */
  readonly failing: string | null;
  /** Why the newest complete scan did not see everything. */
  readonly stoppedShort: string | null;
  readonly trend: Trend;
  /** In the last 30 days. */
  readonly scans: number;
  readonly seen: number;
  readonly outputs: number;
  readonly failures: number;
}

const WINDOW_MS = 30 * 86_400_000;
/** A scan takes its time, and a queue has others before it: late is what is late by more than this share. */
const GRACE = 1.25;
const OVERDUE = 'coverage-overdue';
const SILENT = 'source-silent';
const ASSETS_NAMED = 100;

/** What was looked at under the protocol, by asset, tier and source. */
export async function coverage(db: Database, protocol: Protocol, now: Date): Promise<Coverage> {
  const monitors = await allMonitors(db);
  const scans = await scansByMonitor(db, new Date(now.getTime() - WINDOW_MS));
  const sources = await Promise.all(
    monitors.map(async (monitor) =>
      sourceCoverage(monitor, await tierOf(db, monitor.scope), scans.get(monitor.id) ?? [], protocol, now),
    ),
  );
  const watched = await monitorsByAsset(db, monitors);
  const byName = new Map(sources.map((source) => [source.monitor, source]));
  const rows = await db
    .selectFrom('assets')
    .select(['id', 'title', 'tier', 'created_at'])
    .where('enabled', '=', true)
    .orderBy('id')
    .execute();
  const assets = rows.map((row): AssetCoverage => {
    const names = watched.get(row.id) ?? [];
    const mine = names.map((name) => byName.get(name)!);
    const looked = mine.map(({ lastScanAt }) => lastScanAt?.getTime() ?? 0);
    const last = Math.max(0, ...looked);
    const due = Math.max(last, row.created_at.getTime()) + protocol[row.tier].cadenceMs;
    return {
      assetId: row.id,
      title: row.title,
      tier: row.tier,
      lastLookedAt: last === 0 ? null : new Date(last),
      dueAt: new Date(due),
      overdue: now.getTime() > due + protocol[row.tier].cadenceMs * (GRACE - 1),
      monitors: names,
      outputs: sum(mine.map((source) => source.outputs)),
      failures: sum(mine.map((source) => source.failures)),
    };
  });
  const tiers = (['high', 'standard'] as const).map((tier): TierCoverage => {
    const own = assets.filter((asset) => asset.tier === tier);
    return {
      tier,
      assets: own.length,
      overdue: own.filter((asset) => asset.overdue).length,
      unwatched: own.filter((asset) => asset.monitors.length === 0).length,
      cadenceMs: protocol[tier].cadenceMs,
    };
  });
  return {
    at: now,
    overdue: sum(tiers.map((tier) => tier.overdue)),
    tiers,
    assets,
    sources,
    catalogue: await readVersion(db),
  };
}

/**
 * Raises an incident for high-tier assets that are overdue and for sources that went silent, and closes those whose
 * trouble is over. Assets that depend on the same monitors share one incident: there is one thing to mend.
 */
export async function superviseCoverage(db: Database, report: Coverage): Promise<void> {
  const late = new Map<string, AssetCoverage[]>();
  for (const asset of report.assets) {
    if (!asset.overdue || asset.tier !== 'high') continue;
    const subject = asset.monitors.length === 0 ? 'no monitor' : asset.monitors.join(', ');
    late.set(subject, [...(late.get(subject) ?? []), asset]);
  }
  const quiet = report.sources.filter(({ trend, paused }) => trend.state !== 'steady' && !paused);
  await db.transaction().execute(async (tx) => {
    for (const [subject, assets] of late) {
      const first = assets[0]!;
      const more = assets.length === 1 ? '' : ` (+${assets.length - 1})`;
      await raiseIncident(
        tx,
        {
          kind: OVERDUE,
          subject,
          severity: 'critical',
          message: {
            ja: `優先度「高」の作品が期限までに確認されていません: ${first.title}${more}。モニター: ${subject === 'no monitor' ? 'なし' : subject}`,
            en: `High-tier works were not looked for in time: ${first.title}${more}. Monitors: ${subject === 'no monitor' ? 'none' : subject}`,
          },
          details: {
            count: assets.length,
            monitors: first.monitors,
            assets: assets.slice(0, ASSETS_NAMED).map(({ assetId }) => assetId),
          },
        },
        report.at,
      );
    }
    for (const { monitor, trend } of quiet) {
      await raiseIncident(
        tx,
        {
          kind: SILENT,
          subject: monitor,
          severity: 'warning',
          message: {
            ja: `モニター「${monitor}」の新着が減っています: 直近${trend.scans}回で${trend.seen}件(通常は約${trend.expected}件)`,
            en: `The source of ${monitor} shows less than usual: ${trend.seen} items in the last ${trend.scans} scans, where about ${trend.expected} were to be expected`,
          },
          details: { ...trend },
        },
        report.at,
      );
    }
    const by = { actor: 'utsushi', at: report.at };
    await closeIncidents(tx, OVERDUE, { allBut: [...late.keys()] }, by);
    await closeIncidents(tx, SILENT, { allBut: quiet.map(({ monitor }) => monitor) }, by);
  });
}

interface ScanFacts extends TrendScan {
  readonly state: 'running' | 'done' | 'failed';
  readonly checked: number | null;
  readonly failed: number | null;
  readonly stoppedShort: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The scans of each monitor, newest first: those since then, and the newest complete one however old. */
async function scansByMonitor(db: Database, since: Date): Promise<Map<string, ScanFacts[]>> {
  const rows = await db
    .selectFrom('scans as s')
    .select([
      's.monitor_id',
      's.state',
      's.started_at',
      's.seen',
      's.checked',
      's.failed',
      's.stopped_short',
      's.error',
    ])
    .where((eb) =>
      eb.or([
        eb('s.started_at', '>=', since),
        eb(
          's.started_at',
          '=',
          eb
            .selectFrom('scans as last')
            .whereRef('last.monitor_id', '=', 's.monitor_id')
            .where('last.state', '=', 'done')
            .select(({ fn }) => fn.max('last.started_at').as('at')),
        ),
      ]),
    )
    .orderBy('s.started_at', 'desc')
    .execute();
  const scans = new Map<string, ScanFacts[]>();
  for (const row of rows) {
    const list = scans.get(row.monitor_id) ?? [];
    scans.set(row.monitor_id, list);
    list.push({
      state: row.state,
      startedAt: row.started_at,
      seen: row.seen,
      checked: row.checked,
      failed: row.failed,
      stoppedShort: row.stopped_short,
      error: row.error,
    });
  }
  return scans;
}

function sourceCoverage(
  monitor: Monitor,
  tier: Tier,
  scans: readonly ScanFacts[],
  protocol: Protocol,
  now: Date,
): SourceCoverage {
  const done = scans.filter(({ state }) => state === 'done');
  const newest = scans.find(({ state }) => state !== 'running');
  const last = done[0];
  const period = periodOf(effectiveSchedule(monitor.schedule, tier, protocol), last?.startedAt ?? now);
  const since = Math.max(last?.startedAt.getTime() ?? 0, monitor.createdAt.getTime());
  return {
    monitor: monitor.name,
    kind: monitor.source.kind,
    paused: monitor.paused,
    lastScanAt: last?.startedAt ?? null,
    overdue: !monitor.paused && now.getTime() > since + period * GRACE,
    failing: newest?.state === 'failed' ? (newest.error?.message ?? 'unknown') : null,
    stoppedShort: last?.stoppedShort ?? null,
    trend: trendOf(done),
    scans: scans.length,
    seen: sum(scans.map(({ seen }) => seen)),
    outputs: sum(scans.map(({ checked }) => checked ?? 0)),
    failures: sum(scans.map(({ failed }) => failed ?? 0)),
  };
}

/** The names of the monitors for each asset. */
async function monitorsByAsset(db: Database, monitors: readonly Monitor[]): Promise<Map<string, string[]>> {
  const byAsset = new Map<string, string[]>();
  // Few scopes, many monitors: each scope is asked for once.
  const byScope = new Map<string, Monitor[]>();
  for (const monitor of monitors) {
    const key = JSON.stringify(monitor.scope);
    byScope.set(key, [...(byScope.get(key) ?? []), monitor]);
  }
  for (const group of byScope.values()) {
    const assets = await db.selectFrom('assets').select('id').where(inScope(group[0]!.scope)).execute();
    for (const { id } of assets)
      byAsset.set(id, [...(byAsset.get(id) ?? []), ...group.map(({ name }) => name)]);
  }
  for (const names of byAsset.values()) names.sort();
  return byAsset;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
