import { randomUUID } from 'node:crypto';
import { UtsushiError } from '../../errors.ts';
import {
  CAPTURE_FILES,
  type CaptureFile,
  type CaptureSettings,
  capturePage,
} from '../../platform/capture/capture-page.ts';
import type { BlobStore } from '../../platform/storage/blobs.ts';
import type { Database } from '../../platform/storage/database.ts';
import { recordAudit } from '../audit/index.ts';
import { decodeText } from './decode-text.ts';

/** How a sighting's page looked, as it is shown. */
export interface Capture {
  readonly id: string;
  readonly acquisition: 'fetched' | 'captured-by-person';
  /** What is to be said of how it was acquired; null where Utsushi fetched it itself. */
  readonly statement: { readonly ja: string; readonly en: string } | null;
  readonly capturedBy: string;
  readonly capturedAt: Date;
  readonly url: string;
  readonly finalUrl: string | null;
  readonly title: string | null;
  readonly status: number | null;
  /** Parts of the page that were not asked for, because the host's limits left no time for them. */
  readonly omitted: number;
  /** SHA-256 of each file that there is. */
  readonly files: Readonly<Partial<Record<CaptureFile, string>>>;
  readonly software: string | null;
}

const STATEMENT = {
  ja: '取得経路は提出者の申告',
  en: 'How it was acquired is the statement of the person who submitted it',
} as const;

/** Of a longer page only the beginning is read for its text. */
const MOST_HTML_BYTES = 4 * 2 ** 20;

interface CaptureStore {
  readonly db: Database;
  readonly blobs: BlobStore;
}

/**
 * Whether a sighting's page should be captured now: a candidate was found on it, nobody captured it yet, and Utsushi
 * came upon it itself.
 */
export async function wantsCapture(db: Database, sightingId: string): Promise<boolean> {
  return (await selectUncaptured(db).where('s.id', '=', sightingId).executeTakeFirst()) !== undefined;
}

/** Sightings that ended within a time and whose page should be captured, the newest first: their ids. */
export async function uncapturedSightings(
  db: Database,
  ended: { readonly after: Date; readonly before: Date },
  limit: number,
): Promise<string[]> {
  const rows = await selectUncaptured(db)
    .where('s.finished_at', '>', ended.after)
    .where('s.finished_at', '<', ended.before)
    .orderBy('s.finished_at', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}

function selectUncaptured(db: Database) {
  return db
    .selectFrom('sightings as s')
    .innerJoin('checks as c', 'c.id', 's.check_id')
    .select('s.id')
    .where('s.acquisition', '=', 'fetched')
    .where('s.page_url', 'like', 'http%')
    .where('c.verdict', '=', 'candidate')
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('page_captures').select('id').whereRef('sighting_id', '=', 's.id'))),
    );
}

/**
 * Captures the page of a sighting into the evidence. Each call makes one more capture: a page may change.
 *
 * @returns the capture's id
 * @throws UtsushiError `not_found` for a sighting without a page; as `capturePage`
 */
export async function captureSighting(
  deps: CaptureStore & { readonly capture: CaptureSettings },
  sightingId: string,
): Promise<string> {
  const sighting = await deps.db
    .selectFrom('sightings')
    .select('page_url')
    .where('id', '=', sightingId)
    .executeTakeFirst();
  if (sighting?.page_url == null)
    throw new UtsushiError('not_found', `${sightingId} is no sighting with a page`);
  const { files, url, finalUrl, title, status, omitted, at, software } = await capturePage(
    sighting.page_url,
    deps.capture,
  );
  return storeCapture(deps, sightingId, at, {
    acquisition: 'fetched',
    capturedBy: 'utsushi',
    capturedAt: at,
    url,
    finalUrl,
    title,
    status,
    omitted,
    files: Object.fromEntries(CAPTURE_FILES.map((name) => [name, files[name].bytes])),
    software,
  });
}

/** Stores what a person captured where Utsushi cannot go, e.g. behind a sign-in. */
export async function storePersonsCapture(
  deps: CaptureStore,
  sightingId: string,
  capture: {
    readonly by: string;
    /** When they say that they captured it, and when they handed it in. */
    readonly at: Date;
    readonly receivedAt: Date;
    readonly url: string;
    readonly title: string | null;
    readonly files: Partial<Record<CaptureFile, Uint8Array>>;
    readonly software: string | null;
  },
): Promise<string> {
  const { by, at, receivedAt, ...rest } = capture;
  return storeCapture(deps, sightingId, receivedAt, {
    ...rest,
    acquisition: 'captured-by-person',
    capturedBy: by,
    capturedAt: at,
    finalUrl: null,
    status: null,
    omitted: 0,
  });
}

