import type { Database, Executor } from '../../platform/storage/database.ts';
import {
  ALGORITHM_VERSION,
  type Fingerprint,
  decodeFingerprint,
} from '../../vision/fingerprint/fingerprint.ts';
import { LiveIndex, readVersion } from '../catalogue/index.ts';
import { compare } from './compare.ts';
import { type VersionedPolicy, currentPolicy } from './policies.ts';
import { UTSUSHI, recordComparison } from './record.ts';
import { openSighting } from './sightings.ts';

export interface RetroactiveReport {
  /** Stored outputs compared with what changed in the catalogue. */
  readonly outputs: number;
  /** Alerts for pairs of output and asset, new or there before. */
  readonly alerts: number;
  readonly catalogueVersion: number;
}

const PAGE = 500;

/**
 * Compares every stored output with the reference images that were added or enabled since the last such run. Nothing
 * is fetched or decoded again. Interrupted or run twice at once it only repeats itself: alerts are unique, and the
 * mark of what was done moves at the end.
 */
export async function matchRetroactively(
  deps: { readonly db: Database; readonly index: LiveIndex; readonly clock: () => Date },
  onProgress?: (done: number, total: number) => void,
): Promise<RetroactiveReport> {
  const { db } = deps;
  const { version, matchedVersion } = await readVersion(db);
  if (version === matchedVersion) return { outputs: 0, alerts: 0, catalogueVersion: version };
  const changes = new LiveIndex(matchedVersion);
  await changes.refresh(db);
  const policy = await currentPolicy(db);
  const total = await countOutputs(db);
  let outputs = 0;
  let alerts = 0;
  // An output recorded under an older catalogue version than `changes` shows was committed before that version was;
  // one that is recorded while this runs was compared with it already. So one walk over the ids sees all.
  for (let after: string | undefined; changes.size > 0;) {
    const page = await storedOutputs(db, after);
    if (page.length === 0) break;
    for (const output of page) {
      outputs += 1;
      const fingerprint = decodeFingerprint(output.data);
      if (compare(changes, fingerprint, policy, 'candidates').found) {
        await deps.index.refresh(db);
        alerts += await recordRetroactive(deps, output, fingerprint, policy);
      }
    }
    after = page.at(-1)!.id;
    onProgress?.(outputs, Math.max(total, outputs));
  }
  await db
    .updateTable('catalogue_state')
    .set({ matched_version: changes.version })
    .where('matched_version', '<', changes.version)
    .execute();
  return { outputs, alerts, catalogueVersion: changes.version };
}

interface StoredOutput {
  readonly id: string;
  readonly retained: 'original' | 'shrunk';
  readonly data: Buffer;
}

function storedOutputs(db: Database, after: string | undefined): Promise<StoredOutput[]> {
  return db
    .selectFrom('outputs as o')
    .innerJoin('fingerprints as f', 'f.sha256', 'o.sha256')
    .where('f.algorithm_version', '=', ALGORITHM_VERSION)
    .$if(after !== undefined, (query) => query.where('o.id', '>', after!))
    .select(['o.id', 'o.retained', 'f.data'])
    .orderBy('o.id')
    .limit(PAGE)
    .execute();
}

/** Records a check of the output against the whole catalogue as it is now, as an ordinary check would. */
async function recordRetroactive(
  deps: { readonly db: Database; readonly index: LiveIndex; readonly clock: () => Date },
  output: StoredOutput,
  fingerprint: Fingerprint,
  policy: VersionedPolicy,
): Promise<number> {
  const catalogueVersion = deps.index.version;
  const { matches } = compare(deps.index, fingerprint, policy, 'candidates');
  if (matches.length === 0) return 0;
  const at = deps.clock();
  return deps.db.transaction().execute(async (tx) => {
    await tx.selectFrom('outputs').select('id').where('id', '=', output.id).forUpdate().execute();
    const { alertIds } = await recordComparison(tx, {
      outputId: output.id,
      catalogueVersion,
      policyVersion: policy.version,
      verdict: 'candidate',
      reason: null,
      matches,
      sightingId: null,
      ms: {},
      at,
    });
    if (output.retained === 'shrunk') await fetchAgain(tx, output.id, at);
    return alertIds.length;
  });
}

/** Only a shrunk picture was kept of this output; now that it matters, ask its place for the original again. */
async function fetchAgain(tx: Executor, outputId: string, at: Date): Promise<void> {
  const seen = await tx
    .selectFrom('sightings')
    .selectAll()
    .where('output_id', '=', outputId)
    .where('image_url', 'is not', null)
    .orderBy('seen_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (seen === undefined) return;
  await openSighting(
    tx,
    {
      acquisition: 'fetched',
      acquiredBy: UTSUSHI,
      imageUrl: seen.image_url,
      pageUrl: seen.page_url,
      account: seen.account,
      postedAt: seen.posted_at,
    },
    at,
  );
}

async function countOutputs(db: Database): Promise<number> {
  const { count } = await db
    .selectFrom('outputs')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}
