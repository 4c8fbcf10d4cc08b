import { probeUrl } from '../../platform/fetch/probe.ts';
import type { WebClient } from '../../platform/fetch/web-client.ts';
import type { Material, UrlOutcome } from './case.ts';

/** More of a page or picture than this need not be read to know that it is there. */
const MAX_BYTES = 256 * 1024;

export interface Look {
  readonly url: string;
  readonly outcome: UrlOutcome;
  /** HTTP status of the answer that decided; null where there was none. */
  readonly status: number | null;
}

/**
 * Looks whether material is still where it was. A page that answers as before may still say "deleted" in words that no
 * program knows, so a picture of its own address decides where there is one. Never fails: what cannot be told is
 * `unknown`.
 *
 * @returns one look for each page (or picture, where no page is known)
 */
export async function lookAgain(web: WebClient, materials: readonly Material[]): Promise<Look[]> {
  const looks = new Map<string, Look[]>();
  for (const { pageUrl, imageUrl } of materials) {
    const url = pageUrl ?? imageUrl;
    if (url === null) continue;
    const seen = [...(pageUrl === null ? [] : [pageUrl]), ...(imageUrl === null ? [] : [imageUrl])];
    const answers: Look[] = [];
    for (const each of seen) answers.push(await look(web, each));
    const decisive = answers.find(({ outcome }) => outcome === 'gone') ?? answers.at(-1)!;
    looks.set(url, [...(looks.get(url) ?? []), { ...decisive, url }]);
  }
  // A page with several pictures is clean when all of them are gone.
  const order: readonly UrlOutcome[] = ['present', 'unknown', 'gone'];
  return [...looks.values()].map(
    (all) => all.toSorted((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome))[0]!,
  );
}

async function look(web: WebClient, url: string): Promise<Look> {
  const { state, status } = await probeUrl(web, url, {
    sha256: null,
    maxBytes: MAX_BYTES,
    robots: 'ignore',
  });
  return { url, outcome: state === 'up' ? 'present' : state === 'gone' ? 'gone' : 'unknown', status };
}
