import type { Hash } from '../fingerprint/hash.ts';

/** A stored code near the one asked for; `distance` in bits, 0..256. */
export interface IndexHit {
  readonly id: number;
  readonly distance: number;
}

/**
 * Exact near-neighbour search over PDQ hashes: nothing within the radius is ever missed, whatever the implementation.
 *
 * Ids are the caller's, unsigned 32-bit, one code each. The index does not know what an id stands for, tells nothing
 * about a code but its distance, and compares only the code it is given: a caller who also wants turned, mirrored or
 * inverted pictures asks with those codes. Codes of pictures too soft to hash are the caller's to keep out.
 */
export interface HammingIndex {
  /** Codes stored. */
  readonly size: number;

  /**
   * Stores a copy of the code. Found by the next query.
   *
   * @throws RangeError when the id is not an unsigned 32-bit integer or is already stored
   */
  add(id: number, code: Hash<'pdq'>): void;

  /** Forgets the id; false when it was not there. Not found by the next query. */
  remove(id: number): boolean;

  /** A copy of the code stored under the id. */
  get(id: number): Hash<'pdq'> | undefined;

  /**
   * Every stored code at most `radius` bits away, in no promised order.
   *
   * @throws RangeError unless the radius is an integer in 0..256
   */
  query(code: Hash<'pdq'>, radius: number): IndexHit[];

  /**
   * The `k` closest stored codes (all of them if there are fewer), closest first, equally close ones by ascending id.
   *
   * @throws RangeError unless k is a positive integer
   */
  nearest(code: Hash<'pdq'>, k: number): IndexHit[];
}
