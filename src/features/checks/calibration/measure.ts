import { UtsushiError, asUtsushiError } from '../../../errors.ts';
import { SIMULATED_COPIES, type SimulatedCopy } from '../../../platform/image/simulated-copies.ts';
import { decodeFeatures } from '../../../vision/fingerprint/features.ts';
import { ALGORITHM_VERSION } from '../../../vision/fingerprint/fingerprint.ts';
import {
  chooseThreshold,
  countScores,
  describeThreshold,
  interval,
  negativesNeeded,
} from '../../../vision/matching/calibration.ts';
import type { Tier } from '../../../vision/matching/policy.ts';
import type { IndexedReference } from '../../catalogue/index.ts';
import type { CheckDependencies } from '../check.ts';
import { findWorks } from '../compare.ts';
import { type OutputPicture, lookAt } from '../output-picture.ts';
import { currentPolicy } from '../policies.ts';
import type { Calibration, Magnet, Suspect, TierCalibration } from './calibration.ts';

export interface CalibrationRequest {
  /** Paths of pictures known to be different from every work. */
  readonly negatives: readonly string[];
  readonly targetFpr: number;
  /** What to do with negatives that look like copies; undefined: count them, and leave the decision open. */
  readonly suspects: 'count' | 'set-aside' | undefined;
  /** Works of each tier from which simulated copies are made. */
  readonly works: number;
  readonly onProgress?: (step: 'negatives' | 'copies', done: number, total: number) => void;
}

const TIERS: readonly Tier[] = ['high', 'standard'];
/** A picture "known to be different" that scores so high is worth a look: it may be a copy after all. */
const SUSPECT_SCORE = 0.9;
/** However different the negatives are: a match that hardly believes in itself is no candidate. */
const LEAST_THRESHOLD = 0.1;
const HIGHEST_SHOWN = 10;
/** A work collides with a different picture where it comes first with so much; most pictures reach far less. */
const COLLISION_SCORE = 0.05;
/** Three chance collisions are rare; of many negatives, half the false alarms allowed to all works together. */
const FEWEST_COLLISIONS = 3;
/** Or where it comes first, however weakly, for so many, for this share of all, and for so many times its share. */
const FEWEST_FIRST = 20;
const LARGEST_SHARE = 0.02;
const TIMES_ITS_SHARE = 4;
/** With fewer keypoints, or smaller than this, there is little to recognise a picture by; most works have about 370. */
const FEW_KEYPOINTS = 200;
const SMALL_SIDE = 48;
const REFERENCES_A_PAGE = 500;

interface Scored {
  readonly file: string;
  readonly best: Partial<Record<Tier, { readonly score: number; readonly work: IndexedReference }>>;
}

/**
 * Measures how pictures known to be different, and simulated copies of the owner's works, score against the catalogue,
 * and chooses for each tier the lowest threshold that keeps the promised rate of false alarms. Stores nothing.
 *
 * @throws UtsushiError `too_few_negatives`, saying how many are needed; `usage` where the catalogue is empty
 */
