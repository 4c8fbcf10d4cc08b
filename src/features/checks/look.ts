import { basename } from 'node:path';
import { type ErrorCode, asUtsushiError } from '../../errors.ts';
import type { Provenance, TermHit } from '../../platform/provenance/index.ts';
import type { Examined, PictureSource } from '../../platform/compute/tasks.ts';
import { readBounded } from '../../platform/storage/blobs.ts';
import { fetchImage } from '../../platform/fetch/fetch-image.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import { type CheckDependencies, type RecordedCheck, checkSighting } from './check.ts';
import { type Compared, type Match, NOTHING_COMPARED, type Question, chosen, compare } from './compare.ts';
import { drawMatch } from './evidence.ts';
import { type Looked, lookAt } from './output-picture.ts';
import type { VersionedPolicy } from './policies.ts';
import { type SeenText, relianceHits } from './reliance.ts';
import { openSighting, openUpload } from './sightings.ts';

/** The answer for one target, as `utsushi check --json` prints it. Durations in milliseconds. */
export type CheckAnswer =
  | {
      readonly target: string;
      readonly sha256: string;
      /** Null when nothing was recorded. */
      readonly checkId: string | null;
      readonly alertIds: readonly string[];
      readonly verdict: 'no-candidate' | 'candidate' | 'unhashable';
      readonly reason?: string;
      readonly matches: readonly ShownMatch[];
      readonly provenance: StatedProvenance;
      /** Names of works in what the file says of itself, in its name and in where it was seen. */
      readonly reliance: readonly TermHit[];
      readonly ms: {
        readonly decode: number;
        readonly fingerprint: number;
        readonly search: number;
        readonly verify: number;
      };
      readonly catalogueVersion: number;
      readonly policyVersion: number;
      readonly algorithmVersion: string;
    }
  | { readonly target: string; readonly error: { readonly code: ErrorCode; readonly message: string } };

/** What the bytes say about the generator; what they do not say is left out, but for the generator. */
export type StatedProvenance = Pick<Provenance, 'grade' | 'generator'> & Partial<Provenance>;

/** A match as it is printed; where evidence was asked for, with the place of its picture or why there is none. */
export type ShownMatch = Omit<Match, 'candidate'> & {
  readonly evidence?: string;
  readonly evidenceError?: { readonly code: ErrorCode; readonly message: string };
};

/** Who hands a target in, and where it was seen; with it the check is recorded. */
export interface RecordAs {
  readonly by: string;
  readonly pageUrl: string | null;
}

export interface Ask {
  readonly policy: VersionedPolicy;
  readonly question: Question;
  readonly record?: RecordAs;
  /** Given the evidence picture (PNG) of each match listed; returns where it was put. */
  readonly keepEvidence?: (target: string, assetId: string, png: Uint8Array) => Promise<string>;
}

/**
 * Checks one file or URL in this process. Writes nothing, unless `record` says as whom: then the output, its
 * sighting, the check and its alerts are stored by the same road that a worker takes.
 *
 * @param target a path, or an http(s) URL
 * @returns never throws for a bad target: its error is the answer
 */
export async function checkTarget(deps: CheckDependencies, target: string, ask: Ask): Promise<CheckAnswer> {
  try {
    if (ask.record === undefined) {
      const source = isUrl(target)
        ? {
            bytes: (await fetchImage(deps.web, target, { maxBytes: deps.limits.maxBytes, robots: 'ignore' }))
              .bytes,
          }
        : { path: target };
      const looked = await lookAt(deps, source);
      return await answer(deps, target, looked.examined, await compareWith(deps, looked, ask), source, ask);
    }
    const recorded = await recordTarget(deps, target, ask.record);
    const { examined } = recorded.look;
    const source = await keptPicture(deps, examined.sha256);
    const compared = {
      ...recorded.look.compared,
      matches: chosen(recorded.look.compared.all, ask.question),
    };
    return {
      ...(await answer(deps, target, examined, compared, source, ask)),
      checkId: recorded.checkId,
      alertIds: recorded.alertIds,
    };
  } catch (thrown) {
    return { target, error: asUtsushiError(thrown).toJSON() };
  }
}

function isUrl(target: string): boolean {
  return /^https?:\/\//i.test(target);
}

