/** Exact search by hash beside scans, usearch and hnswlib-node. */
import type * as Hnswlib from 'hnswlib-node';
import { Index, MetricKind, ScalarKind, exactSearch } from 'usearch';
import type { Hash } from '../src/vision/fingerprint/hash.ts';
import { LinearIndex } from '../src/vision/search/linear-index.ts';
import { codeAt, queriesFor, randomCodes } from './support/codes.ts';
import { brief, cpuMs, markdown, median, percentile } from './support/measure.ts';
import { builtIndex, mismatches, searchIn, timeInTurns } from './support/search.ts';
import type { BenchOptions, Section } from './support/section.ts';

const RADIUS = 31;
const NEIGHBOURS = 10;
const HNSW = { connectivity: 16, expansionAdd: 128, expansionSearch: 512 };

/** The graph of usearch takes five minutes to build; `--items N` makes it smaller. */
export async function searchSection({ small, items = 1_000_000 }: BenchOptions): Promise<Section> {
  const queryCount = small ? 20 : 100;
  const body = [
    exact(small ? 5_000 : 1_000_000, queryCount),
    await approximate(USEARCH, small ? 1_000 : items, small ? queryCount : 500),
    await approximate(HNSWLIB, small ? 1_000 : 20_000, queryCount),
  ].join('\n\n');
  return {
    file: 'speed-search.md',
    title: 'Speed of search by hash',
    note: `256-bit codes, radius ${RADIUS}, one thread. Codes are random; half of the queries are copies of a stored code with up to 31 bits changed, half have nothing near. Each query counts with the best of three passes, beyond a millisecond by its CPU time. The graphs (HNSW) are approximate: of the codes within the radius, how many are among the nearest they answer.`,
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

/** An approximate index: answers with some of the nearest, of floats where it knows no bits. */
interface Graph {
  readonly name: string;
  /** What finds the ids of the nearest, or undefined where its package is not built. */
  readonly build: (codes: Uint32Array) => Promise<((query: Hash<'pdq'>) => readonly number[]) | undefined>;
}

const USEARCH: Graph = {
  name: `usearch HNSW, b1, expansion ${HNSW.expansionSearch}`,
  build: async (codes) => {
    const index = new Index({
      dimensions: 256,
      metric: MetricKind.Hamming,
      quantization: ScalarKind.B1,
      connectivity: HNSW.connectivity,
      expansion_add: HNSW.expansionAdd,
      expansion_search: HNSW.expansionSearch,
      multi: false,
    });
    for (let i = 0; i < codes.length / 8; i += 1) index.add(BigInt(i), signs(codeAt(codes, i)), 1);
    return (query) => Array.from(index.search(signs(query), NEIGHBOURS, 1).keys, Number);
  },
};

const HNSWLIB: Graph = {
  name: `hnswlib-node, 256 floats, ef ${HNSW.expansionSearch}`,
  build: async (codes) => {
    // Compiled at install, which this project's set-up never does. A CommonJS module: its exports are its default here.
    const imported = (await import('hnswlib-node').catch(() => undefined)) as
      { default: typeof Hnswlib } | undefined;
    if (imported === undefined) return undefined;
    const graph = new imported.default.HierarchicalNSW('l2', 256);
    graph.initIndex(codes.length / 8, HNSW.connectivity, HNSW.expansionAdd);
    for (let i = 0; i < codes.length / 8; i += 1) graph.addPoint([...signs(codeAt(codes, i))], i);
    graph.setEf(HNSW.expansionSearch);
    return (query) => graph.searchKnn([...signs(query)], NEIGHBOURS).neighbors;
  },
};

async function approximate(graph: Graph, count: number, queryCount: number): Promise<string> {
  const codes = randomCodes(count);
  const queries = queriesFor(codes, queryCount);
  const { parts, ms } = builtIndex(codes, false);
  const indexed = searchIn(parts, 'probing');
  const expected = queries.map((query) => indexed(query, RADIUS).map((hit) => hit.id));
  const wanted = expected.reduce((sum, ids) => sum + ids.length, 0);
  const title = `## ${graph.name}, ${count.toLocaleString('en')} codes, ${queryCount} queries`;
  const started = cpuMs();
  const search = await graph.build(codes);
  const built = cpuMs() - started;
  if (search === undefined) return `${title}\n\nNot built here: \`npm rebuild ${graph.name.split(',')[0]}\`.`;
  const times = timeInTurns({ ours: (query) => indexed(query, RADIUS), graph: search }, queries);
  const ours = median(times['ours']!);
  const recalled = queries.reduce((sum, query, i) => {
    const ids = new Set(search(query));
    return sum + expected[i]!.filter((id) => ids.has(id)).length;
  }, 0);
  const recall = `${((100 * recalled) / wanted).toFixed(1)} % of ${wanted}`;
  return [
    title,
    markdown(
      ['what', 'x Utsushi (medians)', 'median µs', 'p99 µs', `found among ${NEIGHBOURS}`, 'build s (CPU)'],
      [
        [
          'Utsushi (exact)',
          '',
          brief(ours),
          brief(percentile(times['ours']!, 0.99)),
          '100 %',
          brief(ms.cpu / 1_000),
        ],
        [
          graph.name,
          brief(median(times['graph']!) / ours),
          brief(median(times['graph']!)),
          brief(percentile(times['graph']!, 0.99)),
          recall,
          brief(built / 1_000),
        ],
      ],
    ),
  ].join('\n\n');
}

/** A bit as +1 or -1, which usearch packs again. */
function signs(code: Hash<'pdq'>): Float32Array {
  return Float32Array.from({ length: 256 }, (_, i) => ((code[i >> 5]! >>> (i & 31)) & 1 ? 1 : -1));
}
