/** Exact search by hash beside scans, usearch and hnswlib-node. */
import type * as Hnswlib from 'hnswlib-node';
import { Index, MetricKind, ScalarKind, exactSearch } from 'usearch';
import type { Hash } from '../src/vision/fingerprint/hash.ts';
import { LinearIndex } from '../src/vision/search/linear-index.ts';
import { codeAt, queriesFor, randomCodes } from './support/codes.ts';
import { brief, markdown, median, percentile } from './support/measure.ts';
import { builtIndex, mismatches, searchIn, timeInTurns } from './support/search.ts';
import type { BenchOptions, Section } from './support/section.ts';

const RADIUS = 31;
const NEIGHBOURS = 10;
const HNSW = { connectivity: 16, expansionAdd: 128, expansionSearch: 512 };

export async function searchSection({ small }: BenchOptions): Promise<Section> {
  const count = small ? 5_000 : 1_000_000;
  const graphCount = small ? 1_000 : 20_000;
  const body = [exact(count, small ? 20 : 100), await graphs(graphCount, small ? 10 : 100)].join('\n\n');
  return {
    file: 'speed-search.md',
    title: 'Speed of search by hash',
    note: `256-bit codes, radius ${RADIUS}, one thread. Codes are random; half of the queries are copies of a stored code with up to 31 bits changed, half have nothing near. Each query counts with the best of three passes, beyond a millisecond by its CPU time.`,
    body,
  };
}

function exact(count: number, queryCount: number): string {
  const codes = randomCodes(count);
  const queries = queriesFor(codes, queryCount);
  const [wasm, plain] = [builtIndex(codes, false), builtIndex(codes, true)];
  const linear = new LinearIndex();
  for (let i = 0; i < count; i += 1) linear.add(i, codeAt(codes, i));
  const indexed = searchIn(wasm.parts, 'probing');
  const scanned = searchIn(wasm.parts, 'scanning');
  const bytes = new Int8Array(codes.buffer);
  const contestants: Record<string, (query: Hash<'pdq'>) => unknown> = {
    Utsushi: (query) => indexed(query, RADIUS),
    'Utsushi, plain typed arrays': (
      (search) => (query: Hash<'pdq'>) =>
        search(query, RADIUS)
    )(searchIn(plain.parts, 'probing')),
    'scan, WebAssembly SIMD': (query) => scanned(query, RADIUS),
    'scan, tuned TypeScript': (query) => linear.query(query, RADIUS),
    [`usearch exactSearch, top ${NEIGHBOURS} only`]: (query) =>
      exactSearch(bytes, new Int8Array(query.buffer), 32, NEIGHBOURS, MetricKind.Hamming, 1),
  };
  const times = timeInTurns(contestants, queries);
  const ours = median(times['Utsushi']!);
  const rows = Object.entries(times).map(([name, all]) => [
    name,
    name === 'Utsushi' ? '' : `${brief(median(all) / ours)}`,
    brief(median(all)),
    brief(percentile(all, 0.99)),
    brief(percentile(all, 0.99) / median(all)),
  ]);
  const wrong = mismatches(queries, RADIUS, indexed, (query, radius) => linear.query(query, radius));
  return [
    `## Exact, ${count.toLocaleString('en')} codes, ${queryCount} queries`,
    markdown(['what', 'x Utsushi (medians)', 'median µs', 'p99 µs', 'p99 / median'], rows),
    `Answers of Utsushi that differ from the scan in TypeScript: ${wrong} of ${queryCount}.`,
  ].join('\n\n');
}

/** Approximate indexes: they answer with some of the nearest, of floats where they know no bits. */
async function graphs(count: number, queryCount: number): Promise<string> {
  const codes = randomCodes(count);
  const queries = queriesFor(codes, queryCount);
  const { parts, ms } = builtIndex(codes, false);
  const indexed = searchIn(parts, 'probing');
  const expected = queries.map((query) => indexed(query, RADIUS).map((hit) => hit.id));
  const wanted = expected.reduce((sum, ids) => sum + ids.length, 0);
  const contestants: Record<string, (query: Hash<'pdq'>) => readonly number[]> = {
    'Utsushi (exact)': (query) => indexed(query, RADIUS).map((hit) => hit.id),
  };
  const built: Record<string, number> = { 'Utsushi (exact)': ms.wall };
  const absent: string[][] = [];

  const usearchName = `usearch HNSW, b1, expansion ${HNSW.expansionSearch}`;
  const usearch = new Index({
    dimensions: 256,
    metric: MetricKind.Hamming,
    quantization: ScalarKind.B1,
    connectivity: HNSW.connectivity,
    expansion_add: HNSW.expansionAdd,
    expansion_search: HNSW.expansionSearch,
    multi: false,
  });
  let started = performance.now();
  for (let i = 0; i < count; i += 1) usearch.add(BigInt(i), signs(codeAt(codes, i)), 1);
  built[usearchName] = performance.now() - started;
  contestants[usearchName] = (query) => Array.from(usearch.search(signs(query), NEIGHBOURS, 1).keys, Number);

  const hnswlibName = `hnswlib-node, 256 floats, ef ${HNSW.expansionSearch}`;
  // Compiled at install, which this project's set-up never does.
  const hnswlib = await hnswlibNode().catch(() => undefined);
  if (hnswlib === undefined) {
    absent.push([hnswlibName, 'not built here: `npm rebuild hnswlib-node`', '', '', '']);
  } else {
    const graph = new hnswlib.HierarchicalNSW('l2', 256);
    graph.initIndex(count, HNSW.connectivity, HNSW.expansionAdd);
    started = performance.now();
    for (let i = 0; i < count; i += 1) graph.addPoint([...signs(codeAt(codes, i))], i);
    built[hnswlibName] = performance.now() - started;
    graph.setEf(HNSW.expansionSearch);
    contestants[hnswlibName] = (query) => graph.searchKnn([...signs(query)], NEIGHBOURS).neighbors;
  }
  const times = timeInTurns(contestants, queries);
  const ours = median(times['Utsushi (exact)']!);
  const rows = Object.entries(times).map(([name, all]) => {
    const found = queries.reduce((sum, query, i) => {
      const ids = new Set(contestants[name]!(query));
      return sum + expected[i]!.filter((id) => ids.has(id)).length;
    }, 0);
    return [
      name,
      name === 'Utsushi (exact)' ? '' : brief(median(all) / ours),
      brief(median(all)),
      `${((100 * found) / wanted).toFixed(1)} %`,
      brief(built[name]! / 1_000),
    ];
  });
  return [
    `## Approximate, ${count.toLocaleString('en')} codes, ${queryCount} queries`,
    `Smaller, because the graphs take minutes to build. Recall: of ${wanted} codes within the radius, how many are among the ${NEIGHBOURS} answered.`,
    markdown(['what', 'x Utsushi (medians)', 'median µs', 'recall', 'build s'], [...rows, ...absent]),
  ].join('\n\n');
}

async function hnswlibNode() {
  // A CommonJS module: what its types call its exports is its default here.
  return ((await import('hnswlib-node')) as unknown as { default: typeof Hnswlib }).default;
}

/** A bit as +1 or -1, which usearch packs again. */
function signs(code: Hash<'pdq'>): Float32Array {
  return Float32Array.from({ length: 256 }, (_, i) => ((code[i >> 5]! >>> (i & 31)) & 1 ? 1 : -1));
}
