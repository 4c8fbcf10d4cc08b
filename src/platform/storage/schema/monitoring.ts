import type { Generated } from 'kysely';
import type { Json, Time } from './columns.ts';

export interface MonitoringTables {
  incidents: IncidentRow;
  monitors: MonitorRow;
  scans: ScanRow;
  scan_failures: ScanFailureRow;
  source_items: SourceItemRow;
  place_visits: PlaceVisitRow;
}

export interface IncidentRow {
  id: string;
  kind: string;
  subject: string;
  severity: 'warning' | 'critical';
  message: Json<{ ja: string; en: string }>;
  details: Json<Record<string, unknown>>;
  opened_at: Time;
  last_seen_at: Time;
  acknowledged_at: Time | null;
  acknowledged_by: string | null;
  closed_at: Time | null;
  closed_by: string | null;
}

export interface MonitorRow {
  id: string;
  name: string;
  source: Json<unknown>;
  /** Digest of the source: monitors of one source share what they know of its items. */
  source_key: string;
  scope: Json<unknown>;
  /** Null where the protocol's cadence for the tier holds. */
  schedule: Json<unknown> | null;
  paused: boolean;
  /** Country to whose public its source is addressed, ISO 3166 alpha-2; null where nobody said. */
  territory: string | null;
  /** Where the source's next scan begins, in the source's own words. */
  cursor: Json<unknown> | null;
  created_at: Time;
  updated_at: Time;
  /** Its scans stay, as a record of what was looked at. */
  removed_at: Time | null;
}

export interface ScanRow {
  id: string;
  monitor_id: string;
  state: 'running' | 'done' | 'failed';
  trigger: 'schedule' | 'person';
  started_at: Time;
  finished_at: Time | null;
  /** How far the source has been read: everything before it is noted. */
  cursor: Json<unknown> | null;
  /** Whether the source was read to its end. */
  listed: Generated<boolean>;
  /** The process that works on it now, until its lease runs out. By the database's clock. */
  lease_owner: string | null;
  lease_until: Time | null;
  /** Items that the source named. */
  seen: Generated<number>;
  new: Generated<number>;
  skipped: Generated<number>;
  /** Counted when it ends. */
  checked: number | null;
  candidates: number | null;
  failed: number | null;
  /** Why the source's list ended although there is more, e.g. at a page limit. */
  stopped_short: string | null;
  error: Json<{ code: string; message: string }> | null;
}

/** An item that the source could not make sense of. */
export interface ScanFailureRow {
  scan_id: string;
  item: string;
  code: string;
  message: string;
  at: Time;
}

export interface SourceItemRow {
  source_key: string;
  /** Digest of the canonical image URL, page URL and account. */
  item_key: string;
  /** What the source says by which a change would show: an ETag, a size and time. */
  validator: string | null;
  last_scan_id: string;
  last_seen_at: Time;
}

export interface PlaceVisitRow {
  id: Generated<number>;
  sighting_id: string;
  url: string;
  at: Time;
  result: 'up' | 'changed' | 'gone' | 'unreachable';
  detail: string | null;
  /** What was found of its page: `shows` names the picture's address, `silent` answers and does not. */
  page: 'shows' | 'silent' | 'gone' | 'unreachable' | null;
  /** Bits of 256 between the picture that was and the one that answers now. */
  hash_distance: number | null;
}
