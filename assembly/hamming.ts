/**
 * The inner loops of the Hamming index in AssemblyScript, compiled to WebAssembly SIMD by `npm run kernels`.
 *
 * What each function promises is written at the interface HammingKernel in src/vision/search/hamming-kernel.ts, and
 * src/vision/search/plain-kernel.ts is the same in plain TypeScript; tests hold the two together. Addresses and the
 * constants below are those of that interface.
 */

const CHUNKS: i32 = 16;
const BUCKETS: i32 = 65536;
const CODE_BYTES: usize = 32;

const QUERY: usize = 0;
const REACH: usize = 64;
const PAIR_REACH: usize = 96;
const STATE: usize = 128;
const COUNTS: usize = 192;
const MASKS: usize = 1280;
const RANGES: usize = 8192;
const ASKED: usize = 8192;
const HITS: usize = 164096;
const MOST_HITS: i32 = 4096;

const RANGE_BYTES: usize = 12;
const HIT_BYTES: usize = 8;

/** Masks of 16 bits with at most 0, 1, 2, 3, 4 bits set. */
function masksWithin(reach: i32): i32 {
  if (reach === 0) return 1;
  if (reach === 1) return 17;
  if (reach === 2) return 137;
  if (reach === 3) return 697;
  return 2517;
}

export function plan(starts: usize): i32 {
  let ranges = 0;
  let postings = 0;
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    const reach = <i32>load<i16>(REACH + ((<usize>chunk) << 1));
    if (reach < 0) continue;
    const pairReach = <i32>load<i16>(PAIR_REACH + ((<usize>chunk) << 1));
    const value = <i32>load<u16>(QUERY + ((<usize>chunk) << 1));
    const first = starts + ((<usize>chunk * BUCKETS) << 2);
    const masks = masksWithin(reach);
    for (let m = 0; m < masks; m++) {
      const mask = <i32>load<u16>(MASKS + ((<usize>m) << 1));
      const left = pairReach - popcnt<i32>(mask);
      if (left < 0) break;
      const bucket = first + ((<usize>(value ^ mask)) << 2);
      const start = load<u32>(bucket);
      const count = load<u32>(bucket, 4) - start;
      if (count === 0) continue;
      const range = RANGES + <usize>ranges * RANGE_BYTES;
      store<u32>(range, start);
      store<u32>(range, count, 4);
      store<u32>(range, (chunk << 8) | left, 8);
      postings += count;
      ranges++;
    }
  }
  store<u32>(STATE, postings);
  return ranges;
}

/** Bits in which two codes differ, as sums of bytes: eight lanes of 16 bits, to be added up. */
function differences(code: usize, low: v128, high: v128): v128 {
  return i16x8.extadd_pairwise_i8x16_u(
    i8x16.add(
      i8x16.popcnt(v128.xor(v128.load(code), low)),
      i8x16.popcnt(v128.xor(v128.load(code, 16), high)),
    ),
  );
}

/** Lanes of two vectors, each at most 255, added up in pairs. */
function addPairs(a: v128, b: v128): v128 {
  return i16x8.extadd_pairwise_i8x16_u(i8x16.narrow_i16x8_u(a, b));
}

/** The distances of eight codes in a row. */
function distancesOfEight(code: usize, low: v128, high: v128): v128 {
  return addPairs(
    addPairs(
      addPairs(differences(code, low, high), differences(code + CODE_BYTES, low, high)),
      addPairs(differences(code + 2 * CODE_BYTES, low, high), differences(code + 3 * CODE_BYTES, low, high)),
    ),
    addPairs(
      addPairs(differences(code + 4 * CODE_BYTES, low, high), differences(code + 5 * CODE_BYTES, low, high)),
      addPairs(differences(code + 6 * CODE_BYTES, low, high), differences(code + 7 * CODE_BYTES, low, high)),
    ),
  );
}

function distanceOf(code: usize, low: v128, high: v128): i32 {
  const sum = i32x4.extadd_pairwise_i16x8_u(differences(code, low, high));
  return (
    i32x4.extract_lane(sum, 0) +
    i32x4.extract_lane(sum, 1) +
    i32x4.extract_lane(sum, 2) +
    i32x4.extract_lane(sum, 3)
  );
}

function putHit(hits: i32, slot: u32, distance: i32): void {
  const hit = HITS + <usize>hits * HIT_BYTES;
  store<u32>(hit, slot);
  store<u32>(hit, distance, 4);
}

