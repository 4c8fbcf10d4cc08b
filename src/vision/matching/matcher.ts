import type { Features, Views } from '../fingerprint/features.ts';
import { HASH_BITS, hammingDistance } from '../fingerprint/hash.ts';
import { structureDistance } from '../fingerprint/structure-hash.ts';
import type { WorkHashes } from '../fingerprint/work-hashes.ts';
import type { IndexHit, NearestQuestion } from '../search/hamming-index.ts';
import { IdSet } from '../search/id-set.ts';
import { type KeypointAnswer, KeypointIndex } from '../search/keypoint-index.ts';
import { type BaseBuilder, MultiIndex } from '../search/multi-index.ts';
import { StructureIndex } from '../search/structure-index.ts';
import type { Vocabulary } from '../search/vocabulary.ts';
import type { Depth } from './policy.ts';

/** Works proposed by each hash. */
const PROPOSED_BY_HASH = 6;
/** Whole and trimmed. */
const MOST_VIEWS = 2;
/** Asked of the hash indexes, which know views, not works. */
const NEAREST = { k: PROPOSED_BY_HASH * MOST_VIEWS };
/**
 * How far apart a work and an output may lie by the hashes of two of their views for a closer look at standard depth:
 * bits of PDQ and half the bits of structure together. The more works, the more of them lie near by accident, so the
 * nearer it must be. Measured on pictures known to be different (docs/decisions/0012 says how many pass).
 */
function mostApart(works: number): number {
  return 100 - 17 * Math.min(2, Math.max(-1.2, Math.log10(works / 10_000)));
}
/** What counts as the distance by PDQ of a view that is too soft for it: near enough for structure to decide. */
const SOFT = 80;
/** Of what two views may lie apart, the share up to which they are looked for by PDQ; then by structure. */
const PDQ_PART = 0.65;

/** The reference images that may be in an output: found quickly, and wrong more often than not. */
export interface Shortlist {
  readonly output: Features;
  readonly byKeypoints: KeypointAnswer;
  readonly byHash: readonly number[];
  readonly byStructure: readonly number[];
}

/** All that a shortlist names. */
export function idsOf({ byKeypoints, byHash, byStructure }: Shortlist): number[] {
  return [...new Set([...byKeypoints.works.map(({ id }) => id), ...byHash, ...byStructure])];
}

/** Reference images by the hashes of their views. */
class HashIndexes {
  readonly #hashes: MultiIndex;
  readonly #structures = new StructureIndex();
  #size = 0;

  constructor(build: BaseBuilder | undefined) {
    this.#hashes = new MultiIndex(build === undefined ? {} : { build });
  }

  add(id: number, { views }: WorkHashes): void {
    this.#size += 1;
    for (const [i, { pdq, structure }] of views.entries()) {
      this.#structures.add(id * MOST_VIEWS + i, structure);
      if (pdq !== null) this.#hashes.add(id * MOST_VIEWS + i, pdq);
    }
  }

  remove(id: number): void {
    this.#size -= 1;
    for (let i = 0; i < MOST_VIEWS; i++) {
      this.#hashes.remove(id * MOST_VIEWS + i);
      this.#structures.remove(id * MOST_VIEWS + i);
    }
  }

  settle(): Promise<void> {
    return this.#hashes.settle();
  }

