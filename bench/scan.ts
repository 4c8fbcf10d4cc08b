import { resolve } from 'node:path';
import { type Measured, scanUnderFire } from '../tests/support/scan-under-fire.ts';
import { build } from '../tests/support/processes.ts';
import type { BenchOptions, Section } from './support/section.ts';

const ITEMS = 50_000;
/** Small, so that what is measured is the scan and not the reading of pictures. */
const SIDE = 128;
/** Outputs are looked at in the depth of the works there are. */
const TIER = 'standard';
const KILLS = 3;
/** Memory is flat from here on: a process has everything loaded that it will need. */
const WARM = 5_000;

/** A directory scanned to recorded checks by two worker processes, while one is killed and people ask. */
export async function scanSection({ small, items = ITEMS, dir }: BenchOptions): Promise<Section | undefined> {
  // At a small size it is a test: tests/integration/monitoring/under-fire.test.ts.
  if (small) return undefined;
  await build();
  const stop = new AbortController();
  const stopped = () => stop.abort();
  process.once('SIGINT', stopped).once('SIGTERM', stopped);
  const measured = await scanUnderFire({
    backend: 'redis',
    items,
    tier: TIER,
    side: SIDE,
    kills: KILLS,
    askEveryMs: 10_000,
    report: (line) => process.stderr.write(`${line}\n`),
    signal: stop.signal,
    ...(dir === undefined ? {} : { directory: resolve(dir) }),
  });
  process.off('SIGINT', stopped).off('SIGTERM', stopped);
  if (measured === undefined) {
    process.stderr.write(dir === undefined ? 'stopped\n' : `stopped; the same command goes on with it\n`);
    return undefined;
  }
  return {
    file: 'scan.md',
    title: 'A long scan',
    note: [
      `A directory of ${items.toLocaleString('en')} different files (JPEG, ${SIDE}²; every tenth a copy of one of 3 works of tier ${TIER}) is scanned through Redis to recorded checks by two worker processes with one compute child each.`,
      `The one that scans is killed with SIGKILL ${KILLS} times; the other one lives through it all. All the while a person hands in pictures of their own, one after the other.`,
      'At the end every file has exactly one sighting, one output, one check and one audit record, and the spool is empty: else there would be no table.',
    ].join('\n'),
    body: tableOf(measured),
  };
}

function tableOf({ items, seconds, kills, memory, answers, mostWaiting }: Measured): string {
  // Where fewer files were scanned, a tenth of them has to do.
  const warm = Math.min(WARM, items / 10);
  const settled = memory.filter(({ checked }) => checked >= warm);
  const first = settled[0]!;
  const grown = (of: 'checker' | 'scanner') => {
    const most = Math.max(...settled.map((each) => each[of]));
    return `${most} MiB (${(most / first[of]).toFixed(2)}×)`;
  };
  const sorted = answers.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)]!;
  const rows = [
    ['files, all recorded once', items.toLocaleString('en')],
    ['kills survived', kills],
    ['checks a second', (items / seconds).toFixed(1)],
    [`memory after ${Math.round(warm).toLocaleString('en')} checks`, `${first.checker} MiB`],
    ['most memory afterwards', grown('checker')],
    ['the same of the process that scans and checks', `${first.scanner} MiB`],
    ['most memory afterwards, with those that took its place', grown('scanner')],
    ['checks waiting in the queue at most', mostWaiting],
    ['answers to people meanwhile', answers.length],
    ['answered within, median', `${(at(0.5) / 1_000).toFixed(2)} s`],
    ['answered within, 95 %', `${(at(0.95) / 1_000).toFixed(2)} s`],
  ];
  return ['| | |', '| --- | --- |', ...rows.map(([what, found]) => `| ${what} | ${found} |`)].join('\n');
}
