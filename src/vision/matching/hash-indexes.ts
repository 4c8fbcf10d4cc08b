import type { Views } from '../fingerprint/features.ts';
import { HASH_BITS, hammingDistance } from '../fingerprint/hash.ts';
import { structureDistance } from '../fingerprint/structure-hash.ts';
import type { WorkHashes } from '../fingerprint/work-hashes.ts';
import type { IndexHit } from '../search/hamming-index.ts';
import { type BaseBuilder, MultiIndex } from '../search/multi-index.ts';
import { StructureIndex } from '../search/structure-index.ts';

/** Works proposed by each hash. */
const PROPOSED_BY_HASH = 6;
/** Whole and trimmed. */
const MOST_VIEWS = 2;
/** Asked of the hash indexes, which know views, not works. */
const NEAREST = { k: PROPOSED_BY_HASH * MOST_VIEWS };
/** More than any index holds. */
const ALL = 2 ** 30;

/**
 * How far apart a work and an output may lie by the hashes of two of their views for a closer look at standard depth:
 * bits of PDQ and half the bits of structure together. The more works, the more of them lie near by accident, so the
 * nearer it must be. Measured on pictures known to be different (docs/decisions/0012 says how many pass).
 */
export function mostApart(works: number): number {
  return 100 - 17 * Math.min(2, Math.max(-1.2, Math.log10(works / 10_000)));
}
/** What counts as the distance by PDQ of a view that is too soft for it: near enough for structure to decide. */
const SOFT = 80;

/** Beyond so many bits of PDQ too many views lie by accident to look at each: few works, which structure is soon asked of. */
const MOST_BY_PDQ = 100;
/** From so many views on, near ones are found sooner by either hash, each within its share of the limit, than all by PDQ. */
const MANY_VIEWS = 1_000_000;
/** Sixteen chunks of a hash then differ by two bits at most, which looking into buckets is quick for. */
const MOST_OF_MANY_BY_PDQ = 47;

export interface HashIndexesOptions {
  /** Where indexes are built anew; in this thread by default. */
  readonly build?: BaseBuilder | undefined;
  /** See MANY_VIEWS. */
  readonly manyViews?: number;
}

/** Reference images by the hashes of their views. */
export class HashIndexes {
  readonly #hashes: MultiIndex;
  readonly #structures = new StructureIndex();
  /** Of the views that are too soft for PDQ, once more. */
  readonly #soft = new StructureIndex();
  readonly #manyViews: number;
  #size = 0;

  constructor({ build, manyViews = MANY_VIEWS }: HashIndexesOptions = {}) {
    this.#hashes = new MultiIndex({ ...(build && { build }) });
    this.#manyViews = manyViews;
  }

  add(id: number, { views }: WorkHashes): void {
    this.#size += 1;
    for (const [i, { pdq, structure }] of views.entries()) {
      this.#structures.add(id * MOST_VIEWS + i, structure);
      if (pdq === null) this.#soft.add(id * MOST_VIEWS + i, structure);
      else this.#hashes.add(id * MOST_VIEWS + i, pdq);
    }
  }

  remove(id: number): void {
    this.#size -= 1;
    for (let i = 0; i < MOST_VIEWS; i++) {
      this.#hashes.remove(id * MOST_VIEWS + i);
      this.#structures.remove(id * MOST_VIEWS + i);
      this.#soft.remove(id * MOST_VIEWS + i);
    }
  }

  settle(): Promise<void> {
    return this.#hashes.settle();
  }

  /**
   * Whether any work lies so near that it is worth a closer look: whether a view of it and one of the output's are at
   * most so far apart in some orientation. No such pair is missed.
   *
   * @param most see mostApart
   */
  hasNear(output: Views, most = mostApart(this.#size)): boolean {
    const isNear = ({ id }: IndexHit) => this.#isNear(id, output, most);
    const pdq = output.views.flatMap((view) => view.pdq ?? []);
    const structure = output.views.flatMap((view) => view.structure);
    // Two views are no further apart by PDQ alone than by both. Those beyond this by PDQ are near by structure, if at all.
    const isMany = this.#structures.size >= this.#manyViews;
    const byPdq = Math.min(Math.floor(most), isMany ? MOST_OF_MANY_BY_PDQ : MOST_BY_PDQ);
    const byStructure = 2 * (most - byPdq - 1);
    if (this.#hashes.nearest(pdq, { k: ALL, radius: byPdq, negatives: true }).some(isNear)) return true;
    if (within(byStructure, this.#structures, structure).some(isNear)) return true;
    // Views without PDQ, there and here.
    const bySoft = 2 * (most - SOFT);
    const soft = output.views.flatMap((view) => (view.pdq === null ? view.structure : []));
    return (
      within(bySoft, this.#soft, structure).some(isNear) ||
      within(bySoft, this.#structures, soft).some(isNear)
    );
  }

  /** Whether the stored view and any of the output's are at most so far apart. */
  #isNear(id: number, output: Views, most: number): boolean {
    const pdq = this.#hashes.get(id);
    let structure: Int32Array | undefined;
    for (const seen of output.views) {
      for (const [orientation, code] of seen.structure.entries()) {
        const other = seen.pdq?.[orientation];
        const distance = pdq === undefined || other === undefined ? SOFT : hammingDistance(pdq, other);
        // The hash of a picture's negative is the complement.
        const byPdq = Math.min(distance, HASH_BITS - distance);
        if (byPdq > most) continue;
        structure ??= this.#structures.get(id)!;
        if (byPdq + structureDistance(structure, code) / 2 <= most) return true;
      }
    }
    return false;
  }

  /** Ids of the nearest, by one hash and by the other. */
  nearest({ views }: Views): { byHash: number[]; byStructure: number[] } {
    return {
      byHash: worksOf(
        this.#hashes.nearest(
          views.flatMap(({ pdq }) => pdq ?? []),
          { ...NEAREST, negatives: true },
        ),
      ),
      byStructure: worksOf(
        this.#structures.nearest(
          views.flatMap(({ structure }) => structure),
          NEAREST,
        ),
      ),
    };
  }
}

/** All that are within the radius of any of the codes; none within a negative one. */
function within(radius: number, index: StructureIndex, codes: readonly Int32Array[]): IndexHit[] {
  return radius < 0 ? [] : index.nearest(codes, { k: ALL, radius: Math.floor(radius) });
}

/** The first works whose views were hit. */
function worksOf(hits: readonly IndexHit[]): number[] {
  return [...new Set(hits.map(({ id }) => Math.floor(id / MOST_VIEWS)))].slice(0, PROPOSED_BY_HASH);
}
