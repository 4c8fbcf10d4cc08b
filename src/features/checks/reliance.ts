import { type Provenance, type TermHit, relianceTexts } from '../../platform/provenance/index.ts';
import type { Executor } from '../../platform/storage/database.ts';
import type { LiveTerms } from '../catalogue/index.ts';

/** Where an output was seen, as far as it may name a work. */
interface SeenText {
  readonly page_url: string | null;
  readonly image_url: string | null;
  /** Title, tags and prompt as the source gave them. */
  readonly text: string | null;
  readonly declared: { readonly model: string | null; readonly prompt: string | null } | null;
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
  for (const [where, text] of [
    ['source text', seen?.text],
    ['declared prompt', seen?.declared?.prompt],
    ['declared model', seen?.declared?.model],
  ] as const) {
    if (text != null && text !== '') texts.push({ where, text });
  }
  return texts.length === 0 ? [] : (await terms.current(db)).match(texts);
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
