import type { Hash } from '../../src/vision/fingerprint/hash.ts';
import { toChunks } from '../../src/vision/search/code-bits.ts';
import { type BaseParts, HammingBase, buildBase } from '../../src/vision/search/hamming-base.ts';
import type { IndexHit } from '../../src/vision/search/hamming-index.ts';
import { cpuMs } from './measure.ts';

export type Search = (code: Hash<'pdq'>, radius: number) => readonly IndexHit[];

/** Builds the index of `codes`; its ids are 0, 1, … */
export function builtIndex(codes: Uint32Array, plain: boolean) {
  const count = codes.length / 8;
  const chunks = new Uint16Array(count * 16);
  for (let i = 0; i < count; i += 1) toChunks(codes.subarray(i * 8, i * 8 + 8), chunks, i * 16);
  const ids = Uint32Array.from({ length: count }, (_, i) => i);
  const [before, started] = [cpuMs(), performance.now()];
  const parts = buildBase({ base: undefined, ids, chunks, plain });
  const ms = { cpu: cpuMs() - before, wall: performance.now() - started };
  const { memory } = parts;
  const bytes = memory instanceof SharedArrayBuffer ? memory.byteLength : memory.buffer.byteLength;
  return { parts, ms, bytes };
}

/** Searches as the product does, or by comparing with every code. */
export function searchIn(parts: BaseParts, how: 'probing' | 'scanning'): Search {
  const scanning = { scannedCode: 0, plannedBucket: 1, visitedBucket: 1, visitedPosting: 1, verifiedCode: 1 };
  const base = how === 'probing' ? new HammingBase(parts) : new HammingBase(parts, scanning);
  const query = new Uint16Array(16);
  return (code, radius) => {
    const hits: IndexHit[] = [];
    toChunks(code, query, 0);
    base.query(query, radius, hits);
    return hits;
  };
}

/**
 * Microseconds of each query (of CPU time beyond a millisecond): the best of three passes over all of them, because others use the machine too; between
 * two turns of a query lie all the others, so that caches do not remember it. Contestants take turns.
 */
export function timeInTurns<T>(
  contestants: Record<string, (query: T) => unknown>,
  queries: readonly T[],
): Record<string, number[]> {
  const best = Object.fromEntries(
    Object.keys(contestants).map((name) => [name, queries.map(() => Infinity)]),
  );
  for (let pass = 0; pass < 3; pass += 1) {
    for (const [name, search] of Object.entries(contestants)) {
      for (const [i, query] of queries.entries()) {
        const [cpu, started] = [cpuMs(), performance.now()];
        search(query);
        const wall = performance.now() - started;
        // What takes long is interrupted by others more often; what is short is below the resolution of CPU time.
        best[name]![i] = Math.min(best[name]![i]!, (wall > 1 ? cpuMs() - cpu : wall) * 1_000);
      }
    }
  }
  return best;
}

/** Queries whose answers differ. */
export function mismatches(queries: readonly Hash<'pdq'>[], radius: number, a: Search, b: Search): number {
  const key = (hits: readonly IndexHit[]) =>
    hits
      .map(({ id, distance }) => `${id}:${distance}`)
      .toSorted()
      .join();
  return queries.filter((query) => key(a(query, radius)) !== key(b(query, radius))).length;
}
