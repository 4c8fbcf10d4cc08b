import type { Provenance } from '../../platform/provenance/index.ts';
import { type TermHit, type TermText, relianceTexts } from '../../platform/provenance/terms.ts';
import type { BlobStore } from '../../platform/storage/blobs.ts';
import type { Database } from '../../platform/storage/database.ts';
import { AWAY_FROM_PICTURE, nameAlerts } from '../alerts/index.ts';
import type { LiveTerms } from '../catalogue/index.ts';
import { UTSUSHI } from './record.ts';
import { findSighting } from './sightings.ts';

/** Where an output was seen, as far as it may name a work. */
export interface SeenText {
  /** The sighting's; null where nothing is recorded. */
  readonly id: string | null;
  readonly is_captured: boolean;
  readonly page_url: string | null;
  readonly image_url: string | null;
  readonly file_name: string | null;
  /** Title, tags and prompt as the source gave them. */
  readonly text: string | null;
  readonly declared: { readonly model: string | null; readonly prompt: string | null } | null;
}

export interface RelianceDependencies {
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly terms: LiveTerms;
}

/**
 * Names of watched works in what an output says of itself (prompt, LoRA, source names), in what the file was called,
 * and in where it was seen (addresses, title and text of the captured page, the source's text). They speak of reliance,
 * and never of similarity.
 *
 * @param catalogueVersion names of the works of this version at least; left out, of the newest
 */
export async function relianceHits(
  deps: RelianceDependencies,
  provenance: Provenance | null,
  seen: SeenText | undefined,
  catalogueVersion?: number,
): Promise<TermHit[]> {
  const texts: TermText[] = provenance === null ? [] : relianceTexts(provenance);
  for (const [where, url] of [
    ['page URL', seen?.page_url],
    ['image URL', seen?.image_url],
  ] as const) {
    const words = url == null ? '' : wordsOfUrl(url);
    if (words !== '') texts.push({ where, text: words });
  }
  for (const [where, text] of [
    ['file name', seen?.file_name],
    ['source text', seen?.text],
    ['declared prompt', seen?.declared?.prompt],
    ['declared model', seen?.declared?.model],
  ] as const) {
    if (text != null && text !== '') texts.push({ where, text });
  }
  if (seen?.is_captured === true && seen.id !== null)
    texts.push(...(await capturedTexts(deps, seen.id, seen.image_url)));
  if (texts.length === 0) return [];
  const hits = (await deps.terms.current(deps.db, catalogueVersion)).match(texts);
  // That the rest of the page says it too adds nothing.
  const closer = new Set(hits.filter(isClose).map(({ assetId, term }) => `${assetId} ${term}`));
  return hits.filter((hit) => isClose(hit) || !closer.has(`${hit.assetId} ${hit.term}`));
}

const isClose = ({ where }: TermHit) => where !== AWAY_FROM_PICTURE;

/**
 * After the page of a sighting was captured: a work that its title or text names moves up the alert that the output
 * raised for that work.
 */
export async function namesOnCapturedPage(
  deps: RelianceDependencies & { readonly clock: () => Date },
  sightingId: string,
): Promise<void> {
  const sighting = await findSighting(deps.db, sightingId);
  if (sighting?.output_id == null) return;
  const { output_id } = sighting;
  const hits = await relianceHits(deps, null, sighting);
  if (hits.length === 0) return;
  const by = { actor: UTSUSHI, at: deps.clock() };
  await deps.db.transaction().execute((tx) => nameAlerts(tx, output_id, hits, by));
}

async function capturedTexts(
  deps: RelianceDependencies,
  sightingId: string,
  imageUrl: string | null,
): Promise<TermText[]> {
  // Loaded on demand: a check of a file needs none of the sources.
  const { capturedText } = await import('../sources/index.ts');
  const { titles, near, away } = await capturedText(deps, sightingId, imageUrl);
  return [
    ...titles.map((text) => ({ where: 'page title', text })),
    { where: 'page text near the picture', text: near, prose: true },
    { where: AWAY_FROM_PICTURE, text: away, prose: true },
  ];
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