async function recordTarget(
  deps: CheckDependencies,
  target: string,
  as: RecordAs,
): Promise<Required<RecordedCheck>> {
  const seen = { acquiredBy: as.by, pageUrl: as.pageUrl, account: null, postedAt: null };
  const id = isUrl(target)
    ? await openSighting(deps.db, { ...seen, acquisition: 'fetched', imageUrl: target }, deps.clock())
    : await openUpload(
        deps,
        await readBounded(target, deps.limits.maxBytes),
        { ...seen, fileName: basename(target) },
        deps.clock(),
      );
  // Nobody else knows of this sighting until the sweeper would find it, so this attempt is the one that counts.
  const recorded = await checkSighting(deps, id, true, true);
  return { ...recorded!, look: recorded!.look! };
}

/**
 * Checks a picture that somebody holds in hand, before everything that waits in the queue; writes nothing.
 *
 * @param name what to call it in the answer
 * @throws UtsushiError about the picture
 */
export async function checkBytes(
  deps: CheckDependencies,
  name: string,
  bytes: Uint8Array,
  ask: Pick<Ask, 'policy' | 'question'>,
): Promise<Exclude<CheckAnswer, { error: unknown }>> {
  const source = { bytes };
  await deps.index.refresh(deps.db);
  const looked = await lookAt(deps, source, {}, { urgent: true });
  return answer(deps, name, looked.examined, await compareWith(deps, looked, ask), source, ask);
}

/** What the store holds of an output. */
async function keptPicture(
  { db, blobs }: CheckDependencies,
  sha256: string,
): Promise<PictureSource['source']> {
  const { retained_sha256 } = await db
    .selectFrom('outputs')
    .select('retained_sha256')
    .where('sha256', '=', sha256)
    .executeTakeFirstOrThrow();
  return { path: blobs.path(retained_sha256) };
}

async function compareWith(
  deps: CheckDependencies,
  { picture }: Looked,
  { policy, question }: Pick<Ask, 'policy' | 'question'>,
): Promise<Compared> {
  return picture === undefined ? NOTHING_COMPARED : compare(deps, picture, policy, question);
}

async function answer(
  deps: CheckDependencies,
  target: string,
  examined: Examined,
  { matches, found, ms }: Compared,
  source: PictureSource['source'],
  ask: Ask,
): Promise<Exclude<CheckAnswer, { error: unknown }>> {
  const { outcome, provenance } = examined;
  const versions = {
    catalogueVersion: deps.index.version,
    policyVersion: ask.policy.version,
    algorithmVersion: ALGORITHM_VERSION,
  };
  const { sha256, width, height } = examined;
  const show = async (match: Match): Promise<ShownMatch> => {
    const { candidate: _, ...shown } = match;
    if (ask.keepEvidence === undefined) return shown;
    try {
      const png = await drawMatch(deps, { match, output: { source, sha256, width, height }, ...versions });
      return { ...shown, evidence: await ask.keepEvidence(target, match.assetId, png) };
    } catch (thrown) {
      // A picture that cannot be drawn must not hide the match.
      return { ...shown, evidenceError: asUtsushiError(thrown).toJSON() };
    }
  };
  return {
    target,
    sha256,
    checkId: null,
    alertIds: [],
    verdict: 'unhashable' in outcome ? 'unhashable' : found ? 'candidate' : 'no-candidate',
    ...('unhashable' in outcome ? { reason: outcome.unhashable } : {}),
    matches: await Promise.all(matches.map(show)),
    provenance: withoutNulls(provenance!),
    reliance: await relianceHits(deps, provenance, seenAs(target, ask)),
    ms: { decode: examined.ms.decode, fingerprint: examined.ms.fingerprint, ...ms },
    ...versions,
  };
}

/** What is known of where a target was seen, before anything is recorded. */
function seenAs(target: string, { record }: Ask): SeenText {
  return {
    id: null,
    is_captured: false,
    page_url: record?.pageUrl ?? null,
    ...(isUrl(target)
      ? { image_url: target, file_name: null }
      : { image_url: null, file_name: basename(target) }),
    text: null,
    declared: null,
  };
}

function withoutNulls(provenance: Provenance): StatedProvenance {
  const stated = Object.fromEntries(Object.entries(provenance).filter(([, value]) => value !== null));
  return { ...stated, grade: provenance.grade, generator: provenance.generator };
}