/** Whether `chunk` is the first from which the ring test lets this code pass, so that it is found there only. */
function foundFirstAt(code: usize, chunk: i32, low: v128, high: v128): bool {
  const d0 = i16x8.extadd_pairwise_i8x16_u(i8x16.popcnt(v128.xor(v128.load(code), low)));
  const d1 = i16x8.extadd_pairwise_i8x16_u(i8x16.popcnt(v128.xor(v128.load(code, 16), high)));
  const next0 = v128.shuffle<i16>(d0, d1, 1, 2, 3, 4, 5, 6, 7, 8);
  const next1 = v128.shuffle<i16>(d1, d0, 1, 2, 3, 4, 5, 6, 7, 8);
  const pass0 = v128.and(
    i16x8.le_s(d0, v128.load(REACH)),
    i16x8.le_s(i16x8.add(d0, next0), v128.load(PAIR_REACH)),
  );
  const pass1 = v128.and(
    i16x8.le_s(d1, v128.load(REACH, 16)),
    i16x8.le_s(i16x8.add(d1, next1), v128.load(PAIR_REACH, 16)),
  );
  const passes = i16x8.bitmask(pass0) | (i16x8.bitmask(pass1) << 8);
  return ctz<i32>(passes) === chunk;
}

export function probe(
  codes: usize,
  next: usize,
  slots: usize,
  ranges: i32,
  radius: i32,
  fromRange: i32,
  fromPosting: i32,
): i32 {
  const low = v128.load(QUERY);
  const high = v128.load(QUERY, 16);
  let hits = 0;
  for (let r = fromRange; r < ranges; r++) {
    const range = RANGES + <usize>r * RANGE_BYTES;
    const start = load<u32>(range);
    const count = <i32>load<u32>(range, 4);
    const packed = <i32>load<u32>(range, 8);
    const chunk = packed >> 8;
    const left = i16x8.splat(<i16>(packed & 255));
    const wanted = i16x8.splat(load<i16>(QUERY + ((<usize>((chunk + 1) & 15)) << 1)));
    for (let p = r === fromRange ? fromPosting : 0; p < count; p += 8) {
      if (hits > MOST_HITS - 8) {
        store<i32>(STATE, r);
        store<i32>(STATE, p, 4);
        return hits;
      }
      const posting = <usize>start + <usize>p;
      const apart = i16x8.extadd_pairwise_i8x16_u(
        i8x16.popcnt(v128.xor(v128.load(next + (posting << 1)), wanted)),
      );
      let passing = i16x8.bitmask(i16x8.le_s(apart, left));
      if (count - p < 8) passing &= (1 << (count - p)) - 1;
      while (passing !== 0) {
        const slotAt = slots + (posting + <usize>ctz<i32>(passing)) * 3;
        passing &= passing - 1;
        const slot = (<u32>load<u16>(slotAt)) | ((<u32>load<u8>(slotAt, 2)) << 16);
        const code = codes + <usize>slot * CODE_BYTES;
        const distance = distanceOf(code, low, high);
        if (distance <= radius && foundFirstAt(code, chunk, low, high)) putHit(hits++, slot, distance);
      }
    }
  }
  store<i32>(STATE, ranges);
  return hits;
}

function isDead(dead: usize, slot: i32): bool {
  return dead !== 0 && ((load<u8>(dead + ((<usize>slot) >> 3)) >> ((<u8>slot) & 7)) & 1) !== 0;
}

export function scan(codes: usize, dead: usize, count: i32, radius: i32, from: i32): i32 {
  const low = v128.load(QUERY);
  const high = v128.load(QUERY, 16);
  const limit = i16x8.splat(<i16>radius);
  let hits = 0;
  for (let first = from; first < count; first += 8) {
    if (hits > MOST_HITS - 8) {
      store<i32>(STATE, first);
      return hits;
    }
    const distances = distancesOfEight(codes + <usize>first * CODE_BYTES, low, high);
    let near = i16x8.bitmask(i16x8.le_s(distances, limit));
    if (near === 0) continue;
    if (count - first < 8) near &= (1 << (count - first)) - 1;
    for (; near !== 0; near &= near - 1) {
      const slot = first + ctz<i32>(near);
      if (isDead(dead, slot)) continue;
      putHit(hits++, slot, distanceOf(codes + <usize>slot * CODE_BYTES, low, high));
    }
  }
  store<i32>(STATE, count);
  return hits;
}

/** Below this bound, half of their bits tell most codes to be too far away. */
const HALVES_BELOW: i32 = 54;

