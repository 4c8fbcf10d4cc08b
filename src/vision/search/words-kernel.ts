import { compileWasm, instantiateWasm, wasmMemory } from '../webassembly.ts';
import { DESCRIPTOR_WORDS } from '../fingerprint/keypoints.ts';
import { WORDS_WASM } from './words-wasm.ts';

/** More descriptors than this are asked about in several calls. */
const MOST_DESCRIPTORS = 1_024;
const DESCRIPTORS = 1_024;
const WORDS = DESCRIPTORS + MOST_DESCRIPTORS * DESCRIPTOR_WORDS * 4;
const CENTRES = WORDS + MOST_DESCRIPTORS * 4;

/** A vocabulary, as vocabulary.ts describes it. */
interface Centres {
  readonly branches: number;
  readonly leaves: number;
  readonly centres: Int32Array;
}

interface Loops {
  nearestWords(
    centres: number,
    branches: number,
    leaves: number,
    descriptors: number,
    count: number,
    words: number,
  ): void;
}

/** A vocabulary with the compiled loop that searches it (assembly/words.ts). */
export class WordsKernel {
  readonly #vocabulary: Centres;
  readonly #loops: Loops;
  readonly #descriptors: Int32Array;
  readonly #words: Int32Array;

  constructor(module: NonNullable<ReturnType<typeof compileWasm>>, vocabulary: Centres) {
    const memory = wasmMemory(CENTRES + vocabulary.centres.byteLength);
    this.#vocabulary = vocabulary;
    this.#loops = instantiateWasm(module, memory) as Loops;
    this.#descriptors = new Int32Array(memory.buffer, DESCRIPTORS, MOST_DESCRIPTORS * DESCRIPTOR_WORDS);
    this.#words = new Int32Array(memory.buffer, WORDS, MOST_DESCRIPTORS);
    new Int32Array(memory.buffer, CENTRES).set(vocabulary.centres);
  }

  /** The nearest word of each descriptor. */
  nearestWords(descriptors: Int32Array): Int32Array {
    const { branches, leaves } = this.#vocabulary;
    const words = new Int32Array(descriptors.length / DESCRIPTOR_WORDS);
    for (let from = 0; from < words.length; from += MOST_DESCRIPTORS) {
      const count = Math.min(MOST_DESCRIPTORS, words.length - from);
      this.#descriptors.set(descriptors.subarray(from * DESCRIPTOR_WORDS, (from + count) * DESCRIPTOR_WORDS));
      this.#loops.nearestWords(CENTRES, branches, leaves, DESCRIPTORS, count, WORDS);
      words.set(this.#words.subarray(0, count), from);
    }
    return words;
  }
}

const kernels = new WeakMap<Centres, WordsKernel>();
let compiled: ReturnType<typeof compileWasm> | undefined;

/** This thread's loop for a vocabulary; null where there can be no compiled one. */
export function wordsKernel(vocabulary: Centres): WordsKernel | null {
  if (compiled === undefined) compiled = compileWasm(WORDS_WASM);
  if (compiled === null) return null;
  let kernel = kernels.get(vocabulary);
  if (kernel === undefined) {
    kernel = new WordsKernel(compiled, vocabulary);
    kernels.set(vocabulary, kernel);
  }
  return kernel;
}