export async function measureCalibration(
  deps: CheckDependencies,
  request: CalibrationRequest,
): Promise<Calibration> {
  const needed = negativesNeeded(request.targetFpr);
  refuseTooFew(request.negatives.length, needed, request.targetFpr, 'were given');
  await deps.index.refresh(deps.db);
  if (deps.index.size === 0)
    throw new UtsushiError('usage', 'the catalogue is empty: import works before calibrating');
  const catalogueVersion = deps.index.version;
  const policy = await currentPolicy(deps.db);

  const { scored, ...counted } = await scoreNegatives(deps, request);
  const suspects = scored.flatMap(suspectOf).toSorted((a, b) => b.score - a.score);
  const aside = new Set(request.suspects === 'set-aside' ? suspects.map(({ file }) => file) : []);
  const used = scored.filter(({ file }) => !aside.has(file));
  refuseTooFew(used.length, needed, request.targetFpr, 'were of use');

  const references = await enabledReferences(deps);
  const tiers: Record<Tier, TierCalibration | null> = { high: null, standard: null };
  const inUse = TIERS.filter((tier) => references.some((each) => each.tier === tier));
  const works = inUse.flatMap((tier) =>
    oneOfEach(references.filter((each) => each.tier === tier)).slice(0, request.works),
  );
  const copies = await scoreCopies(deps, works, request.onProgress);
  for (const tier of inUse) {
    const scores = used.map(({ best }) => best[tier]?.score ?? 0);
    const chosen = chooseThreshold(scores, request.targetFpr);
    const raised = chosen.minConfidence < LEAST_THRESHOLD;
    const threshold = raised ? describeThreshold(scores, LEAST_THRESHOLD) : chosen;
    const mine = copies.filter((copy) => copy.tier === tier);
    const found = (list: readonly Copy[]) =>
      list.filter((copy) => copy.score >= threshold.minConfidence).length;
    tiers[tier] = {
      references: references.filter((each) => each.tier === tier).length,
      threshold,
      raised,
      thresholdBefore: policy.tiers[tier].minConfidence,
      scores: countScores(scores),
      highest: used
        .flatMap(({ file, best }) => (best[tier] === undefined ? [] : [asSuspect(file, best[tier])]))
        .toSorted((a, b) => b.score - a.score)
        .slice(0, HIGHEST_SHOWN),
      copies: {
        simulated: true,
        works: works.filter((each) => each.tier === tier).length,
        of: mine.length,
        found: found(mine),
        interval: interval(found(mine), mine.length),
        byKind: SIMULATED_COPIES.map(({ id }) => {
          const list = mine.filter((copy) => copy.kind === id);
          return { kind: id, of: list.length, found: found(list) };
        }),
        scores: countScores(mine.map((copy) => copy.score)),
      },
    };
  }
  return {
    measuredAt: deps.clock().toISOString(),
    algorithmVersion: ALGORITHM_VERSION,
    catalogueVersion,
    targetFpr: request.targetFpr,
    negatives: {
      files: request.negatives.length,
      used: used.length,
      ...counted,
      setAside: aside.size,
    },
    tiers,
    magnets: await findMagnets(deps, used, request.targetFpr, references.length),
    suspects,
    suspectsAre:
      request.suspects === 'set-aside'
        ? 'set-aside'
        : request.suspects === 'count' || suspects.length === 0
          ? 'counted'
          : 'undecided',
  };
}

function refuseTooFew(have: number, needed: number, targetFpr: number, what: string): void {
  if (have >= needed) return;
  throw new UtsushiError(
    'too_few_negatives',
    `a rate of ${targetFpr} needs at least ${needed} pictures known to be different (three divided by the rate), and ${have} ${what}`,
  );
}

async function scoreNegatives(deps: CheckDependencies, { negatives, onProgress }: CalibrationRequest) {
  const scored: Scored[] = [];
  const unreadable: { file: string; code: string }[] = [];
  const seen = new Set<string>();
  let duplicates = 0;
  let unhashable = 0;
  let done = 0;
  await inLanes(negatives, deps.compute.size * 2, async (file) => {
    try {
      const { examined, picture } = await lookAt(deps, { path: file }, { pixelsOnly: true });
      if (seen.has(examined.sha256)) duplicates += 1;
      else if (picture === undefined) unhashable += 1;
      else scored.push({ file, best: await bestOfTiers(deps, picture) });
      seen.add(examined.sha256);
    } catch (thrown) {
      unreadable.push({ file, code: asUtsushiError(thrown).code });
    }
    onProgress?.('negatives', ++done, negatives.length);
  });
  // Lanes end in any order; the answer must not depend on it.
  scored.sort((a, b) => (a.file < b.file ? -1 : 1));
  return { scored, duplicates, unhashable, unreadable };
}

async function bestOfTiers(deps: CheckDependencies, picture: OutputPicture): Promise<Scored['best']> {
  const best: { -readonly [T in Tier]?: { score: number; work: IndexedReference } } = {};
  // They come by falling confidence.
  for (const { reference: work, verified } of (await findWorks(deps, picture)).works) {
    best[work.tier] ??= { score: verified.confidence, work };
  }
  return best;
}

function suspectOf({ file, best }: Scored): Suspect[] {
  const top = highestOf(best);
  return top !== undefined && top.score >= SUSPECT_SCORE ? [asSuspect(file, top)] : [];
}

function highestOf(best: Scored['best']) {
  return TIERS.map((tier) => best[tier])
    .filter((each) => each !== undefined)
    .toSorted((a, b) => b.score - a.score)[0];
}

function asSuspect(file: string, { score, work }: { score: number; work: IndexedReference }): Suspect {
  return { file, score, assetId: work.assetId, title: work.title, reference: work.file };
}

interface EnabledReference {
  readonly tier: Tier;
  readonly assetId: string;
  readonly sha256: string;
}

