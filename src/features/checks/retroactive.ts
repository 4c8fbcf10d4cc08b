import { asUtsushiError } from '../../errors.ts';
import type { Provenance, TermHit } from '../../platform/provenance/index.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { LiveIndex, readVersion } from '../catalogue/index.ts';
import type { CheckDependencies } from './check.ts';
import { type Question, compare } from './compare.ts';
import { type OutputPicture, lookAt } from './output-picture.ts';
import { type VersionedPolicy, currentPolicy } from './policies.ts';
import { UTSUSHI, recordComparison } from './record.ts';
import { relianceHits } from './reliance.ts';
import { findSighting, openSighting } from './sightings.ts';

export interface RetroactiveReport {
  /** Stored outputs compared with what changed in the catalogue. */
  readonly outputs: number;
  /** Of these, how many could not be read from what was kept. */
  readonly unreadable: number;
  /** Alerts for pairs of output and asset, new or there before. */
  readonly alerts: number;
  readonly catalogueVersion: number;
}

/** Confidence depends on what else the catalogue holds, so what is weak among a few works alone may not be in the end. */
const WORTH_A_LOOK: Question = { minConfidence: 0.1, top: 1 };

/**
 * Compares every stored output with the reference images that were added or enabled since the last such run. Nothing
 * is fetched again: the pictures that were kept are looked at. Interrupted or run twice at once it only repeats itself: alerts are unique, and the
 * mark of what was done moves at the end.
 */
export async function matchRetroactively(
  deps: CheckDependencies,
  onProgress?: (done: number, total: number) => void,
): Promise<RetroactiveReport> {
  const { db } = deps;
  const { version, matchedVersion } = await readVersion(db);
  if (version === matchedVersion) return { outputs: 0, unreadable: 0, alerts: 0, catalogueVersion: version };
  const changes = new LiveIndex(currentPolicy, { after: matchedVersion });
  await changes.refresh(db);
  const policy = await currentPolicy(db);
  const total = await countOutputs(db);
  const done = { outputs: 0, unreadable: 0, alerts: 0 };
  // An output recorded under an older catalogue version than `changes` shows was committed before that version was;
  // one that is recorded while this runs was compared with it already. So one walk over the ids sees all.
  for (let after: string | undefined; changes.size > 0;) {
    const page = await storedOutputs(db, after, deps.compute.size * 2);
    if (page.length === 0) break;
    await Promise.all(
      page.map(async (output) => {
        const picture = await lookAgain({ ...deps, index: changes }, output);
        done.outputs += 1;
        if (picture === undefined) done.unreadable += 1;
        else if ((await compare({ db, index: changes }, picture, policy, WORTH_A_LOOK)).matches.length > 0) {
          await deps.index.refresh(db);
          done.alerts += await recordRetroactive(deps, output, picture, policy);
        }
      }),
    );
    after = page.at(-1)!.id;
    onProgress?.(done.outputs, Math.max(total, done.outputs));
  }
  await db
    .updateTable('catalogue_state')
    .set({ matched_version: changes.version })
    .where('matched_version', '<', changes.version)
    .execute();
  return { ...done, catalogueVersion: changes.version };
}

interface StoredOutput {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly retained: 'original' | 'shrunk';
  readonly retained_sha256: string;
}

export function storedOutputs(
  db: Database,
  after: string | undefined,
  limit: number,
): Promise<StoredOutput[]> {
  return (
    db
      .selectFrom('outputs as o')
      // Those without fingerprints by any algorithm have nothing to be recognised by; the others are looked at anew.
      .where((eb) => eb.exists(eb.selectFrom('fingerprints as f').whereRef('f.sha256', '=', 'o.sha256')))
      .$if(after !== undefined, (query) => query.where('o.id', '>', after!))
      .select(['o.id', 'o.width', 'o.height', 'o.retained', 'o.retained_sha256'])
      .orderBy('o.id')
      .limit(limit)
      .execute()
  );
}

/** The features of a stored output, from the picture that was kept; undefined when that cannot be read any more. */
export async function lookAgain(
  deps: CheckDependencies,
  output: StoredOutput,
): Promise<OutputPicture | undefined> {
  try {
    const source = { path: deps.blobs.path(output.retained_sha256) };
    const { picture } = await lookAt(deps, source, { pixelsOnly: true });
    // What was kept may be smaller than what was seen.
    return picture === undefined ? undefined : { ...picture, width: output.width, height: output.height };
  } catch (thrown) {
    // What may pass must not be passed over: the whole run is tried again.
    if (asUtsushiError(thrown).retryable) throw thrown;
    return undefined;
  }
}

/** Records a check of the output against the whole catalogue as it is now, as an ordinary check would. */
async function recordRetroactive(
  deps: CheckDependencies,
  output: StoredOutput,
  picture: OutputPicture,
  policy: VersionedPolicy,
): Promise<number> {
  const catalogueVersion = deps.index.version;
  const { matches, depth } = await compare(deps, picture, policy, 'candidates');
  if (matches.length === 0) return 0;
  const at = deps.clock();
  const reliance = await storedReliance(deps, output.id);
  return deps.db.transaction().execute(async (tx) => {
    await tx.selectFrom('outputs').select('id').where('id', '=', output.id).forUpdate().execute();
    const { alertIds } = await recordComparison(tx, {
      outputId: output.id,
      depth,
      catalogueVersion,
      policyVersion: policy.version,
      verdict: 'candidate',
      reason: null,
      matches,
      sightingId: null,
      ms: {},
      at,
      protocol: deps.protocol,
      reliance,
    });
    if (output.retained === 'shrunk') await fetchAgain(tx, output.id, at);
    return alertIds.length;
  });
}

async function storedReliance(deps: CheckDependencies, outputId: string): Promise<TermHit[]> {
  const { provenance } = await deps.db
    .selectFrom('outputs')
    .select('provenance')
    .where('id', '=', outputId)
    .executeTakeFirstOrThrow();
  const seen = await deps.db
    .selectFrom('sightings')
    .select('id')
    .where('output_id', '=', outputId)
    .orderBy('seen_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  const sighting = seen === undefined ? undefined : await findSighting(deps.db, seen.id);
  return relianceHits(deps, provenance as Provenance | null, sighting);
}

/** Only a shrunk picture was kept of this output; now that it matters, ask its place for the original again. */
async function fetchAgain(tx: Executor, outputId: string, at: Date): Promise<void> {
  const seen = await tx
    .selectFrom('sightings')
    .selectAll()
    .where('output_id', '=', outputId)
    // What only a source can read, an object store say, cannot be asked for again here.
    .where((eb) => eb.or([eb('image_url', 'like', 'http%'), eb('image_url', 'like', 'file:%')]))
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
      territory: seen.territory,
    },
    at,
  );
}

export async function countOutputs(db: Database): Promise<number> {
  const { count } = await db
    .selectFrom('outputs')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}
