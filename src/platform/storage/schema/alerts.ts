import type { Generated } from 'kysely';
import type { Json, Time } from './columns.ts';

export interface AlertsTables {
  alerts: AlertRow;
  alert_events: EventRow & { alert_id: string };
  alert_counts: AlertCountRow;
  clusters: ClusterRow;
  tolerance_rules: ToleranceRuleRow;
  watch_entries: WatchEntryRow;
  watch_events: EventRow & { watch_id: string };
  quarantined_assets: QuarantinedAssetRow;
  held_findings: HeldFindingRow;
  saved_views: SavedViewRow;
}

/** The projection of alert_events; rewritten in the transaction that appends an event. */
export interface AlertRow {
  id: string;
  output_id: string;
  asset_id: string;
  /** The reference image that the output resembles most; null where the check is older than this column. */
  reference_id: string | null;
  state: 'open' | 'in-review' | 'second-review' | 'escalated' | 'decided';
  decision: 'confirm' | 'not-similar' | 'licensed' | 'tolerated' | 'escalate' | null;
  decided_by: string | null;
  decided_at: Time | null;
  /** The rule that a licensed or tolerated alert stands under, as it was then. */
  rule: Json<unknown> | null;
  /** Places to which a decision without a rule is confined. */
  scope: Json<unknown> | null;
  /** The alert whose human decision this one inherits. */
  inherited_from: string | null;
  assignee: string | null;
  kind: 'reproduction' | 'adaptation';
  confidence: number;
  check_id: string;
  sightings: number;
  retroactive: boolean;
  /** The asset's tier when the alert was last raised. */
  tier: 'high' | 'standard';
  /** Where the output was last seen: a host name, or how it was handed in. */
  source: string;
  cluster_id: string;
  /** PDQ hash of the output as 256 binary digits; null when it has none. */
  hash: string | null;
  /** PDQ quality, 0..100. */
  hash_quality: number | null;
  /** Names of the asset that the output's prompt or page speaks of. */
  reliance: Json<{ assetId: string; term: string; where: string }[]>;
  /** 0..100; the inbox shows the highest first. */
  priority: number;
  due_at: Time;
  opened_at: Time;
  last_event_at: Time;
  last_seq: number;
}

/** Kept by a trigger on alerts; `none` stands for null. */
interface AlertCountRow {
  state: string;
  tier: string;
  kind: string;
  decision: string;
  assignee: string;
  source: string;
  n: number;
}

interface EventRow {
  seq: number;
  type: string;
  actor: string;
  at: Time;
  body: Json<unknown>;
}

/** Alerts of one series whose outputs are near-copies of the first one's. */
interface ClusterRow {
  id: string;
  /** The series, or the asset where it belongs to none. */
  series_key: string;
  hash: string | null;
  opened_at: Time;
}

/** Use that the rights holder puts up with, from one place or many. Lists that are empty restrict nothing. */
export interface ToleranceRuleRow {
  id: Generated<number>;
  name: string;
  /** One of the two is set: what is tolerated. */
  asset_id: string | null;
  series: string | null;
  accounts: Json<string[]>;
  domains: Json<string[]>;
  valid_from: string | null;
  valid_until: string | null;
  territory: Json<string[]>;
  reason: string;
  created_by: string;
  created_at: Time;
  ended_by: string | null;
  ended_at: Time | null;
}

/** An output whose prompt or page names a work, while its pixels resemble none of that work's pictures. */
export interface WatchEntryRow {
  id: string;
  output_id: string;
  asset_id: string;
  state: 'open' | 'dismissed' | 'promoted';
  terms: Json<{ assetId: string; term: string; where: string }[]>;
  sightings: number;
  opened_at: Time;
  last_event_at: Time;
  last_seq: number;
}

/** An asset whose findings raise no alerts until its incident is closed. */
interface QuarantinedAssetRow {
  asset_id: string;
  since: Time;
}

/** A finding of a quarantined asset, kept so that it can still become an alert. */
interface HeldFindingRow {
  id: Generated<number>;
  asset_id: string;
  output_id: string;
  finding: Json<unknown>;
  at: Time;
}

/** A named filter of the inbox. */
export interface SavedViewRow {
  id: string;
  owner: string;
  name: string;
  shared: boolean;
  /** The query string of GET /api/alerts. */
  query: string;
  created_at: Time;
}
