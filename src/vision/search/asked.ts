import { HASH_BITS, popcount32 } from '../fingerprint/hash.ts';
import { CHUNKS } from './hamming-kernel.ts';

/*
 * Mirroring a picture changes the signs of the coefficients in every other column, row, or both: two of the four
 * quarters of its PDQ hash are negated, and its negative has all four negated. Not quite, for each orientation is hashed
 * from its own samples, but nearly. So one comparison by quarters says of a stored code how far it is, give or take a few
 * bits, from the hashes of four orientations and of their negatives, and only codes that may be near one of them are
 * compared with each. Which hashes go together is found from the codes alone: for unlike codes each is a group by itself.
 */

/** Codes that are nearly one code with some of its quarters negated. */
export interface Group {
  /** The code in chunks. */
  readonly code: Uint16Array;
  /** For each of PATTERNS how far from its middle a sum of quarters must be, less the bound; NEVER where no code has it. */
  readonly reaches: readonly number[];
}

/** Quarters negated, as bits of each byte's nibbles, up to a negation of all. */
const PATTERNS = [0x0000, 0xf0f0, 0xff00, 0x0ff0] as const;

/** A reach that no sum has, for any bound. */
const NEVER = 30_000;

/** Codes that differ by more than this from the first of a group, quarters negated, are compared cheaper in another one. */
const MOST_APART = 40;

interface Member {
  readonly code: Uint16Array;
  /** Of PATTERNS. */
  readonly pattern: number;
  /** The code as it would be with no quarter negated. */
  readonly upright: Uint16Array;
}

/** @param codes in chunks */
export function groupsOf(codes: readonly Uint16Array[]): Group[] {
  const groups: Member[][] = [];
  for (const code of codes) {
    const own = groups.find((members) => {
      const member = memberLike(members[0]!.code, code);
      if (member !== undefined) members.push(member);
      return member !== undefined;
    });
    if (own === undefined) groups.push([{ code, pattern: 0, upright: code }]);
  }
  return groups.map((members) => {
    const code = majority(members.map(({ upright }) => upright));
    const reaches = PATTERNS.map((_, pattern) => {
      const apart = members
        .filter((member) => member.pattern === pattern)
        .map(({ upright }) => difference(code, upright, 0));
      return apart.length === 0 ? NEVER : HASH_BITS / 2 - Math.max(...apart);
    });
    return { code, reaches };
  });
}

function memberLike(first: Uint16Array, code: Uint16Array): Member | undefined {
  for (const [pattern, mask] of PATTERNS.entries()) {
    for (const negated of [mask, mask ^ 0xffff]) {
      if (difference(first, code, negated) > MOST_APART) continue;
      return { code, pattern, upright: code.map((chunk) => chunk ^ negated) };
    }
  }
  return undefined;
}

function difference(a: Uint16Array, b: Uint16Array, mask: number): number {
  let bits = 0;
  for (let i = 0; i < CHUNKS; i += 1) bits += popcount32(a[i]! ^ b[i]! ^ mask);
  return bits;
}

/** Bit by bit what most of the codes have; where they are equally many, what the first has. */
function majority(codes: readonly Uint16Array[]): Uint16Array {
  return codes[0]!.map((first, chunk) => {
    let bits = 0;
    for (let bit = 0; bit < 16; bit += 1) {
      const set = codes.reduce((sum, code) => sum + ((code[chunk]! >> bit) & 1), 0);
      if (2 * set > codes.length || (2 * set === codes.length && (first >> bit) & 1)) bits |= 1 << bit;
    }
    return bits;
  });
}
