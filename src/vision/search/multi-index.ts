import { HASH_BITS, type Hash } from '../fingerprint/hash.ts';
import { toChunks } from './code-bits.ts';
import { type BaseInput, type BaseParts, HammingBase, type SearchCosts, buildBase } from './hamming-base.ts';
import { HammingDelta } from './hamming-delta.ts';
import type { HammingIndex, IndexHit } from './hamming-index.ts';
import { CHUNKS } from './hamming-kernel.ts';

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
  #frozen: HammingDelta | undefined;
  #delta: HammingDelta;
  /** Removed from base or frozen since the build under way began. */
  #removedSince: number[] = [];
  #building: Promise<void> | undefined;
  readonly #query = new Uint16Array(CHUNKS);

  constructor(options: MultiIndexOptions = {}) {
    this.#build = options.build ?? (async (input) => buildBase(input));
    this.#plain = options.plain ?? false;
    this.#leastChanges = options.leastChanges ?? 4096;
    this.#costs = options.costs;
    this.#delta = new HammingDelta(this.#plain);
  }

  get size(): number {
    return (this.#base?.living ?? 0) + (this.#frozen?.size ?? 0) + this.#delta.size;
  }

  add(id: number, code: Hash<'pdq'>): void {
    if (id >>> 0 !== id) throw new RangeError(`An id is an unsigned 32-bit integer, not ${id}.`);
    if (this.has(id)) throw new RangeError(`Id ${id} is already in the index.`);
    this.#delta.add(id, code);
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
    const slot = this.#base?.slotOf(id) ?? -1;
    return this.#delta.get(id) ?? this.#frozen?.get(id) ?? (slot < 0 ? undefined : this.#base!.codeAt(slot));
  }

  query(code: Hash<'pdq'>, radius: number): IndexHit[] {
    if (!Number.isInteger(radius) || radius < 0 || radius > HASH_BITS) {
      throw new RangeError(`A radius is an integer from 0 to ${HASH_BITS}, not ${radius}.`);
    }
    const hits: IndexHit[] = [];
    toChunks(code, this.#query, 0);
    for (const part of this.#parts()) part.query(this.#query, radius, hits);
    return hits;
  }

  nearest(code: Hash<'pdq'>, k: number): IndexHit[] {
    if (!Number.isInteger(k) || k < 1) throw new RangeError(`k is a positive integer, not ${k}.`);
    let hits: IndexHit[] = [];
    toChunks(code, this.#query, 0);
    for (const part of this.#parts()) {
      const bound = hits.length < k ? HASH_BITS : hits[k - 1]!.distance;
      part.nearest(this.#query, k, bound, hits);
      hits = hits.toSorted((a, b) => a.distance - b.distance || a.id - b.id).slice(0, k);
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
    this.#delta = new HammingDelta(this.#plain);
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

  #parts(): (HammingBase | HammingDelta)[] {
    return [this.#delta, this.#frozen, this.#base].filter((part) => part !== undefined);
  }
}
