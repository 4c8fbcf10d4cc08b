import { HASH_BITS, type Hash } from '../fingerprint/hash.ts';

/** A stored code near the one asked for; `distance` in bits, 0..256. */
export interface IndexHit {
  readonly id: number;
  readonly distance: number;
}

/** Which of the nearest codes are wanted. */
export interface NearestQuestion {
  /** How many at most. */
  readonly k: number;
  /** None further away than so many bits; 256 by default. */
  readonly radius?: number;
  /** Ask for the codes' complements too: the hashes of the pictures' negatives. */
  readonly negatives?: boolean;
}

/** Codes asked for at once. */
const MOST_ASKED = 128;

/** @throws RangeError unless k is a positive integer and the radius an integer in 0..256, or for more than 128 codes */
export function checkedQuestion(
  codes: readonly unknown[],
  { k, radius = HASH_BITS, negatives = false }: NearestQuestion,
) {
  if (codes.length > MOST_ASKED) {
    throw new RangeError(`At most ${MOST_ASKED} codes are asked for at once, not ${codes.length}.`);
  }
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`k is a positive integer, not ${k}.`);
  return { k, radius: checkedRadius(radius), negatives };
}

/** @throws RangeError unless it is an integer in 0..256 */
export function checkedRadius(radius: number): number {
  if (Number.isInteger(radius) && radius >= 0 && radius <= HASH_BITS) return radius;
  throw new RangeError(`A radius is an integer from 0 to ${HASH_BITS}, not ${radius}.`);
}

/** Closest first, equally close ones by ascending id. */
export function byDistance(a: IndexHit, b: IndexHit): number {
  return a.distance - b.distance || a.id - b.id;
}

/**
 * Exact near-neighbour search over PDQ hashes: nothing within the radius is ever missed, whatever the implementation.
 *
 * Ids are the caller's, unsigned 32-bit, one code each. The index does not know what an id stands for, tells nothing
 * about a code but its distance, and compares only the codes it is given: a caller who also wants turned or mirrored
 * pictures asks with those codes. Codes of pictures too soft to hash are the caller's to keep out.
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
   * The stored codes closest to any of those asked for, closest first, equally close ones by ascending id; a hit's
   * distance is that to the closest of them.
   *
   * @throws RangeError unless k is a positive integer and the radius an integer in 0..256, or for more than 128 codes
   */
  nearest(codes: readonly Hash<'pdq'>[], question: NearestQuestion): IndexHit[];
}
