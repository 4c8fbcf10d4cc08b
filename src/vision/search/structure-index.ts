import { hashFromWords } from '../fingerprint/hash.ts';
import type { IndexHit, NearestQuestion } from './hamming-index.ts';
import { MultiIndex, type MultiIndexOptions } from './multi-index.ts';

/**
 * Works by their structure hashes (see structureHashes). Copies that only these find are altered ones, a third of the
 * bits away, where no index beats comparing with every code; so that is done, for all orientations at once. Only what
 * is asked of so many codes that a small radius does can be found sooner: they are indexed from `baseFrom` on.
 */
export class StructureIndex {
  readonly #codes: MultiIndex<'structure'>;

  constructor(options: MultiIndexOptions = {}) {
    this.#codes = new MultiIndex({ baseFrom: Infinity, ...options });
  }

  get size(): number {
    return this.#codes.size;
  }

  /**
   * Stores a copy of the code.
   *
   * @param id an unsigned 32-bit integer
   * @throws RangeError when the id is already stored
   */
  add(id: number, code: Int32Array): void {
    this.#codes.add(id, hashOf(code));
  }

  /** Forgets the id; false when it was not there. */
  remove(id: number): boolean {
    return this.#codes.remove(id);
  }

  /** A copy of the code stored under the id. */
  get(id: number): Int32Array | undefined {
    const hash = this.#codes.get(id);
    return hash && new Int32Array(hash.buffer);
  }

  /** The codes closest to any of those asked for, closest first, equally close ones by ascending id. */
  nearest(codes: readonly Int32Array[], question: NearestQuestion): IndexHit[] {
    return this.#codes.nearest(codes.map(hashOf), question);
  }

  /** See MultiIndex. */
  settle(): Promise<void> {
    return this.#codes.settle();
  }
}

/** The same words. */
function hashOf(code: Int32Array) {
  return hashFromWords('structure', new Uint32Array(code.buffer, code.byteOffset, code.length));
}
