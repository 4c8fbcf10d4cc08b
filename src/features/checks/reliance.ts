import { type Provenance, type TermHit, relianceTexts } from '../../platform/provenance/index.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { nameAlerts } from '../alerts/index.ts';
import type { LiveTerms } from '../catalogue/index.ts';
import { UTSUSHI } from './record.ts';
import { findSighting } from './sightings.ts';

/** Where an output was seen, as far as it may name a work. */
export interface SeenText {
  /** Of the sighting, whose page may have been captured; absent where nothing is recorded. */
  readonly id?: string;
  readonly page_url: string | null;
  readonly image_url: string | null;
  readonly file_name: string | null;
  /** Title, tags and prompt as the source gave them. */
  readonly text: string | null;
  readonly declared: { readonly model: string | null; readonly prompt: string | null } | null;
}

/**
 * Names of watched works in what an output says of itself (prompt, LoRA, source names), in what the
 * file was called, and in where it was seen (addresses, page title, the source's text). They
 * speak of reliance, and never of similarity.
 */
export async function relianceHits(
  db: Executor,
  terms: LiveTerms,
  provenance: Provenance | null,
  seen: SeenText | undefined,
): Promise<TermHit[]> {
  const texts = provenance === null ? [] : relianceTexts(provenance);
  for (const [where, url] of [
    ['page URL', seen?.page_url],
    ['image URL', seen?.image_url],
  ] as const) {
    const words = url == null ? '' : wordsOfUrl(url);
    if (words !== '') texts.push({ where, text: words });
  }
  for (const [where, text] of [
    ['file name', seen?.file_name],
    ...(await titlesOf(db, seen?.id)).map((title) => ['page title', title] as const),
    ['source text', seen?.text],
    ['declared prompt', seen?.declared?.prompt],
    ['declared model', seen?.declared?.model],
  ] as const) {
    if (text != null && text !== '') texts.push({ where, text });
  }
  return texts.length === 0 ? [] : (await terms.current(db)).match(texts);
}

/**
 * After the page of a sighting was captured: a work that its title names moves up the alert that the output raised for
 * that work.
 */
export async function namesOnCapturedPage(
  deps: { readonly db: Database; readonly terms: LiveTerms; readonly clock: () => Date },
  sightingId: string,
): Promise<void> {
  const sighting = await findSighting(deps.db, sightingId);
  if (sighting?.output_id == null) return;
  const { output_id } = sighting;
  const hits = await relianceHits(deps.db, deps.terms, null, sighting);
  if (hits.length === 0) return;
  const by = { actor: UTSUSHI, at: deps.clock() };
  await deps.db.transaction().execute((tx) => nameAlerts(tx, output_id, hits, by));
}

/** Titles of the sighting's page as it was captured. */
async function titlesOf(db: Executor, sightingId: string | undefined): Promise<(string | null)[]> {
  if (sightingId === undefined) return [];
  const captures = await db
    .selectFrom('page_captures')
    .select('title')
    .distinct()
    .where('sighting_id', '=', sightingId)
    .execute();
  return captures.map(({ title }) => title);
}

/** Of a web address: path and query without their percent signs; the host names a service, not a work. */
function wordsOfUrl(url: string): string {
  // The path of a local file names this machine's folders.
  if (!URL.canParse(url) || !/^https?:/i.test(url)) return '';
  const { pathname, search } = new URL(url);
  const text = `${pathname} ${search}`.replaceAll(/[/?&=+]+/g, ' ');
  try {
    return decodeURIComponent(text).trim();
  } catch {
    return text.trim();
  }
}
