import type { Hash } from '../fingerprint/hash.ts';
import { chunksOf, fromChunks } from './code-bits.ts';
import { CodeTable } from './code-table.ts';
import { type BaseInput, type BaseParts, HammingBase, type SearchCosts, buildBase } from './hamming-base.ts';
import {
  type HammingIndex,
  type IndexHit,
  type NearestQuestion,
  byDistance,
  checkedQuestion,
  checkedRadius,
} from './hamming-index.ts';

/** Builds a base, here or in another thread. */
export type BaseBuilder = (input: BaseInput) => Promise<BaseParts>;

export interface MultiIndexOptions {
  /** Where bases are built; in this thread by default, which stops it meanwhile. */
  readonly build?: BaseBuilder;
  /** Use the plain loops even where WebAssembly is there. */
  readonly plain?: boolean;
  /** Codes added or removed that are worth a new base, beside a share of those stored. */
  readonly leastChanges?: number;
  readonly costs?: SearchCosts;
}

/** Share of the stored codes that must have been added or removed to be worth a new base. */
const CHANGED_SHARE = 1 / 64;

/**
 * Multi-index hashing (Norouzi, Punjani and Fleet, 2012): codes are cut into sixteen chunks, and two codes within the
 * radius are close in one chunk at least, so only codes in few buckets need a look. An immutable base holds most codes;
 * what was added since is scanned, what was removed is marked. `settle` makes a new base of it all.
 */
export class MultiIndex implements HammingIndex {
  readonly #build: BaseBuilder;
  readonly #plain: boolean;
  readonly #leastChanges: number;
  readonly #costs: SearchCosts | undefined;
  #base: HammingBase | undefined;
  /** Added before the build under way began. */
  #frozen: CodeTable | undefined;
  #delta: CodeTable;
  /** Removed from base or frozen since the build under way began. */
  #removedSince: number[] = [];
  #building: Promise<void> | undefined;

  constructor(options: MultiIndexOptions = {}) {
    this.#build = options.build ?? (async (input) => buildBase(input));
    this.#plain = options.plain ?? false;
    this.#leastChanges = options.leastChanges ?? 4096;
    this.#costs = options.costs;
    this.#delta = new CodeTable(this.#plain);
  }

  get size(): number {
    return (this.#base?.living ?? 0) + (this.#frozen?.size ?? 0) + this.#delta.size;
  }

  add(id: number, code: Hash<'pdq'>): void {
    if (id >>> 0 !== id) throw new RangeError(`An id is an unsigned 32-bit integer, not ${id}.`);
    if (this.has(id)) throw new RangeError(`Id ${id} is already in the index.`);
    this.#delta.add(id, chunksOf(code));
  }

  has(id: number): boolean {
    return this.#delta.has(id) || this.#frozen?.has(id) === true || (this.#base?.slotOf(id) ?? -1) >= 0;
  }

  remove(id: number): boolean {
    if (this.#delta.remove(id)) return true;
    if (this.#frozen?.remove(id) !== true) {
      const slot = this.#base?.slotOf(id) ?? -1;
      if (slot < 0) return false;
      this.#base!.remove(slot);
    }
    if (this.#building !== undefined) this.#removedSince.push(id);
    return true;
  }

  get(id: number): Hash<'pdq'> | undefined {
    const added = this.#delta.get(id) ?? this.#frozen?.get(id);
    if (added !== undefined) return fromChunks(added, 0);
    const slot = this.#base?.slotOf(id) ?? -1;
    return slot < 0 ? undefined : this.#base!.codeAt(slot);
  }

  query(code: Hash<'pdq'>, radius: number): IndexHit[] {
    checkedRadius(radius);
    const hits: IndexHit[] = [];
    const chunks = chunksOf(code);
    for (const part of this.#parts()) part.query(chunks, radius, hits);
    return hits;
  }

  nearest(codes: readonly Hash<'pdq'>[], question: NearestQuestion): IndexHit[] {
    const { k, radius, negatives } = checkedQuestion(codes, question);
    const chunks = codes.map(chunksOf);
    let hits: IndexHit[] = [];
    for (const part of this.#parts()) {
      part.nearest({ codes: chunks, negatives, k, bound: hits[k - 1]?.distance ?? radius }, hits);
      hits = closest(hits, k);
    }
    return hits;
  }

  /**
   * To be called when many codes have been added or removed: builds a new base if they are worth it and puts it in place
   * of the old one. Answers are right before, meanwhile and after.
   *
   * @returns when the build under way, if any, is done
   * @throws whatever the builder throws; the index then stays as it was
   */
  settle(): Promise<void> {
    const removed = this.#base === undefined ? 0 : this.#base.count - this.#base.living;
    const changes = this.#delta.size + removed;
    const worthIt = this.#leastChanges + (this.#base?.count ?? 0) * CHANGED_SHARE;
    if (changes < worthIt) return this.#building ?? Promise.resolve();
    this.#building ??= this.#rebuild().finally(() => {
      this.#building = undefined;
    });
    return this.#building;
  }

  async #rebuild(): Promise<void> {
    const frozen = this.#delta;
    this.#frozen = frozen;
    this.#delta = new CodeTable(this.#plain);
    this.#removedSince = [];
    try {
      const parts = await this.#build({
        base: this.#base && { parts: this.#base.parts, dead: this.#base.deadSlots() },
        ...frozen.snapshot(),
        plain: this.#plain,
      });
      // From here to the end nothing waits: a query sees the old parts or the new ones.
      const base = new HammingBase(parts, this.#costs);
      for (const id of this.#removedSince) {
        const slot = base.slotOf(id);
        if (slot >= 0) base.remove(slot);
      }
      this.#base = base;
    } catch (thrown) {
      // Nothing is lost: what was to be in the new base is scanned as before.
      const { ids } = this.#delta.snapshot();
      for (const id of ids) frozen.add(id, this.#delta.get(id)!);
      this.#delta = frozen;
      throw thrown;
    } finally {
      this.#frozen = undefined;
    }
  }

  #parts(): (HammingBase | CodeTable)[] {
    return [this.#delta, this.#frozen, this.#base].filter((part) => part !== undefined);
  }
}

/** The closest `k`, each id once. */
function closest(hits: readonly IndexHit[], k: number): IndexHit[] {
  const ids = new Set<number>();
  const kept: IndexHit[] = [];
  for (const hit of hits.toSorted(byDistance)) {
    if (kept.length === k) break;
    if (ids.has(hit.id)) continue;
    ids.add(hit.id);
    kept.push(hit);
  }
  return kept;
}
