import type { Generated } from 'kysely';
import type { Json, Time } from './columns.ts';

export interface TakedownTables {
  cases: CaseRow;
  case_events: CaseEventRow;
  case_alerts: CaseAlertRow;
  notices: NoticeRow;
  notice_templates: NoticeTemplateRow;
  organisation_profiles: OrganisationProfileRow;
}

/** The projection of case_events; rewritten in the transaction that appends an event. */
interface CaseRow {
  id: string;
  state: 'open' | 'closed';
  rung: string;
  /** When the recipient's term is over; null while no clock runs. */
  due_at: Time | null;
  /** When upkeep must look at it next. */
  attend_at: Time | null;
  external_ref: string | null;
  /** The whole folded state. */
  body: Json<unknown>;
  opened_at: Time;
  last_event_at: Time;
  last_seq: number;
}

interface CaseEventRow {
  case_id: string;
  seq: number;
  type: string;
  actor: string;
  at: Time;
  /** What a reporting system calls this event: the same key comes in once. */
  key: string | null;
  body: Json<unknown>;
}

/** What a case is about: a confirmed alert, or a watch entry that a person promoted. */
interface CaseAlertRow {
  case_id: string;
  alert_id: string | null;
  watch_id: string | null;
  role: 'opened' | 'added' | 're-upload';
}

/** A notice as it was approved; never changed afterwards. */
interface NoticeRow {
  id: string;
  case_id: string;
  form: string;
  lang: 'ja' | 'en';
  template_version: string;
  document: Json<unknown>;
  /** The same as data (Lumen's shape). */
  export: Json<unknown>;
  /** Of the document's canonical JSON. */
  sha256: string;
  attestations: Json<string[]>;
  approved_by: string;
  approved_at: Time;
}

/** A template that the user put in place of the one that comes with Utsushi; the newest version counts. */
interface NoticeTemplateRow {
  form: string;
  lang: 'ja' | 'en';
  version: number;
  /** YAML, as the user wrote it. */
  source: string;
  actor: string;
  created_at: Time;
}

/** Who makes the claims; the newest version counts. */
interface OrganisationProfileRow {
  version: Generated<number>;
  body: Json<unknown>;
  actor: string;
  created_at: Time;
}