/** The distances of the first halves of eight codes in a row. */
function halfDistancesOfEight(code: usize, low: v128): v128 {
  return addPairs(
    addPairs(
      addPairs(halfDifferences(code, low), halfDifferences(code + CODE_BYTES, low)),
      addPairs(halfDifferences(code + 2 * CODE_BYTES, low), halfDifferences(code + 3 * CODE_BYTES, low)),
    ),
    addPairs(
      addPairs(halfDifferences(code + 4 * CODE_BYTES, low), halfDifferences(code + 5 * CODE_BYTES, low)),
      addPairs(halfDifferences(code + 6 * CODE_BYTES, low), halfDifferences(code + 7 * CODE_BYTES, low)),
    ),
  );
}

function halfDifferences(code: usize, low: v128): v128 {
  return i16x8.extadd_pairwise_i8x16_u(i8x16.popcnt(v128.xor(v128.load(code), low)));
}

/** Which of eight codes in a row are within the bound of any code asked for. */
function nearAsked(eight: usize, asked: i32, negatives: bool, bound: i32): i32 {
  const limit = i16x8.splat(<i16>bound);
  // From here on a code is as near to a complement; 257 is never reached.
  const far = i16x8.splat(negatives ? <i16>(256 - bound) : 257);
  const halfFar = i16x8.splat(negatives ? <i16>(128 - bound) : 257);
  let near = i16x8.splat(0);
  for (let one = ASKED; one < ASKED + <usize>asked * CODE_BYTES; one += CODE_BYTES) {
    const low = v128.load(one);
    if (bound < HALVES_BELOW) {
      const halves = halfDistancesOfEight(eight, low);
      if (!v128.any_true(v128.or(i16x8.le_s(halves, limit), i16x8.ge_s(halves, halfFar)))) continue;
    }
    const distances = distancesOfEight(eight, low, v128.load(one, 16));
    near = v128.or(near, v128.or(i16x8.le_s(distances, limit), i16x8.ge_s(distances, far)));
  }
  return i16x8.bitmask(near);
}

/** To the nearest of the codes asked for. */
function leastDistance(code: usize, asked: i32, negatives: bool): i32 {
  let least = 256;
  for (let one = ASKED; one < ASKED + <usize>asked * CODE_BYTES; one += CODE_BYTES) {
    const distance = distanceOf(code, v128.load(one), v128.load(one, 16));
    least = min<i32>(least, negatives ? min<i32>(distance, 256 - distance) : distance);
  }
  return least;
}

export function scanNearest(codes: usize, dead: usize, count: i32, k: i32, from: i32): i32 {
  let bound = load<i32>(STATE, 4);
  let within = load<i32>(STATE, 8);
  const asked = load<i32>(STATE, 12);
  const negatives = load<i32>(STATE, 16) !== 0;
  let hits = 0;
  for (let first = from; first < count; first += 8) {
    if (hits > MOST_HITS - 8) {
      store<i32>(STATE, first);
      store<i32>(STATE, bound, 4);
      store<i32>(STATE, within, 8);
      return hits;
    }
    let near = nearAsked(codes + <usize>first * CODE_BYTES, asked, negatives, bound);
    if (near === 0) continue;
    if (count - first < 8) near &= (1 << (count - first)) - 1;
    for (; near !== 0; near &= near - 1) {
      const slot = first + ctz<i32>(near);
      if (isDead(dead, slot)) continue;
      const distance = leastDistance(codes + <usize>slot * CODE_BYTES, asked, negatives);
      if (distance > bound) continue;
      putHit(hits++, slot, distance);
      const counter = COUNTS + ((<usize>distance) << 2);
      store<i32>(counter, load<i32>(counter) + 1);
      within++;
      while (within - load<i32>(COUNTS + ((<usize>bound) << 2)) >= k) {
        within -= load<i32>(COUNTS + ((<usize>bound) << 2));
        bound--;
      }
    }
  }
  store<i32>(STATE, count);
  store<i32>(STATE, bound, 4);
  store<i32>(STATE, within, 8);
  return hits;
}

// oxlint-disable-next-line no-loss-of-precision -- 64 bits here
const MIXER: u64 = 0x9e3779b97f4a7c15;

