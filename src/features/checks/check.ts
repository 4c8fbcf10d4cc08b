import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { UtsushiError, asUtsushiError } from '../../errors.ts';
import type { ComputePool } from '../../platform/compute/pool.ts';
import type { Examined, PictureSource } from '../../platform/compute/tasks.ts';
import { fetchImage } from '../../platform/fetch/fetch-image.ts';
import type { WebClient } from '../../platform/fetch/web-client.ts';
import { type BlobStore, type Spool, readBounded } from '../../platform/storage/blobs.ts';
import type { Database } from '../../platform/storage/database.ts';
import type { LiveIndex, LiveTerms, Protocol } from '../catalogue/index.ts';
import { type Compared, NOTHING_COMPARED, compare } from './compare.ts';
import type { GatheredQueries } from './gathered.ts';
import { recordKnown } from './known.ts';
import { type Looked, lookAt } from './output-picture.ts';
import { recentPolicy } from './policies.ts';
import { relianceHits } from './reliance.ts';
import { type SightingState, failSighting, noteFetched } from './sightings.ts';

export interface CheckDependencies {
  readonly db: Database;
  /** The same database, for what every check asks of it. */
  readonly gathered: GatheredQueries;
  /** Files that are kept. */
  readonly blobs: BlobStore;
  /** Files handed in that wait for their check. */
  readonly spool: Spool;
  readonly compute: ComputePool;
  readonly index: LiveIndex;
  readonly terms: LiveTerms;
  readonly clock: () => Date;
  readonly limits: { readonly maxPixels: number; readonly maxBytes: number };
  readonly web: WebClient;
  /** What is owed to the works of each tier; says by when an alert wants its review. */
  readonly protocol: Protocol;
}

export interface RecordedCheck {
  readonly checkId: string;
  readonly alertIds: readonly string[];
  /** What was seen and found; undefined when the picture was not looked at again. */
  readonly look?: { readonly examined: Examined; readonly compared: Compared };
}

const ATTEMPTS_ON_CHANGE = 10;
/** A catalogue confirmed this long ago is compared with as it is; whether it still held is seen on recording. */
const RECENT_MS = 3_000;
/** Longer than this a check waits for its turn at a host in the queue, not in a worker. */
const TURN_PATIENCE_MS = 500;

/**
 * Takes one pending sighting through the whole road: get its bytes, decode, fingerprint, compare, record. Doing it
 * again changes nothing: a sighting that is no longer pending is left as it is.
 *
 * @param lastAttempt a failure now is final, so a retryable one also ends the sighting as `failed`
 * @param lookAgain also at a picture that was checked before
 * @throws UtsushiError what went wrong; final failures are recorded on the sighting first
 */
export async function checkSighting(
  deps: CheckDependencies,
  sightingId: string,
  lastAttempt: boolean,
  lookAgain = false,
): Promise<RecordedCheck | undefined> {
  const sighting = await deps.gathered.sighting(sightingId);
  if (sighting === undefined) throw new UtsushiError('not_found', `no sighting has the id ${sightingId}`);
  if (sighting.state !== 'pending') {
    // The process that recorded it may have died before it could do this.
    await deps.spool.remove(sightingId);
    return undefined;
  }
  try {
    const recorded = await deps.gathered.whileUnderWay(() => recordSighting(deps, sighting, lookAgain));
    await deps.spool.remove(sightingId);
    return recorded;
  } catch (thrown) {
    const error = asUtsushiError(thrown);
    // Whoever must wait for a host's turn has not tried yet.
    if (error.code !== 'fetch_deferred' && (lastAttempt || !error.retryable)) {
      await failSighting(deps.db, sightingId, error, deps.clock());
      await deps.spool.remove(sightingId);
    }
    throw error;
  }
}

