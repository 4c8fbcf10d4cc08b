import { type ErrorCode, asUtsushiError } from '../../errors.ts';
import type { Provenance } from '../../platform/provenance/index.ts';
import type { Examined } from '../../platform/compute/tasks.ts';
import { readBounded } from '../../platform/storage/blobs.ts';
import { fetchImage } from '../../platform/fetch/fetch-image.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import { type CheckDependencies, type RecordedCheck, checkSighting } from './check.ts';
import { type Match, type Question, compare, pictureOf } from './compare.ts';
import type { VersionedPolicy } from './policies.ts';
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
      readonly matches: readonly Omit<Match, 'candidate'>[];
      readonly provenance: StatedProvenance;
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

/** Who hands a target in, and where it was seen; with it the check is recorded. */
export interface RecordAs {
  readonly by: string;
  readonly pageUrl: string | null;
}

/**
 * Checks one file or URL in this process. Writes nothing, unless `record` says as whom: then the output, its
 * sighting, the check and its alerts are stored by the same road that a worker takes.
 *
 * @param target a path, or an http(s) URL
 * @returns never throws for a bad target: its error is the answer
 */
export async function checkTarget(
  deps: CheckDependencies,
  target: string,
  ask: { readonly policy: VersionedPolicy; readonly question: Question; readonly record?: RecordAs },
): Promise<CheckAnswer> {
  try {
    if (ask.record === undefined) {
      const source = isUrl(target)
        ? { bytes: (await fetchImage(deps.web, target, { maxBytes: deps.limits.maxBytes })).bytes }
        : { path: target };
      const examined = await deps.compute.examine({ role: 'output', source, limits: deps.limits });
      return answer(deps, target, examined, ask);
    }
    const recorded = await recordTarget(deps, target, ask.record);
    return {
      ...answer(deps, target, recorded.examined, ask),
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

async function recordTarget(deps: CheckDependencies, target: string, as: RecordAs): Promise<RecordedCheck> {
  const seen = { acquiredBy: as.by, pageUrl: as.pageUrl, account: null, postedAt: null };
  const id = isUrl(target)
    ? await openSighting(deps.db, { ...seen, acquisition: 'fetched', imageUrl: target }, deps.clock())
    : await openUpload(deps, await readBounded(target, deps.limits.maxBytes), seen, deps.clock());
  // Nobody else knows of this sighting until the sweeper would find it, so this attempt is the one that counts.
  return (await checkSighting(deps, id, true))!;
}

function answer(
  deps: CheckDependencies,
  target: string,
  examined: Examined,
  ask: { readonly policy: VersionedPolicy; readonly question: Question },
): Exclude<CheckAnswer, { error: unknown }> {
  const { outcome, provenance } = examined;
  const { matches, found, ms } =
    'features' in outcome
      ? compare(deps.index, pictureOf(examined, outcome.features), ask.policy, ask.question)
      : { matches: [], found: false, ms: { search: 0, verify: 0 } };
  return {
    target,
    sha256: examined.sha256,
    checkId: null,
    alertIds: [],
    verdict: 'unhashable' in outcome ? 'unhashable' : found ? 'candidate' : 'no-candidate',
    ...('unhashable' in outcome ? { reason: outcome.unhashable } : {}),
    matches: matches.map(({ candidate: _, ...match }) => match),
    provenance: withoutNulls(provenance!),
    ms: { decode: examined.ms.decode, fingerprint: examined.ms.fingerprint, ...ms },
    catalogueVersion: deps.index.version,
    policyVersion: ask.policy.version,
    algorithmVersion: ALGORITHM_VERSION,
  };
}

function withoutNulls(provenance: Provenance): StatedProvenance {
  const stated = Object.fromEntries(Object.entries(provenance).filter(([, value]) => value !== null));
  return { ...stated, grade: provenance.grade, generator: provenance.generator };
}