/** The captures of a sighting's page, oldest first. */
export async function listCaptures(db: Database, sightingId: string): Promise<Capture[]> {
  const rows = await db
    .selectFrom('page_captures')
    .selectAll()
    .where('sighting_id', '=', sightingId)
    .orderBy('captured_at')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    acquisition: row.acquisition,
    statement: row.acquisition === 'captured-by-person' ? STATEMENT : null,
    capturedBy: row.captured_by,
    capturedAt: row.captured_at,
    url: row.url,
    finalUrl: row.final_url,
    title: row.title,
    status: row.status,
    omitted: row.omitted,
    files: row.files,
    software: row.software,
  }));
}

/** What a captured page says, by where on it. */
export interface CapturedText {
  readonly titles: readonly string[];
  /** Of the newest capture that has its HTML; see PageText. */
  readonly near: string;
  readonly away: string;
}

/**
 * The text of a sighting's page as it was captured.
 *
 * @param imageUrl where the sighting's picture lies, as far as it is known
 */
export async function capturedText(
  { db, blobs }: CaptureStore,
  sightingId: string,
  imageUrl: string | null,
): Promise<CapturedText> {
  const captures = await db
    .selectFrom('page_captures')
    .select(['title', 'url', 'final_url', 'files'])
    .where('sighting_id', '=', sightingId)
    .orderBy('captured_at', 'desc')
    .execute();
  const titles = [...new Set(captures.flatMap(({ title }) => title ?? []))];
  const newest = captures.find(({ files }) => files.html !== undefined);
  if (newest === undefined) return { titles, near: '', away: '' };
  const html = (await blobs.get(newest.files.html!)).subarray(0, MOST_HTML_BYTES);
  // Loaded on demand: most sightings have no capture.
  const [{ parseDocument }, { PageText }] = await Promise.all([
    import('htmlparser2'),
    import('./page-text.ts'),
  ]);
  const text = new PageText(parseDocument(asText(html)));
  return { titles, ...text.around(imageUrl, newest.final_url ?? newest.url) };
}

/** Browsers hand out UTF-8, whatever the page's `meta` says of the encoding in which it came. */
function asText(html: Uint8Array): string {
  try {
    // As a stream, since the end may be cut within a character.
    return new TextDecoder('utf-8', { fatal: true }).decode(html, { stream: true });
  } catch {
    return decodeText(html, undefined);
  }
}

/** @throws UtsushiError `not_found` */
export async function readCaptureFile(deps: CaptureStore, id: string, name: CaptureFile): Promise<Buffer> {
  const row = await deps.db
    .selectFrom('page_captures')
    .select('files')
    .where('id', '=', id)
    .executeTakeFirst();
  const sha256 = row?.files[name];
  if (sha256 === undefined) throw new UtsushiError('not_found', `no capture ${id} has a file ${name}`);
  return deps.blobs.get(sha256);
}

async function storeCapture(
  { db, blobs }: CaptureStore,
  sightingId: string,
  at: Date,
  capture: Omit<Capture, 'id' | 'statement' | 'files'> & { files: Partial<Record<CaptureFile, Uint8Array>> },
): Promise<string> {
  const id = randomUUID();
  const files: Partial<Record<CaptureFile, string>> = {};
  for (const name of CAPTURE_FILES) {
    const bytes = capture.files[name];
    if (bytes !== undefined) files[name] = await blobs.put(bytes);
  }
  await db.transaction().execute(async (tx) => {
    await tx
      .insertInto('page_captures')
      .values({
        id,
        sighting_id: sightingId,
        acquisition: capture.acquisition,
        captured_by: capture.capturedBy,
        captured_at: capture.capturedAt,
        url: capture.url,
        final_url: capture.finalUrl,
        title: capture.title,
        status: capture.status,
        omitted: capture.omitted,
        files: JSON.stringify(files),
        software: capture.software,
      })
      .execute();
    await recordAudit(tx, [
      {
        at,
        kind: 'page.captured',
        subject: id,
        payload: {
          sightingId,
          acquisition: capture.acquisition,
          capturedBy: capture.capturedBy,
          capturedAt: capture.capturedAt,
          statement: capture.acquisition === 'captured-by-person' ? STATEMENT.ja : null,
          url: capture.url,
          finalUrl: capture.finalUrl,
          status: capture.status,
          omitted: capture.omitted,
          files,
          software: capture.software,
        },
      },
    ]);
  });
  return id;
}
