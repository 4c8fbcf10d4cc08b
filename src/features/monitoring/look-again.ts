import { UtsushiError } from '../../errors.ts';
import type { ComputePool } from '../../platform/compute/pool.ts';
import { type Probe, probeUrl } from '../../platform/fetch/probe.ts';
import type { WebClient } from '../../platform/fetch/web-client.ts';
import type { Database } from '../../platform/storage/database.ts';
import { type Fingerprint, decodeFingerprint } from '../../vision/fingerprint/fingerprint.ts';
import { hammingDistance } from '../../vision/fingerprint/hash.ts';
import { fingerprintBySha256, nearCopyRadius } from '../alerts/index.ts';
import { pageShows } from './page-shows.ts';

/** Where a picture was seen: at an address of its own, on a page, or both. */
export interface KnownPlace {
  readonly imageUrl: string | null;
  readonly pageUrl: string | null;
  /** The picture as it was; null where only its presence matters. */
  readonly outputSha256: string | null;
}

/** What became of a place. */
export interface PlaceLook {
  /**
   * `up`: the picture is there. `changed`: something is not as it was, see `detail`. `gone`: the server says so, or the
   * picture is not there and its page says so too. `unreachable`: nothing can be said.
   */
  readonly result: 'up' | 'changed' | 'gone' | 'unreachable';
  /** Of the picture's own address. `alike`: other bytes, the same picture. `another`: not the same; `none`: no picture. */
  readonly picture: 'same' | 'alike' | 'another' | 'none' | 'gone' | 'unreachable' | null;
  /** `shows`: the page names the picture's address. `silent`: it answers, and does not. */
  readonly page: 'shows' | 'silent' | 'gone' | 'unreachable' | null;
  /** Bits of 256 between the hashes of the picture that was and that which is there now; null where not compared. */
  readonly hashDistance: number | null;
  /** SHA-256 of what answers now at the picture's address; null where nothing does. */
  readonly sha256: string | null;
  /** HTTP status of the answer that decided. */
  readonly status: number | null;
  readonly detail: string | null;
  /** The host is not to be asked now: this look does not count. */
  readonly deferred: boolean;
}

export interface LookDependencies {
  readonly db: Database;
  readonly web: WebClient;
  readonly compute: ComputePool;
  readonly limits: { readonly maxPixels: number; readonly maxBytes: number };
}

const MOST_PAGE_BYTES = 4 * 2 ** 20;

/**
 * Looks whether a picture is still where it was seen, by its address and by its page. A page that answers 200 may say
 * "deleted" in words that no program knows, and an address may answer with a placeholder: so bytes are compared by their
 * hash, pictures by what they show, and a page by whether it still names the picture. What the network does is an answer.
 *
 * @throws UtsushiError `compute_timeout`, `compute_crashed`
 */
export async function lookAtPlace(
  deps: LookDependencies,
  place: KnownPlace,
  options: { readonly robots: 'obey' | 'ignore'; readonly signal?: AbortSignal },
): Promise<PlaceLook> {
  const { imageUrl, pageUrl, outputSha256 } = place;
  const picture = imageUrl === null ? null : await lookAtPicture(deps, imageUrl, outputSha256, options);
  const page =
    pageUrl === null || pageUrl === imageUrl ? null : await lookAtPage(deps, pageUrl, imageUrl, options);
  const judged = judge(picture, page, page?.found === 'silent' && (await pageShowed(deps.db, place)));
  const decisive = judged.by === 'page' ? page : (picture ?? page);
  return {
    result: judged.result,
    picture: picture?.found ?? null,
    page: page?.found ?? null,
    hashDistance: picture?.hashDistance ?? null,
    sha256: picture?.probe.sha256 ?? null,
    status: decisive?.probe.status ?? null,
    detail: judged.detail,
    deferred: [picture, page].some((each) => each?.probe.error === 'fetch_deferred'),
  };
}

interface PictureLook {
  readonly found: NonNullable<PlaceLook['picture']>;
  readonly hashDistance: number | null;
  readonly probe: Probe;
}

interface PageLook {
  readonly found: NonNullable<PlaceLook['page']>;
  readonly probe: Probe;
}

async function lookAtPicture(
  deps: LookDependencies,
  url: string,
  sha256: string | null,
  options: { readonly robots: 'obey' | 'ignore'; readonly signal?: AbortSignal },
): Promise<PictureLook> {
  const { maxBytes } = deps.limits;
  const probe = await probeUrl(deps.web, url, { sha256, maxBytes, ...options });
  const seen = (found: PictureLook['found'], hashDistance: number | null = null) => ({
    found,
    hashDistance,
    probe,
  });
  // More bytes than were ever taken here: something else is there now.
  if (probe.error === 'image_too_large') return seen('another');
  if (probe.state === 'gone' || probe.state === 'unreachable') return seen(probe.state);
  if (probe.state === 'up') return seen('same');
  if (probe.bytes === null || sha256 === null) return seen('another');
  const now = await fingerprintOf(deps, probe.bytes);
  if (now === 'none') return seen('none');
  const before = await fingerprintBySha256(deps.db, sha256);
  if (now === undefined || before === undefined) return seen('another');
  const distance = distanceBetween(before, now);
  const alike = distance <= nearCopyRadius(Math.min(before.quality, now.quality));
  return seen(alike ? 'alike' : 'another', distance);
}