  /** Whether any work lies so near that it is worth a closer look. */
  hasNear(output: Views): boolean {
    if (this.#size === 0) return false;
    const most = mostApart(this.#size);
    // Whoever is beyond both is too far apart by their sum as well; and near ones are found sooner than far ones.
    const hits = [
      ...this.#byHash(output, { ...NEAREST, radius: Math.floor(PDQ_PART * most) }),
      ...this.#byStructure(output, { ...NEAREST, radius: Math.floor(2 * (1 - PDQ_PART) * most) }),
    ];
    const views = new Set(hits.map(({ id }) => id));
    return [...views].some((view) => this.#apart(view, output) <= most);
  }

  /** How far a work's view lies from the nearest of the output's: see mostApart. */
  #apart(view: number, output: Views): number {
    const pdq = this.#hashes.get(view);
    const structure = this.#structures.get(view)!;
    const distances = output.views.flatMap((seen) =>
      seen.structure.map((code, orientation) => {
        const other = seen.pdq?.[orientation];
        const byPdq = pdq === undefined || other === undefined ? SOFT : hammingDistance(pdq, other);
        // The hash of a picture's negative is the complement.
        return Math.min(byPdq, HASH_BITS - byPdq) + structureDistance(structure, code) / 2;
      }),
    );
    return Math.min(...distances);
  }

  /** Ids of the nearest, by one hash and by the other. */
  nearest(output: Views): { byHash: number[]; byStructure: number[] } {
    return {
      byHash: worksOf(this.#byHash(output, NEAREST)),
      byStructure: worksOf(this.#byStructure(output, NEAREST)),
    };
  }

  #byHash({ views }: Views, question: NearestQuestion): IndexHit[] {
    return this.#hashes.nearest(
      views.flatMap(({ pdq }) => pdq ?? []),
      // The hash of a picture's negative is the complement.
      { ...question, negatives: true },
    );
  }

  #byStructure({ views }: Views, question: NearestQuestion): IndexHit[] {
    return this.#structures.nearest(
      views.flatMap(({ structure }) => structure),
      question,
    );
  }
}

/** The first works whose views were hit. */
function worksOf(hits: readonly IndexHit[]): number[] {
  return [...new Set(hits.map(({ id }) => Math.floor(id / MOST_VIEWS)))].slice(0, PROPOSED_BY_HASH);
}

/**
 * All reference images, ready to be found in outputs: at standard depth by the hashes of their views, deeply by their
 * keypoints too. It holds only what they are found by; whoever asks brings the features of those found, which are
 * aligned and looked at before anything counts.
 */
export class Matcher {
  readonly #standard: HashIndexes;
  readonly #deep: HashIndexes;
  readonly #keypoints: KeypointIndex;
  readonly #ids = new IdSet();

  /** @param build where the hash index is built anew; in this thread by default */
  constructor(vocabulary: Vocabulary, build?: BaseBuilder) {
    this.#keypoints = new KeypointIndex(vocabulary);
    this.#standard = new HashIndexes(build);
    this.#deep = new HashIndexes(build);
  }

  get size(): number {
    return this.#ids.size;
  }

  /** How deep an output must be examined to be looked for in all that is here. */
  get depth(): Depth {
    return this.#keypoints.size > 0 ? 'deep' : 'standard';
  }

  has(id: number): boolean {
    return this.#ids.has(id);
  }

  /**
   * At standard depth. The id must be new.
   *
   * @param id an integer of at most 31 bits
   */
  add(id: number, hashes: WorkHashes): void {
    this.#ids.add(id);
    this.#standard.add(id, hashes);
  }

  /** As `add`, and it is found by its keypoints too. */
  addDeep(id: number, hashes: WorkHashes, { keypoints, words }: Pick<Features, 'keypoints' | 'words'>): void {
    this.#ids.add(id);
    this.#deep.add(id, hashes);
    this.#keypoints.add(id, keypoints, words ?? undefined);
  }

  /** Forgets the id; false when it was not there. */
  remove(id: number): boolean {
    if (!this.#ids.remove(id)) return false;
    (this.#keypoints.remove(id) ? this.#deep : this.#standard).remove(id);
    return true;
  }

  /**
   * To be called when works have been added or removed: makes the search by hash fast again if they were many. Answers
   * are right before, meanwhile and after.
   */
  async settle(): Promise<void> {
    await Promise.all([this.#standard.settle(), this.#deep.settle()]);
  }

  /** Whether a work at standard depth is so near by its hashes that the output deserves a closer look. */
  hasNear(output: Views): boolean {
    return this.#standard.hasNear(output);
  }

  /** Which works might be in the output; of those at standard depth none unless one is near. */
  shortlist(output: Features, near = this.hasNear(output)): Shortlist {
    const byKeypoints = this.#keypoints.query(output.keypoints);
    const parts = [this.#deep, ...(near ? [this.#standard] : [])].map((each) => each.nearest(output));
    return {
      output,
      byKeypoints,
      byHash: parts.flatMap(({ byHash }) => byHash),
      byStructure: parts.flatMap(({ byStructure }) => byStructure),
    };
  }
}
