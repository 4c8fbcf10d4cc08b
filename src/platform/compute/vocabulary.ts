import { readFileSync } from 'node:fs';
import type { Vocabulary } from '../../vision/search/vocabulary.ts';

const BRANCHES = 128;
const LEAVES = 128;

let loaded: Vocabulary | undefined;

/** The visual words that come with Utsushi (see scripts/train-vocabulary.ts), read once a process. */
export function vocabulary(): Vocabulary {
  if (loaded === undefined) {
    const bytes = readFileSync(new URL('../../vision/search/vocabulary.bin', import.meta.url));
    const centres = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    loaded = { branches: BRANCHES, leaves: LEAVES, centres };
  }
  return loaded;
}
