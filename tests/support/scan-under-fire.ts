/**
 * A directory of many files, scanned by real worker processes to recorded checks; the one that scans is killed several
 * times on the way, and people hand in pictures of their own meanwhile. Used by a test at a small size and by a bench.
 */
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { App } from '../../src/app.ts';
import { findSighting, openUpload } from '../../src/features/checks/index.ts';
import {
  applyMonitors,
  findMonitor,
  findScan,
  listScans,
  parseMonitor,
  startScan,
} from '../../src/features/monitoring/index.ts';
import type { Tier } from '../../src/vision/matching/policy.ts';
import { type Backend, eventually, install } from './installation.ts';
import { artwork } from './pictures.ts';
import { Processes, type UtsushiProcess, computeChildrenOf } from './processes.ts';
import { Scene } from './scene.ts';

export interface Fire {
  readonly backend: Backend;
  /** Files in the directory; every tenth is a copy of a work. */
  readonly items: number;
  /** Of the works: those of tier high are searched for in depth. */
  readonly tier: Tier;
  readonly side: number;
  /** How often the scanning process is killed, evenly over the run. */
  readonly kills: number;
  /** A person hands in a picture this often. */
  readonly askEveryMs: number;
  readonly report?: (line: string) => void;
  /** Where everything is kept, so that a run that was stopped can go on; else it is removed at the end. */
  readonly directory?: string;
  /** Stops the run, to go on another time. */
  readonly signal?: AbortSignal;
}

export interface Measured {
  readonly items: number;
  readonly seconds: number;
  readonly kills: number;
  /** Resident memory of each process with its compute children over the run, by checks recorded so far. MiB. */
  readonly memory: readonly {
    readonly checked: number;
    readonly scanner: number;
    readonly checker: number;
  }[];
  /** From handing a picture in to its recorded answer. Milliseconds, in order of asking. */
  readonly answers: readonly number[];
  readonly mostWaiting: number;
}

const WORKS = 3;
const WORK_SIDE = 160;
const BASES = 40;
/** A smaller run would be over before its last kill if a second process, which is not killed, checked along. */
const ALONE_UP_TO = 1_000;

/** What is known of a run so far; a line of the journal for each time it was looked at. */
interface Journal {
  readonly seconds: number;
  readonly kills: number;
  readonly mostWaiting: number;
  readonly memory: Measured['memory'][number];
  /** Answers since the line before. */
  readonly answers: readonly number[];
}

/** @returns undefined when it was stopped */
export async function scanUnderFire(fire: Fire): Promise<Measured | undefined> {
  const { directory, signal, report = () => {} } = fire;
  const installation = await install(
    fire.backend,
    { UTSUSHI_CONCURRENCY: '1', UTSUSHI_JOB_LOCK_MS: '5000', UTSUSHI_SWEEP_MS: '5000' },
    directory,
  );
  const processes = new Processes(installation.env);
  const journalPath = join(installation.dataDir, 'journal.jsonl');
  const journal = await readJournal(journalPath);
  try {
    const app = await installation.open();
    const scanId = await findOrStart(app, installation.dataDir, fire);
    let checker = fire.items > ALONE_UP_TO ? await start(processes, 'checks', 'upkeep') : undefined;
    let scanner = await start(processes, 'scans', 'checks');
    const queue = await app.queue();
    await queue.add('scan', { scanId }, { jobId: scanId });

    const before = journal.at(-1)?.seconds ?? 0;
    const started = performance.now();
    const seconds = () => before + (performance.now() - started) / 1_000;
    const done = new AbortController();
    const over = signal === undefined ? done.signal : AbortSignal.any([done.signal, signal]);
    let answers: number[] = [];
    let kills = journal.at(-1)?.kills ?? 0;
    let mostWaiting = journal.at(-1)?.mostWaiting ?? 0;
    const asking = (async () => {
      for (let nth = Math.round(seconds()); !over.aborted; nth++) {
        const answer = await ask(app, nth);
        answers.push(answer);
        await sleep(fire.askEveryMs, undefined, { signal: over }).catch(() => {});
      }
    })();
    for (;;) {
      const { state, checked, failed } = await findScan(app.db, scanId);
      mostWaiting = Math.max(mostWaiting, await waiting(app));
      const memory = { checked, scanner: await residentMiB(scanner), checker: await residentMiB(checker) };
      journal.push({ seconds: seconds(), kills, mostWaiting, memory, answers });
      answers = [];
      await appendFile(journalPath, `${JSON.stringify(journal.at(-1))}\n`);
      report(
        `${checked} of ${fire.items} checked, ${failed} failed, ${kills} kills, ${memory.scanner} and ${memory.checker} MiB, ${Math.round(seconds())} s`,
      );
      if (state !== 'running' || over.aborted) break;
      if (kills < fire.kills && checked >= ((kills + 1) * fire.items) / (fire.kills + 1)) {
        kills += 1;
        await scanner.end('SIGKILL');
        scanner = await start(processes, 'scans', 'checks');
        if (kills === fire.kills) checker ??= await start(processes, 'checks', 'upkeep');
      }
      await sleep(lookEveryMs(fire), undefined, { signal: over }).catch(() => {});
    }
    if (over.aborted) return undefined;
    done.abort();
    await asking;
    await nothingLostOrDoubled(app, scanId, fire.items);
    expect(kills).toBe(fire.kills);
    return {
      items: fire.items,
      seconds: journal.at(-1)!.seconds,
      kills,
      memory: journal.map((line) => line.memory),
      answers: [...journal.flatMap((line) => line.answers), ...answers],
      mostWaiting,
    };
  } finally {
    await processes.endAll();
    await installation.close();
  }
}

