import type { ColumnType, Generated } from 'kysely';
import type { AlertsTables } from './schema/alerts.ts';
import type { Json, Time } from './schema/columns.ts';
import type { DeliveryTables } from './schema/delivery.ts';
import type { MonitoringTables } from './schema/monitoring.ts';
import type { PeopleTables } from './schema/people.ts';
import type { SourcesTables } from './schema/sources.ts';
import type { TakedownTables } from './schema/takedown.ts';

type Bytes = Buffer;

/** The tables as code sees them; the SQL that makes them is in migrations/. Columns follow DESIGN.md's words. */
export interface Tables
  extends AlertsTables, DeliveryTables, MonitoringTables, PeopleTables, SourcesTables, TakedownTables {
  catalogue_state: CatalogueState;
  assets: AssetRow;
  licences: LicenceRow;
  reference_images: ReferenceImageRow & IndexedColumns;
  fingerprints: FingerprintRow;
  policies: PolicyRow;
  outputs: OutputRow;
  sightings: SightingRow;
  checks: CheckRow;
  matches: MatchRow;
  audit_records: AuditRecordRow;
  audit_chain: AuditChainRow;
  audit_anchors: AuditAnchorRow;
}

/** One row. `version` rises by one in every transaction that changes what outputs are compared with. */
interface CatalogueState {
  singleton: boolean;
  version: number;
  /** Every change up to this version has been compared with all stored outputs (retroactive match). */
  matched_version: number;
}

export interface AssetRow {
  id: string;
  series: string | null;
  title: string;
  aliases: Json<string[]>;
  characters: Json<string[]>;
  /** The owner's own words for grouping works, e.g. to watch some of them more often. */
  tags: ColumnType<string[], string | undefined, string>;
  /** Names of fine-tuned models (LoRA) that imitate the work or its characters: words to search by. */
  lora_names: ColumnType<string[], string | undefined, string>;
  author: string | null;
  rights_holder: string | null;
  claim: Json<Record<string, string | null>>;
  human_authorship: string | null;
  tier: 'high' | 'standard';
  published: string | null;
  enabled: boolean;
  created_at: Time;
}

export interface LicenceRow {
  id: Generated<number>;
  asset_id: string;
  licensee: string;
  accounts: Json<string[]>;
  domains: Json<string[]>;
  valid_from: string | null;
  valid_until: string | null;
  territory: Json<string[]>;
}

export interface ReferenceImageRow {
  id: string;
  asset_id: string;
  sha256: string;
  /** The path as imported. */
  file: string;
  format: string;
  width: number;
  height: number;
  /** Catalogue version in which this image was added, or its asset last enabled or disabled. */
  changed_version: number;
}

export const REFERENCE_COLUMNS = [
  'id',
  'asset_id',
  'sha256',
  'file',
  'format',
  'width',
  'height',
  'changed_version',
] as const satisfies readonly (keyof ReferenceImageRow)[];

/** What an index is loaded from: kept beside the image, so that a million of them are read in seconds. */
interface IndexedColumns {
  /** What an index calls the image: small, and never given twice. */
  number: Generated<number>;
  /** What it is found by at standard depth (see encodeWorkHashes), and the algorithm that made it. */
  hashes: Bytes | null;
  hashed_by: string | null;
}

/** What one picture's pixels say, by the bytes of the file: shared by reference images and outputs. */
export interface FingerprintRow {
  sha256: string;
  algorithm_version: string;
  quality: number;
  data: Bytes;
  /** Encoded features (see encodeFeatures) of a reference image; null for a picture only seen as an output. */
  features: Bytes | null;
}

export interface PolicyRow {
  version: Generated<number>;
  body: Json<unknown>;
  reason: string;
  /** The measurement that the thresholds come from; null for the default policy, whose measurement comes with the code. */
  calibration: ColumnType<unknown, string | null | undefined, never>;
  created_at: Time;
}

export interface OutputRow {
  id: string;
  sha256: string;
  format: string;
  width: number;
  height: number;
  byte_length: number;
  /** What is in the blob store: the file itself, or only a shrunk picture for later comparison. */
  retained: 'original' | 'shrunk';
  retained_sha256: string;
  /** What its bytes say about the generator, graded. */
  provenance: Json<unknown>;
  created_at: Time;
}

export interface Fetched {
  at: string;
  status: number;
  /** After redirects. */
  finalUrl: string;
  headers: Record<string, string>;
}

export interface SightingRow {
  id: string;
  state: 'pending' | 'done' | 'failed';
  acquisition: 'fetched' | 'captured-by-person' | 'uploaded';
  acquired_by: string | null;
  /** Where to fetch it; null when its bytes were handed in. */
  image_url: string | null;
  /** What the file was called that was handed in, without folders. */
  file_name: ColumnType<string | null, string | null | undefined, never>;
  page_url: string | null;
  account: string | null;
  posted_at: Time | null;
  /** Country to whose public the place is addressed, ISO 3166 alpha-2; null when nobody said. */
  territory: ColumnType<string | null, string | null | undefined, string | null>;
  seen_at: Time;
  /** What the server said when its picture was fetched. */
  fetched: ColumnType<Fetched | null, string | undefined, string>;
  output_id: string | null;
  check_id: string | null;
  /** The scan that came upon it; null when a person handed it in. */
  scan_id: ColumnType<string | null, string | undefined, never>;
  /** The id of who posted it, which stays when the name in `account` changes. */
  account_id: ColumnType<string | null, string | null | undefined, string>;
  /** Title, tags and prompt as the source gives them. */
  text: ColumnType<string | null, string | null | undefined, string>;
  /** What the source says of how it was made; the bytes may say otherwise. */
  declared: ColumnType<
    { generator: string | null; model: string | null; prompt: string | null } | null,
    string | null | undefined,
    string
  >;
  error: Json<{ code: string; message: string }> | null;
  finished_at: Time | null;
}

export interface CheckRow {
  id: string;
  output_id: string;
  depth: 'standard' | 'deep';
  catalogue_version: number;
  policy_version: number;
  algorithm_version: string;
  verdict: 'no-candidate' | 'candidate' | 'unhashable';
  reason: string | null;
  retroactive: boolean;
  ms: Json<Record<string, number>>;
  created_at: Time;
}

export interface MatchRow {
  id: Generated<number>;
  check_id: string;
  asset_id: string;
  reference_id: string;
  confidence: number;
  candidate: boolean;
  kind: 'reproduction' | 'adaptation';
  body: Json<unknown>;
}

export interface AuditRecordRow {
  id: Generated<number>;
  at: Time;
  kind: string;
  subject: string;
  /** SHA-256 of salt and payload. It stays when salt and payload are purged. */
  digest: Bytes;
  salt: Bytes | null;
  /** Canonical JSON text, kept as text because jsonb would not give the same bytes back. */
  payload: string | null;
}

/** That an authority outside saw the chain's hash at `seq` at that time. */
export interface AuditAnchorRow {
  seq: number;
  /** RFC 3161 token over the entry's hash, DER. */
  token: Bytes;
  at: Time;
}

export interface AuditChainRow {
  seq: number;
  record_id: number;
  previous: Bytes;
  hash: Bytes;
}