export function collapse(
  codes: usize,
  count: i32,
  chain: usize,
  duplicate: usize,
  table: usize,
  tableSize: i32,
): i32 {
  const last = <usize>tableSize - 1;
  memory.fill(table, 0, (<usize>tableSize) << 2);
  let heads = 0;
  for (let slot = 0; slot < count; slot++) {
    const code = codes + <usize>slot * CODE_BYTES;
    const a = load<u64>(code);
    const b = load<u64>(code, 8);
    const c = load<u64>(code, 16);
    const d = load<u64>(code, 24);
    let mixed = (a ^ rotl<u64>(b, 23) ^ rotl<u64>(c, 41) ^ rotl<u64>(d, 11)) * MIXER;
    mixed ^= mixed >> 32;
    let at = (<usize>mixed) & last;
    for (;;) {
      const entry = table + (at << 2);
      const head = load<u32>(entry);
      if (head === 0) {
        store<u32>(entry, slot + 1);
        heads++;
        break;
      }
      const other = codes + <usize>(head - 1) * CODE_BYTES;
      if (
        load<u64>(other) === a &&
        load<u64>(other, 8) === b &&
        load<u64>(other, 16) === c &&
        load<u64>(other, 24) === d
      ) {
        const link = chain + ((<usize>(head - 1)) << 2);
        store<u32>(chain + ((<usize>slot) << 2), load<u32>(link));
        store<u32>(link, slot);
        const bits = duplicate + ((<usize>slot) >> 3);
        store<u8>(bits, load<u8>(bits) | (1 << ((<u8>slot) & 7)));
        break;
      }
      at = (at + 1) & last;
    }
  }
  return heads;
}

/** Counters of a radix pass, where a query has its ranges. */
const HIGH_COUNTS: usize = RANGES;
const LOW_COUNTS: usize = RANGES + 1028;

function clear(counts: usize): void {
  memory.fill(counts, 0, 1024);
}

/** Counts become the first position of each value, beginning at `first`. */
function accumulate(counts: usize, first: u32): void {
  let position = first;
  for (let i: usize = 0; i < 1024; i += 4) {
    const count = load<u32>(counts + i);
    store<u32>(counts + i, position);
    position += count;
  }
}

export function post(
  codes: usize,
  count: i32,
  duplicate: usize,
  heads: i32,
  starts: usize,
  next: usize,
  slots: usize,
  temporary: usize,
): void {
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    const at = (<usize>chunk) << 1;
    const nextAt = (<usize>((chunk + 1) & 15)) << 1;
    // Spread by the high byte first: 65,536 places written to at once would miss every cache.
    clear(HIGH_COUNTS);
    for (let slot = 0; slot < count; slot++) {
      if (isDead(duplicate, slot)) continue;
      const counter = HIGH_COUNTS + ((<usize>load<u8>(codes + <usize>slot * CODE_BYTES + at, 1)) << 2);
      store<u32>(counter, load<u32>(counter) + 1);
    }
    accumulate(HIGH_COUNTS, 0);
    for (let slot = 0; slot < count; slot++) {
      if (isDead(duplicate, slot)) continue;
      const code = codes + <usize>slot * CODE_BYTES;
      const value = load<u16>(code + at);
      const counter = HIGH_COUNTS + ((<usize>(value >> 8)) << 2);
      const position = load<u32>(counter);
      store<u32>(counter, position + 1);
      store<u64>(
        temporary + ((<usize>position) << 3),
        (<u64>slot) | ((<u64>load<u16>(code + nextAt)) << 24) | ((<u64>(value & 255)) << 40),
      );
    }
    const base = <u32>chunk * <u32>heads;
    let begin: u32 = 0;
    for (let high: usize = 0; high < 256; high++) {
      // After the pass above each counter is where its value's records end.
      const end = load<u32>(HIGH_COUNTS + (high << 2));
      clear(LOW_COUNTS);
      for (let i = begin; i < end; i++) {
        const counter = LOW_COUNTS + ((<usize>load<u8>(temporary + ((<usize>i) << 3), 5)) << 2);
        store<u32>(counter, load<u32>(counter) + 1);
      }
      accumulate(LOW_COUNTS, base + begin);
      memory.copy(starts + ((<usize>chunk * BUCKETS + (high << 8)) << 2), LOW_COUNTS, 1024);
      for (let i = begin; i < end; i++) {
        const record = load<u64>(temporary + ((<usize>i) << 3));
        const counter = LOW_COUNTS + ((<usize>(record >> 40)) << 2);
        const posting = <usize>load<u32>(counter);
        store<u32>(counter, <u32>posting + 1);
        store<u16>(next + (posting << 1), <u16>(record >> 24));
        store<u16>(slots + posting * 3, <u16>record);
        store<u8>(slots + posting * 3, <u8>(record >> 16), 2);
      }
      begin = end;
    }
  }
  store<u32>(starts + ((<usize>CHUNKS * BUCKETS) << 2), <u32>CHUNKS * <u32>heads);
}
