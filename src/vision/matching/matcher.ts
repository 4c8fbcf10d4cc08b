import type { Features, Views } from '../fingerprint/features.ts';
import type { WorkHashes } from '../fingerprint/work-hashes.ts';
import { IdSet } from '../search/id-set.ts';
import { type KeypointAnswer, KeypointIndex } from '../search/keypoint-index.ts';
import type { BaseBuilder } from '../search/multi-index.ts';
import type { Vocabulary } from '../search/vocabulary.ts';
import { HashIndexes } from './hash-indexes.ts';
import type { Depth } from './policy.ts';

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
    this.#standard = new HashIndexes({ build });
    this.#deep = new HashIndexes({ build });
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
