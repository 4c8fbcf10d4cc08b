import { CodeTable } from './code-table.ts';
import { type IndexHit, type NearestQuestion, byDistance, checkedQuestion } from './hamming-index.ts';

/**
 * Works by their structure hashes (see structureHashes). Copies that only these find are altered ones, a third of the
 * bits away, where no index beats comparing with every code; so that is done, for all orientations at once.
 */
export class StructureIndex {
  readonly #codes: CodeTable;

  /** @param plain use the plain loops even where WebAssembly is there */
  constructor(plain = false) {
    this.#codes = new CodeTable(plain);
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
    this.#codes.add(id, chunksOf(code));
  }

  /** Forgets the id; false when it was not there. */
  remove(id: number): boolean {
    return this.#codes.remove(id);
  }

  /** A copy of the code stored under the id. */
  get(id: number): Int32Array | undefined {
    const chunks = this.#codes.get(id);
    return chunks === undefined ? undefined : new Int32Array(new Uint16Array(chunks).buffer);
  }

  /** The codes closest to any of those asked for, closest first, equally close ones by ascending id. */
  nearest(codes: readonly Int32Array[], question: NearestQuestion): IndexHit[] {
    const { k, radius, negatives } = checkedQuestion(codes, question);
    const hits: IndexHit[] = [];
    this.#codes.nearest({ codes: codes.map(chunksOf), negatives, k, bound: radius }, hits);
    return hits.toSorted(byDistance).slice(0, k);
  }
}

/** As it is: nothing is looked up by single chunks here. */
function chunksOf(code: Int32Array): Uint16Array {
  return new Uint16Array(code.buffer, code.byteOffset, code.length * 2);
}
