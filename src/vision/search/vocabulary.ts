import { DESCRIPTOR_WORDS, type Keypoints, descriptorDistance } from '../fingerprint/keypoints.ts';
import { wordsKernel } from './words-kernel.ts';

/**
 * Visual words: typical descriptors in two levels. A descriptor belongs to the nearest word under its nearest branch.
 * Trained data, made by trainVocabulary from descriptors of any large set of pictures; a vocabulary of unlike pictures
 * costs speed and a little recall, never correctness.
 */
export interface Vocabulary {
  readonly branches: number;
  /** Words under each branch. */
  readonly leaves: number;
  /** DESCRIPTOR_WORDS words each: first the branches, then the words of the first branch, of the second, … */
  readonly centres: Int32Array;
}

export function wordCount(vocabulary: Vocabulary): number {
  return vocabulary.branches * vocabulary.leaves;
}

/** The nearest word of each descriptor: the nearest under the nearest branch, the first where several are as near. */
export function nearestWords(vocabulary: Vocabulary, descriptors: Int32Array): Int32Array {
  return wordsKernel(vocabulary)?.nearestWords(descriptors) ?? nearestWordsPlainly(vocabulary, descriptors);
}

export function nearestWordsPlainly(
  { branches, leaves, centres }: Vocabulary,
  descriptors: Int32Array,
): Int32Array {
  const nearest = (at: number, from: number, count: number) => {
    let best = 0;
    let least = Infinity;
    for (let i = 0; i < count; i += 1) {
      const distance = descriptorDistance(descriptors, at, centres, (from + i) * DESCRIPTOR_WORDS);
      if (distance >= least) continue;
      least = distance;
      best = i;
    }
    return best;
  };
  return Int32Array.from({ length: descriptors.length / DESCRIPTOR_WORDS }, (_, i) => {
    const first = nearest(i * DESCRIPTOR_WORDS, 0, branches) * leaves;
    return first + nearest(i * DESCRIPTOR_WORDS, branches + first, leaves);
  });
}

/** The word of each keypoint, as a work's are filed under. */
export function wordsOf(vocabulary: Vocabulary, { count, descriptors }: Keypoints): Int32Array {
  return nearestWords(vocabulary, descriptors.subarray(0, count * DESCRIPTOR_WORDS));
}

/**
 * Two levels of k-majority clustering in Hamming space. Deterministic: centres start at evenly spaced descriptors of
 * the sample in the order given. About two minutes for 200,000 descriptors and 128 x 128 words.
 */
export function trainVocabulary(
  sample: Int32Array,
  branches: number,
  leaves: number,
  rounds = 6,
): Vocabulary {
  const all = Int32Array.from({ length: sample.length / DESCRIPTOR_WORDS }, (_, i) => i);
  const top = cluster(sample, all, branches, rounds);
  const centres = new Int32Array((branches + branches * leaves) * DESCRIPTOR_WORDS);
  centres.set(top.centres);
  for (let b = 0; b < branches; b += 1) {
    const members = all.filter((i) => top.assigned[i] === b);
    const { centres: words } = cluster(sample, members.length > 0 ? members : all, leaves, rounds);
    centres.set(words, (branches + b * leaves) * DESCRIPTOR_WORDS);
  }
  return { branches, leaves, centres };
}

function cluster(sample: Int32Array, members: Int32Array, k: number, rounds: number) {
  const centres = new Int32Array(k * DESCRIPTOR_WORDS);
  for (let c = 0; c < k; c += 1) {
    const from = members[Math.floor((c * members.length) / k)]! * DESCRIPTOR_WORDS;
    centres.set(sample.subarray(from, from + DESCRIPTOR_WORDS), c * DESCRIPTOR_WORDS);
  }
  const assigned = new Int32Array(members.length);
  for (let round = 0; round < rounds; round += 1) {
    const sizes = new Int32Array(k);
    const ones = new Int32Array(k * DESCRIPTOR_WORDS * 32);
    for (const [m, i] of members.entries()) {
      let best = 0;
      let least = Infinity;
      for (let c = 0; c < k; c += 1) {
        const d = descriptorDistance(sample, i * DESCRIPTOR_WORDS, centres, c * DESCRIPTOR_WORDS);
        if (d < least) {
          least = d;
          best = c;
        }
      }
      assigned[m] = best;
      sizes[best]! += 1;
      for (let w = 0; w < DESCRIPTOR_WORDS; w += 1) {
        const word = sample[i * DESCRIPTOR_WORDS + w]!;
        const base = (best * DESCRIPTOR_WORDS + w) * 32;
        for (let bit = 0; bit < 32; bit += 1) ones[base + bit]! += (word >>> bit) & 1;
      }
    }
    for (let c = 0; c < k; c += 1) {
      if (sizes[c] === 0) continue;
      for (let w = 0; w < DESCRIPTOR_WORDS; w += 1) {
        let word = 0;
        const base = (c * DESCRIPTOR_WORDS + w) * 32;
        for (let bit = 0; bit < 32; bit += 1) if (ones[base + bit]! * 2 > sizes[c]!) word |= 1 << bit;
        centres[c * DESCRIPTOR_WORDS + w] = word;
      }
    }
  }
  return { centres, assigned };
}
