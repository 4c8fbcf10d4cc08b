import { DESCRIPTOR_WORDS, type Keypoints, descriptorDistance } from '../fingerprint/keypoints.ts';

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

const distances = new Uint16Array(4096);

/**
 * The nearest words of a descriptor, nearest first, into `out`: the best `perBranch` words of each of the `branches`
 * nearest branches. Returns how many were written.
 */
export function nearestWords(
  vocabulary: Vocabulary,
  descriptors: Int32Array,
  at: number,
  branches: number,
  perBranch: number,
  out: Int32Array,
): number {
  const { centres } = vocabulary;
  for (let b = 0; b < vocabulary.branches; b += 1) {
    distances[b] = descriptorDistance(descriptors, at, centres, b * DESCRIPTOR_WORDS);
  }
  let written = 0;
  for (let k = 0; k < branches; k += 1) {
    let branch = 0;
    for (let b = 1; b < vocabulary.branches; b += 1) if (distances[b]! < distances[branch]!) branch = b;
    distances[branch] = 0xffff;
    const first = branch * vocabulary.leaves;
    const start = (vocabulary.branches + first) * DESCRIPTOR_WORDS;
    const begin = written;
    for (let leaf = 0; leaf < vocabulary.leaves; leaf += 1) {
      const d = descriptorDistance(descriptors, at, centres, start + leaf * DESCRIPTOR_WORDS);
      // Insertion among this branch's best; distance and word share one number while sorting.
      const key = d * 0x10000 + leaf;
      let place = Math.min(written, begin + perBranch - 1);
      if (written - begin === perBranch && key >= out[place]!) continue;
      while (place > begin && out[place - 1]! > key) {
        out[place] = out[place - 1]!;
        place -= 1;
      }
      out[place] = key;
      if (written - begin < perBranch) written += 1;
    }
    for (let i = begin; i < written; i += 1) out[i] = first + (out[i]! & 0xffff);
  }
  return written;
}

/** The nearest word of each keypoint, as a work's are filed under. */
export function wordsOf(vocabulary: Vocabulary, keypoints: Keypoints): Int32Array {
  const words = new Int32Array(keypoints.count);
  const nearest = new Int32Array(1);
  for (let i = 0; i < keypoints.count; i += 1) {
    nearestWords(vocabulary, keypoints.descriptors, i * DESCRIPTOR_WORDS, 1, 1, nearest);
    words[i] = nearest[0]!;
  }
  return words;
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
