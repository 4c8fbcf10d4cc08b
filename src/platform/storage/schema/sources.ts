import type { Generated } from 'kysely';
import type { Json, Time } from './columns.ts';

export interface SourcesTables {
  fetch_hosts: FetchHostRow;
  fetch_turns: FetchTurnRow;
  page_captures: PageCaptureRow;
}

/** What all workers agreed with one host. By the database's clock. */
interface FetchHostRow {
  /** With its port, unless that is the scheme's own. */
  host: string;
  /** No request begins before. */
  next_at: Time;
  /** The host asked not to be asked before (Retry-After). */
  closed_until: Time;
}

/** A request that is under way. */
interface FetchTurnRow {
  id: string;
  host: string;
  /** Whoever had it is dead by then. */
  expires_at: Time;
}

/** How the page of a sighting looked at a time. */
interface PageCaptureRow {
  id: string;
  sighting_id: string;
  /** `captured-by-person`: how it was acquired is the statement of who submitted it. */
  acquisition: 'fetched' | 'captured-by-person';
  captured_by: string;
  captured_at: Time;
  url: string;
  /** After redirects; null where a person captured it. */
  final_url: string | null;
  title: string | null;
  status: number | null;
  /** Parts of the page that were not asked for, because the host's limits left no time for them. */
  omitted: Generated<number>;
  /** SHA-256 of each file, in the blob store. */
  files: Json<Partial<Record<'png' | 'html' | 'mhtml' | 'pdf', string>>>;
  /** The browser and its version. */
  software: string | null;
}