async function readJournal(path: string): Promise<Journal[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Journal);
}

/** The scan of a directory that was filled for it; the one that an earlier run left, where there is one. */
async function findOrStart(app: App, dataDir: string, fire: Fire): Promise<string> {
  const [left] = await listScans(app.db, { monitor: 'many', limit: 1 });
  if (left !== undefined) return left.id;
  await Scene.importWorks(app, await Scene.works(join(dataDir, 'works'), 0, WORKS), fire.tier);
  const folder = join(dataDir, 'outputs');
  await writePictures(folder, fire);
  const by = { actor: 'test', at: new Date() };
  await applyMonitors(app.db, [parseMonitor('many', { source: { kind: 'directory', path: folder } })], by);
  return (await startScan(app.db, (await findMonitor(app.db, 'many')).id, 'person', new Date())).scanId;
}

async function start(processes: Processes, ...queues: string[]): Promise<UtsushiProcess> {
  const worker = processes.start('worker', '--queue', ...queues);
  await worker.says(/worker is up/);
  return worker;
}

/** Every file is one output of its own: a JPEG may be followed by anything. */
async function writePictures(folder: string, { items, side }: Fire): Promise<void> {
  await mkdir(folder);
  const bases = await Promise.all(
    Array.from({ length: BASES }, (_, nth) =>
      // A work's drawing depends on its size.
      (nth % 10 === 0 ? artwork((nth / 10) % WORKS, WORK_SIDE) : artwork(1_000 + nth, WORK_SIDE))
        .resize(side)
        .jpeg()
        .toBuffer(),
    ),
  );
  for (let nth = 0; nth < items; nth++) {
    const inside = join(folder, String(Math.floor(nth / 1_000)).padStart(3, '0'));
    if (nth % 1_000 === 0) await mkdir(inside);
    const bytes = Buffer.concat([bases[nth % BASES]!, Buffer.from(String(nth))]);
    await writeFile(join(inside, `${String(nth).padStart(6, '0')}.jpg`), bytes);
  }
}

/** Hands a picture in as the API does, and waits for its recorded answer. */
async function ask(app: App, nth: number): Promise<number> {
  const bytes = await artwork(50_000 + nth, 320)
    .jpeg()
    .toBuffer();
  const asked = performance.now();
  const seen = { acquiredBy: 'test', pageUrl: null, account: null, postedAt: null };
  const id = await openUpload(app.checks, bytes, seen, new Date());
  await (await app.queue()).add('check-sighting', { sightingId: id }, { jobId: id });
  await eventually('the answer', async () => (await findSighting(app.db, id))!.state === 'done', 120_000);
  return performance.now() - asked;
}

async function waiting(app: App): Promise<number> {
  const { checks } = await (await app.queue()).counts();
  return (checks['prioritized'] ?? 0) + (checks['wait'] ?? 0);
}

/** Often enough that between two looks no more is checked than between two kills. */
function lookEveryMs({ items }: Fire): number {
  if (items > 5_000) return 5_000;
  return items > ALONE_UP_TO ? 500 : 20;
}

/** The process and its compute children; 0 where there is none. Linux only. */
async function residentMiB(process: UtsushiProcess | undefined): Promise<number> {
  if (process === undefined) return 0;
  const { pid } = process;
  const pids = [pid, ...(await computeChildrenOf(pid))];
  const sizes = await Promise.all(
    pids.map(async (each) => {
      const status = await readFile(`/proc/${each}/status`, 'utf8').catch(() => '');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
    }),
  );
  return Math.round(sizes.reduce((sum, size) => sum + size, 0));
}

async function nothingLostOrDoubled(app: App, scanId: string, items: number): Promise<void> {
  expect(await findScan(app.db, scanId)).toMatchObject({
    state: 'done',
    seen: items,
    new: items,
    checked: items,
    candidates: Math.ceil(items / 10),
    failed: 0,
    skipped: 0,
  });
  const { rows } = await app.pool.query<Record<string, number>>(
    `select count(*)::int as sightings, count(distinct s.image_url)::int as files,
            count(distinct s.output_id)::int as outputs, count(distinct c.id)::int as checks
       from sightings s left join checks c on c.output_id = s.output_id where s.scan_id = $1`,
    [scanId],
  );
  expect(rows[0]).toEqual({ sightings: items, files: items, outputs: items, checks: items });
  const audited = await app.pool.query<{ n: number }>(
    `select count(distinct payload::jsonb ->> 'sightingId')::int as n, count(*)::int as records
       from audit_records r join sightings s on s.id::text = payload::jsonb ->> 'sightingId'
      where r.kind = 'output.checked' and s.scan_id = $1`,
    [scanId],
  );
  expect(audited.rows[0]).toEqual({ n: items, records: items });
  // A file that was half written when its process was killed is removed by the hourly tidying, a day later.
  const spooled = await readdir(join(app.config.dataDir, 'spool'));
  expect(spooled.filter((name) => !name.endsWith('.part'))).toEqual([]);
  // One of them, to be sure that what was counted is what was there.
  const one = await app.pool.query<{ image_url: string; sha256: string }>(
    `select s.image_url, o.sha256 from sightings s join outputs o on o.id = s.output_id where s.scan_id = $1 limit 1`,
    [scanId],
  );
  const bytes = await readFile(new URL(one.rows[0]!.image_url));
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(one.rows[0]!.sha256);
}
