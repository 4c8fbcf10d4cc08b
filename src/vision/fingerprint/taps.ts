/** What the weights of all samples that make one add up to: 14 bits, so that a signed 16 bit number holds each. */
export const WEIGHT_BITS = 14;

/** Which samples of a row or column make each one of the result, and how much each counts. */
export interface Taps {
  /** For each one of the result, the first of its samples. */
  readonly first: Uint32Array;
  /** Where its weights begin; one entry more than there are results, for the end of the last. */
  readonly from: Uint32Array;
  readonly weights: Int16Array;
}

/** What `samples` samples in a row contribute to `count` equal parts of it: weights of 0 to `1 << WEIGHT_BITS`. */
export function tapsOf(samples: number, count: number): Taps {
  const first = new Uint32Array(count);
  const from = new Uint32Array(count + 1);
  // Each part shares the samples at its ends with its neighbours, but for the outermost.
  const weights = new Int16Array(samples + count - 1);
  let at = 0;
  for (let i = 0; i < count; i += 1) {
    // A sample counts for `count`, so that parts begin and end at whole numbers.
    const end = (i + 1) * samples;
    first[i] = Math.floor((i * samples) / count);
    // Of the part, what lies before the sample's end, rounded: so the weights add up, whatever is rounded away.
    let before = 0;
    for (let sample = first[i]!; sample * count < end; sample += 1) {
      const share = (Math.min((sample + 1) * count, end) - i * samples) / samples;
      const upTo = Math.round(share * (1 << WEIGHT_BITS));
      weights[at] = upTo - before;
      before = upTo;
      at += 1;
    }
    from[i + 1] = at;
  }
  return { first, from, weights };
}
