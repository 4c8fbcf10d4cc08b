import { type Provenance, type TermHit, relianceTexts } from '../../platform/provenance/index.ts';
import type { Executor } from '../../platform/storage/database.ts';
import type { LiveTerms } from '../catalogue/index.ts';

/** Where an output was seen, as far as it may name a work. */
interface SeenText {
  readonly page_url: string | null;
  readonly image_url: string | null;
}

/**
 * Names of watched works in what an output says of itself (prompt, LoRA, source names) and in where it was seen. They
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
  return texts.length === 0 ? [] : (await terms.current(db)).match(texts);
}

/** Path and query without their percent signs; the host names a service, not a work. */
function wordsOfUrl(url: string): string {
  if (!URL.canParse(url)) return '';
  const { pathname, search } = new URL(url);
  const text = `${pathname} ${search}`.replaceAll(/[/?&=+]+/g, ' ');
  try {
    return decodeURIComponent(text).trim();
  } catch {
    return text.trim();
  }
}
