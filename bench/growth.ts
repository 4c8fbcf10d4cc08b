/** How search by hash grows with the catalogue: time, memory, build. */
import { queriesFor, randomCodes } from './support/codes.ts';
import { brief, markdown, median, percentile } from './support/measure.ts';
import { type Line, plot } from './support/plot.ts';
import { builtIndex, mismatches, searchIn, timeInTurns } from './support/search.ts';
import type { BenchOptions, Section } from './support/section.ts';

const RADII = [15, 31, 47, 63];

export function growthSection({ small }: BenchOptions): Section {
  const sizes = small ? [1_000, 10_000] : [10_000, 100_000, 1_000_000, 10_000_000];
  const measured = sizes.map((count) => measure(count, small ? 10 : 200));
  const lines = (name: string, value: (one: Measured) => number): Line => ({
    name,
    points: measured.map((one) => [one.count, value(one)]),
  });
  return {
    file: 'speed-growth.md',
    title: 'Growth of search by hash',
    note: 'Random codes of 256 bits, one thread; half of the queries have a near code. Each query counts with the best of three passes, beyond a millisecond by its CPU time, the scan (WebAssembly SIMD) with fewer queries from a million codes on. CPU time of a build; memory is the whole block that holds the index.',
    body: [
      '![Time of a query](speed-growth-query.svg)',
      markdown(
        ['codes', 'scan / index, r = 31', 'index median µs', 'p99 µs', 'scan median µs', 'differing answers'],
        measured.map((one) => [
          one.count.toLocaleString('en'),
          brief(one.scan / one.query[31]!.median),
          brief(one.query[31]!.median),
          brief(one.query[31]!.p99),
          brief(one.scan),
          `${one.wrong} of ${one.compared}`,
        ]),
      ),
      '## By radius',
      'Median microseconds. Where probing would cost more than comparing with every code, that is done.',
      markdown(
        ['codes', ...RADII.map((radius) => `r = ${radius}`)],
        measured.map((one) => [
          one.count.toLocaleString('en'),
          ...RADII.map((radius) => brief(one.query[radius]!.median)),
        ]),
      ),
      '## Memory and build',
      '![Memory and build](speed-growth-build.svg)',
      markdown(
        ['codes', 'MB', 'bytes a code, without 5 MB', 'build s (CPU)'],
        measured.map((one) => [
          one.count.toLocaleString('en'),
          brief(one.bytes / 1e6),
          brief(Math.max(0, one.bytes - 5e6) / one.count),
          brief(one.buildMs / 1_000),
        ]),
      ),
    ].join('\n\n'),
    plots: [
      {
        file: 'speed-growth-query.svg',
        svg: plot({
          title: 'Time of a query',
          x: 'codes',
          y: 'median µs',
          lines: [
            ...RADII.map((radius) => lines(`index, radius ${radius}`, (one) => one.query[radius]!.median)),
            lines('scan, radius 31', (one) => one.scan),
          ],
        }),
      },
      {
        file: 'speed-growth-build.svg',
        svg: plot({
          title: 'Memory and build',
          x: 'codes',
          y: 'MB, seconds',
          lines: [
            lines('memory, MB', (one) => one.bytes / 1e6),
            lines('build, s of CPU', (one) => one.buildMs / 1_000),
          ],
        }),
      },
    ],
  };
}

interface Measured {
  readonly count: number;
  /** By radius, microseconds. */
  readonly query: Record<number, { median: number; p99: number }>;
  readonly scan: number;
  readonly bytes: number;
  readonly buildMs: number;
  readonly wrong: number;
  readonly compared: number;
}

function measure(count: number, queryCount: number): Measured {
  const codes = randomCodes(count);
  const queries = queriesFor(codes, queryCount);
  const { parts, ms, bytes } = builtIndex(codes, false);
  const [indexed, scanned] = [searchIn(parts, 'probing'), searchIn(parts, 'scanning')];
  const few = queries.slice(0, count >= 1_000_000 ? 40 : queryCount);
  const { scan } = timeInTurns({ scan: (query) => scanned(query, 31) }, few);
  const query = Object.fromEntries(
    RADII.map((radius) => {
      const { index } = timeInTurns({ index: (code) => indexed(code, radius) }, radius > 31 ? few : queries);
      return [radius, { median: median(index!), p99: percentile(index!, 0.99) }];
    }),
  );
  const wrong = mismatches(few, 31, indexed, scanned);
  return { count, query, scan: median(scan!), bytes, buildMs: ms.cpu, wrong, compared: few.length };
}
