import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { UtsushiError, asUtsushiError } from '../../errors.ts';
import type { ComputePool } from '../../platform/compute/pool.ts';
import type { Examined } from '../../platform/compute/tasks.ts';
import { fetchImage } from '../../platform/fetch/fetch-image.ts';
import type { WebClient } from '../../platform/fetch/web-client.ts';
import type { TermHit } from '../../platform/provenance/index.ts';
import { type BlobStore, type Spool, readBounded } from '../../platform/storage/blobs.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { ALGORITHM_VERSION, decodeFingerprint } from '../../vision/fingerprint/fingerprint.ts';
import { type LiveIndex, type LiveTerms, type Protocol, holdVersion } from '../catalogue/index.ts';
import { type Compared, NOTHING_COMPARED, compare } from './compare.ts';
import { finishSighting, takePending } from './finish.ts';
import { recordKnown } from './known.ts';
import { type Looked, lookAt } from './output-picture.ts';
import { type VersionedPolicy, currentPolicy } from './policies.ts';
import { recordComparison } from './record.ts';
import { relianceHits } from './reliance.ts';
import { type SightingState, failSighting, findSighting, noteFetched } from './sightings.ts';

export interface CheckDependencies {
  readonly db: Database;
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
  const sighting = await findSighting(deps.db, sightingId);
  if (sighting === undefined) throw new UtsushiError('not_found', `no sighting has the id ${sightingId}`);
  if (sighting.state !== 'pending') {
    // The process that recorded it may have died before it could do this.
    await deps.spool.remove(sightingId);
    return undefined;
  }
  try {
    const bytes = await bytesOf(deps, sighting);
    const known = lookAgain ? undefined : await recordKnown(deps, sighting, bytes);
    if (known !== undefined) {
      await deps.spool.remove(sightingId);
      return known;
    }
    const looked = await lookAt(
      deps,
      { bytes },
      // What is kept of an output that raises no alert, to compare it with a later asset.
      { shrink: sighting.acquisition === 'fetched' },
    );
    const recorded = await recordCheck(deps, sighting, looked, bytes);
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

async function bytesOf(deps: CheckDependencies, sighting: SightingState): Promise<Uint8Array> {
  const url = sighting.image_url;
  if (url === null || sighting.acquisition !== 'fetched') return deps.spool.get(sighting.id);
  if (!/^https?:/i.test(url)) return storedBytes(deps, sighting.id, url);
  const { bytes, ...answer } = await fetchImage(deps.web, url, {
    maxBytes: deps.limits.maxBytes,
    // What a person names is fetched as their browser would; what a scan found obeys robots.txt.
    robots: sighting.scan_id === null ? 'ignore' : 'obey',
    patienceMs: TURN_PATIENCE_MS,
  });
  // Noted as it happens: whatever becomes of the check, this was seen.
  await noteFetched(deps.db, sighting.id, answer, deps.clock());
  return bytes;
}

/** Bytes that only a source can read: the scan put them into the spool. A local file may also be read again later. */
async function storedBytes(deps: CheckDependencies, sightingId: string, url: string): Promise<Uint8Array> {
  try {
    return await deps.spool.get(sightingId);
  } catch (thrown) {
    if (!url.startsWith('file:')) throw thrown;
    return readBounded(fileURLToPath(url), deps.limits.maxBytes);
  }
}

/**
 * Compares and records in such a way that nothing slips between two catalogue versions: the transaction holds the
 * version still, and when it is not the one that was compared with, the comparison is done again.
 */
async function recordCheck(
  deps: CheckDependencies,
  sighting: SightingState,
  { examined, picture }: Looked,
  bytes: Uint8Array,
): Promise<RecordedCheck | undefined> {
  const policy = await currentPolicy(deps.db);
  const reliance = await relianceHits(deps, examined.provenance, sighting);
  for (let attempt = 0; attempt < ATTEMPTS_ON_CHANGE; attempt++) {
    await deps.index.refresh(deps.db);
    const version = deps.index.version;
    const compared =
      picture === undefined ? NOTHING_COMPARED : await compare(deps, picture, policy, 'candidates');
    const { matches, ms } = compared;
    // The file must lie in the store before a row may say so; without its row it is merely unused.
    const keepOriginal = matches.length > 0 || sighting.acquisition !== 'fetched';
    const retained = keepOriginal ? bytes : examined.shrunk!;
    const retainedSha256 = await deps.blobs.put(retained);
    const recorded = await deps.db.transaction().execute(async (tx) => {
      if ((await holdVersion(tx)) !== version) return 'catalogue changed' as const;
      return writeCheck(tx, {
        sighting,
        examined,
        compared,
        reliance,
        protocol: deps.protocol,
        policy,
        version,
        ms: { ...examined.ms, ...ms },
        retained: { as: keepOriginal ? 'original' : 'shrunk', sha256: retainedSha256 },
        at: deps.clock(),
      });
    });
    if (recorded !== 'catalogue changed') return recorded;
  }
  throw new UtsushiError('index_stale', `the catalogue changed ${ATTEMPTS_ON_CHANGE} times during one check`);
}

interface CheckToWrite {
  readonly sighting: SightingState;
  readonly examined: Examined;
  readonly compared: Compared;
  readonly reliance: readonly TermHit[];
  readonly protocol: Protocol;
  readonly policy: VersionedPolicy;
  readonly version: number;
  readonly ms: Record<string, number>;
  readonly retained: { readonly as: 'original' | 'shrunk'; readonly sha256: string };
  readonly at: Date;
}

async function writeCheck(tx: Executor, todo: CheckToWrite): Promise<RecordedCheck | undefined> {
  const { sighting, examined, compared, at } = todo;
  const { matches } = compared;
  if (!(await takePending(tx, sighting.id))) return undefined;
  const outputId = await upsertOutput(tx, todo);
  const verdict =
    'unhashable' in examined.outcome ? 'unhashable' : matches.length > 0 ? 'candidate' : 'no-candidate';
  const reason = 'unhashable' in examined.outcome ? examined.outcome.unhashable : null;
  const { checkId, alertIds } = await recordComparison(tx, {
    outputId,
    depth: compared.depth,
    catalogueVersion: todo.version,
    policyVersion: todo.policy.version,
    verdict,
    reason,
    matches,
    reliance: todo.reliance,
    sightingId: sighting.id,
    ms: todo.ms,
    at,
    protocol: todo.protocol,
  });
  await finishSighting(tx, {
    sighting,
    outputId,
    outputSha256: examined.sha256,
    checkId,
    verdict,
    matches,
    catalogueVersion: todo.version,
    policy: todo.policy,
    also: { provenance: examined.provenance, reliance: todo.reliance },
    at,
  });
  return { checkId, alertIds, look: { examined, compared } };
}

async function upsertOutput(tx: Executor, { examined, retained, at }: CheckToWrite): Promise<string> {
  const row = await tx
    .insertInto('outputs')
    .values({
      id: randomUUID(),
      sha256: examined.sha256,
      format: examined.format,
      width: examined.width,
      height: examined.height,
      byte_length: examined.byteLength,
      retained: retained.as,
      retained_sha256: retained.sha256,
      provenance: JSON.stringify(examined.provenance),
      created_at: at,
    })
    // The update takes the row's lock even where it changes nothing: checks of one output go one after the other.
    .onConflict((conflict) =>
      conflict.column('sha256').doUpdateSet((eb) => ({
        retained: eb
          .case()
          .when('outputs.retained', '=', 'original')
          .then('original' as const)
          .else(retained.as)
          .end(),
        retained_sha256: eb
          .case()
          .when('outputs.retained', '=', 'original')
          .then(eb.ref('outputs.retained_sha256'))
          .else(retained.sha256)
          .end(),
      })),
    )
    .returning('id')
    .executeTakeFirstOrThrow();
  if ('fingerprint' in examined.outcome) {
    const data = Buffer.from(examined.outcome.fingerprint);
    await tx
      .insertInto('fingerprints')
      .values({
        sha256: examined.sha256,
        algorithm_version: ALGORITHM_VERSION,
        quality: decodeFingerprint(data).quality,
        data,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  return row.id;
}