async function recordSighting(
  deps: CheckDependencies,
  sighting: SightingState,
  lookAgain: boolean,
): Promise<RecordedCheck | undefined> {
  const obtained = await obtain(deps, sighting);
  const known = lookAgain ? undefined : await recordKnown(deps, sighting, obtained.sha256);
  if (known !== undefined) return known;
  const looked = await lookAt(
    deps,
    obtained.source,
    // Shrunk is what is kept of an output that raises no alert, to compare it with a later asset.
    { shrink: sighting.acquisition === 'fetched', sha256: obtained.sha256 },
  );
  return recordCheck(deps, sighting, looked, obtained);
}

/** The bytes of an output, where they can be had again while its check lasts. */
interface Obtained {
  readonly sha256: string;
  /** For the compute children: a path costs them less than bytes. */
  readonly source: PictureSource['source'];
  /** Puts the file into the store. */
  readonly keep: (blobs: BlobStore) => Promise<string>;
}

async function obtain(deps: CheckDependencies, sighting: SightingState): Promise<Obtained> {
  const url = sighting.image_url;
  if (url === null || sighting.acquisition !== 'fetched') return fromSpool(deps, sighting.id);
  if (!/^https?:/i.test(url)) return stored(deps, sighting.id, url);
  const { bytes, ...answer } = await fetchImage(deps.web, url, {
    maxBytes: deps.limits.maxBytes,
    // What a person names is fetched as their browser would; what a scan found obeys robots.txt.
    robots: sighting.scan_id === null ? 'ignore' : 'obey',
    patienceMs: TURN_PATIENCE_MS,
  });
  // Noted as it happens: whatever becomes of the check, this was seen.
  await noteFetched(deps.db, sighting.id, answer, deps.clock());
  return inMemory(bytes);
}

async function fromSpool({ spool }: CheckDependencies, id: string): Promise<Obtained> {
  const sha256 = sha256Of(await spool.get(id));
  const path = spool.path(id);
  return { sha256, source: { path }, keep: (blobs) => blobs.adopt(path, sha256) };
}

/** Bytes that only a source can read: the scan put them into the spool. A local file may also be read again later. */
async function stored(deps: CheckDependencies, sightingId: string, url: string): Promise<Obtained> {
  try {
    return await fromSpool(deps, sightingId);
  } catch (thrown) {
    if (!url.startsWith('file:')) throw thrown;
    return inMemory(await readBounded(fileURLToPath(url), deps.limits.maxBytes));
  }
}

function inMemory(bytes: Uint8Array): Obtained {
  return { sha256: sha256Of(bytes), source: { bytes }, keep: (blobs) => blobs.put(bytes) };
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Compares and records in such a way that nothing slips between two catalogue versions: the transaction holds the
 * version still, and when it or the policy is not the one that was compared with, the comparison is done again.
 */
async function recordCheck(
  deps: CheckDependencies,
  sighting: SightingState,
  { examined, picture }: Looked,
  obtained: Obtained,
): Promise<RecordedCheck | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS_ON_CHANGE; attempt++) {
    const { index } = deps;
    if (attempt > 0 || index.age > RECENT_MS || !index.searchesAs(await recentPolicy(deps.db)))
      await index.refresh(deps.db);
    const policy = await recentPolicy(deps.db);
    const { version } = deps.index;
    const reliance = await relianceHits(deps, examined.provenance, sighting, version);
    const compared =
      picture === undefined ? NOTHING_COMPARED : await compare(deps, picture, policy, 'candidates');
    const keepOriginal = compared.matches.length > 0 || sighting.acquisition !== 'fetched';
    // The file must lie in the store before a row may say so; without its row it is merely unused.
    const sha256 = keepOriginal ? await obtained.keep(deps.blobs) : await deps.blobs.put(examined.shrunk!);
    const written = await deps.gathered.write({
      sighting,
      examined,
      compared,
      reliance,
      protocol: deps.protocol,
      policy,
      version,
      ms: { ...examined.ms, ...compared.ms },
      retained: { as: keepOriginal ? 'original' : 'shrunk', sha256 },
      at: deps.clock(),
    });
    if (written === 'over') return undefined;
    if (written !== 'changed') return { ...written, look: { examined, compared } };
  }
  throw new UtsushiError('index_stale', `the catalogue changed ${ATTEMPTS_ON_CHANGE} times during one check`);
}
