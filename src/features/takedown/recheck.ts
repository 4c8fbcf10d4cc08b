import { type LookDependencies, type PlaceLook, lookAtPlace } from '../monitoring/index.ts';
import type { Material, UrlOutcome } from './case.ts';

export interface Look {
  readonly url: string;
  readonly outcome: UrlOutcome;
  /** HTTP status of the answer that decided; null where there was none. */
  readonly status: number | null;
}

/**
 * Looks whether material is still where it was, by its picture and its page. Never fails: what a person has to judge,
 * like a picture that still answers though its page is gone, is `unknown`.
 *
 * @returns one look for each page (or picture, where no page is known)
 */
export async function lookAgain(deps: LookDependencies, materials: readonly Material[]): Promise<Look[]> {
  const looks = new Map<string, Look[]>();
  for (const { pageUrl, imageUrl, outputSha256 } of materials) {
    const url = pageUrl ?? imageUrl;
    if (url === null) continue;
    const place = { pageUrl, imageUrl, outputSha256 };
    const { result, status } = await lookAtPlace(deps, place, { robots: 'ignore' });
    looks.set(url, [...(looks.get(url) ?? []), { url, outcome: OUTCOMES[result], status }]);
  }
  // A page with several pictures is clean when all of them are gone.
  const order: readonly UrlOutcome[] = ['present', 'unknown', 'gone'];
  return [...looks.values()].map(
    (all) => all.toSorted((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome))[0]!,
  );
}

const OUTCOMES: Readonly<Record<PlaceLook['result'], UrlOutcome>> = {
  up: 'present',
  gone: 'gone',
  changed: 'unknown',
  unreachable: 'unknown',
};