/** In an order that depends on their bytes alone, so that the same catalogue gives the same simulated copies. */
function enabledReferences({ db }: CheckDependencies): Promise<EnabledReference[]> {
  return db
    .selectFrom('reference_images as r')
    .innerJoin('assets as a', 'a.id', 'r.asset_id')
    .where('a.enabled', '=', true)
    .select(['a.tier', 'r.asset_id as assetId', 'r.sha256'])
    .orderBy('r.sha256')
    .execute();
}

function oneOfEach(references: readonly EnabledReference[]): EnabledReference[] {
  return [...new Map(references.map((each) => [each.assetId, each])).values()];
}

interface Copy {
  readonly kind: SimulatedCopy;
  readonly tier: Tier;
  /** Of the work it is a copy of; 0 when that was not even proposed. */
  readonly score: number;
}

async function scoreCopies(
  deps: CheckDependencies,
  works: readonly EnabledReference[],
  onProgress: CalibrationRequest['onProgress'],
): Promise<Copy[]> {
  const todo = works.flatMap((work) => SIMULATED_COPIES.map(({ id }) => ({ work, kind: id })));
  const copies: Copy[] = [];
  const { limits } = deps;
  let done = 0;
  await inLanes(todo, deps.compute.size * 2, async ({ work, kind }) => {
    const path = deps.blobs.path(work.sha256);
    const bytes = await deps.compute.simulateCopy({ source: { path }, limits, kind });
    const { picture } = await lookAt(deps, { bytes }, { pixelsOnly: true });
    const found = picture === undefined ? [] : (await findWorks(deps, picture)).works;
    const own = found.find(({ reference }) => reference.assetId === work.assetId);
    copies.push({ kind, tier: work.tier, score: own?.verified.confidence ?? 0 });
    onProgress?.('copies', ++done, todo.length);
  });
  return copies;
}

/** The works that collide with many pictures, and those so plain that they may. */
async function findMagnets(
  { db }: CheckDependencies,
  used: readonly Scored[],
  targetFpr: number,
  references: number,
): Promise<Magnet[]> {
  const first = new Map<string, number>();
  const collisions = new Map<string, number[]>();
  for (const { best } of used) {
    const top = highestOf(best);
    if (top === undefined) continue;
    const { referenceId } = top.work;
    first.set(referenceId, (first.get(referenceId) ?? 0) + 1);
    if (top.score < COLLISION_SCORE) continue;
    collisions.set(referenceId, [...(collisions.get(referenceId) ?? []), top.score]);
  }
  const many = Math.max(FEWEST_COLLISIONS, (targetFpr * used.length) / 2);
  const often = Math.max(
    FEWEST_FIRST,
    used.length * LARGEST_SHARE,
    (used.length * TIMES_ITS_SHARE) / references,
  );
  const magnets: Magnet[] = [];
  for (let after = ''; ;) {
    const page = await db
      .selectFrom('reference_images as r')
      .innerJoin('assets as a', 'a.id', 'r.asset_id')
      .innerJoin('fingerprints as f', 'f.sha256', 'r.sha256')
      .where('a.enabled', '=', true)
      .where('f.algorithm_version', '=', ALGORITHM_VERSION)
      .where('f.features', 'is not', null)
      .$if(after !== '', (query) => query.where('r.id', '>', after))
      .select(['r.id', 'r.asset_id', 'a.title', 'r.file', 'r.width', 'r.height', 'f.features'])
      .orderBy('r.id')
      .limit(REFERENCES_A_PAGE)
      .execute();
    for (const row of page) {
      const scores = collisions.get(row.id) ?? [];
      const keypoints = decodeFeatures(row.features!).keypoints.count;
      const firstFor = first.get(row.id) ?? 0;
      const collides = scores.length >= many || firstFor >= often;
      const plain = keypoints < FEW_KEYPOINTS || Math.min(row.width, row.height) < SMALL_SIDE;
      if (!collides && !plain) continue;
      magnets.push({
        assetId: row.asset_id,
        title: row.title,
        reference: row.file,
        collides,
        plain,
        first: firstFor,
        collisions: scores.length,
        highest: Math.max(0, ...scores),
        width: row.width,
        height: row.height,
        keypoints,
      });
    }
    if (page.length < REFERENCES_A_PAGE) break;
    after = page.at(-1)!.id;
  }
  return magnets.toSorted((a, b) => b.collisions - a.collisions || (a.reference < b.reference ? -1 : 1));
}

async function inLanes<T>(
  items: readonly T[],
  lanes: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (const item of { [Symbol.iterator]: () => rest }) await work(item);
    }),
  );
}