async function lookAtPage(
  { web }: LookDependencies,
  url: string,
  imageUrl: string | null,
  options: { readonly robots: 'obey' | 'ignore'; readonly signal?: AbortSignal },
): Promise<PageLook> {
  const probe = await probeUrl(web, url, { sha256: null, maxBytes: MOST_PAGE_BYTES, ...options });
  if (probe.state === 'gone' || probe.state === 'unreachable') return { found: probe.state, probe };
  // A redirect elsewhere leads to a front page or a sign-in.
  if (probe.state === 'changed') return { found: 'silent', probe };
  if (probe.bytes === null) return { found: 'unreachable', probe };
  const shows = imageUrl !== null && pageShows(Buffer.from(probe.bytes).toString('utf8'), imageUrl);
  return { found: shows ? 'shows' : 'silent', probe };
}

interface Judgement {
  readonly result: PlaceLook['result'];
  readonly detail: string | null;
  readonly by: 'picture' | 'page';
}

/**
 * Two witnesses: the picture's address and its page. That a page does not name the picture counts only where it once
 * did: many name it in scripts alone.
 */
function judge(picture: PictureLook | null, page: PageLook | null, pageShowed: boolean): Judgement {
  const pageOver =
    page?.found === 'gone'
      ? `the page answers ${page.probe.status}`
      : page?.found === 'silent' && pageShowed
        ? 'the page no longer shows it'
        : null;
  if (picture === null) {
    if (page === null) return { result: 'unreachable', detail: 'no address is known', by: 'page' };
    if (page.found === 'gone') return { result: 'gone', detail: `HTTP ${page.probe.status}`, by: 'page' };
    if (page.found === 'unreachable') return { result: 'unreachable', detail: page.probe.reason, by: 'page' };
    return page.probe.state === 'changed'
      ? { result: 'changed', detail: 'the page leads elsewhere', by: 'page' }
      : { result: 'up', detail: null, by: 'page' };
  }
  switch (picture.found) {
    case 'gone':
      return { result: 'gone', detail: `HTTP ${picture.probe.status}`, by: 'picture' };
    case 'same':
    case 'alike': {
      if (pageOver !== null)
        return { result: 'changed', detail: `the picture still answers, but ${pageOver}`, by: 'picture' };
      const detail =
        picture.found === 'same' ? null : `other bytes, the same picture (${bits(picture.hashDistance)})`;
      return { result: 'up', detail, by: 'picture' };
    }
    case 'another':
    case 'none': {
      const instead =
        picture.found === 'none'
          ? 'what answers is no picture'
          : `another picture answers${picture.hashDistance === null ? '' : ` (${bits(picture.hashDistance)})`}`;
      return pageOver === null
        ? { result: 'changed', detail: picture.probe.reason ?? instead, by: 'picture' }
        : { result: 'gone', detail: `${instead}, and ${pageOver}`, by: 'picture' };
    }
    case 'unreachable':
      return page?.found === 'gone'
        ? { result: 'gone', detail: pageOver, by: 'page' }
        : { result: 'unreachable', detail: picture.probe.reason, by: 'picture' };
  }
}

const bits = (distance: number | null) => `hash distance ${distance} of 256`;

/** Whether an earlier visit found the page to name the picture's address. */
async function pageShowed(db: Database, { imageUrl, pageUrl }: KnownPlace): Promise<boolean> {
  const visit = await db
    .selectFrom('place_visits as v')
    .innerJoin('sightings as s', 's.id', 'v.sighting_id')
    .select('v.id')
    .where('v.url', '=', imageUrl ?? '')
    .where('v.page', '=', 'shows')
    .where('s.page_url', '=', pageUrl)
    .limit(1)
    .executeTakeFirst();
  return visit !== undefined;
}

/** @returns `none` for bytes that are no picture; undefined for a picture that has no hash */
async function fingerprintOf(
  { compute, limits }: LookDependencies,
  bytes: Uint8Array,
): Promise<Fingerprint | 'none' | undefined> {
  try {
    const { outcome } = await compute.examine({
      role: 'output',
      depth: 'standard',
      pixelsOnly: true,
      source: { bytes },
      limits,
    });
    return 'fingerprint' in outcome ? decodeFingerprint(Buffer.from(outcome.fingerprint)) : undefined;
  } catch (thrown) {
    if (thrown instanceof UtsushiError && !thrown.retryable) return 'none';
    throw thrown;
  }
}

/** As it lies now, to the nearest orientation of what it was. */
function distanceBetween(before: Fingerprint, now: Fingerprint): number {
  const [upright] = now.views[0]!.pdq;
  return Math.min(...before.views[0]!.pdq.map((hash) => hammingDistance(hash, upright!)));
}
