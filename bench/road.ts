/** What the whole road costs beyond looking at pictures: through the queue, on import, and when screening. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { App } from '../src/app.ts';
import { importCatalogue, listImport } from '../src/features/catalogue/index.ts';
import { openUpload, screen } from '../src/features/checks/index.ts';
import { ComputePool } from '../src/platform/compute/pool.ts';
import { DEFAULT_POLICY, type Depth } from '../src/vision/matching/policy.ts';
import { type Backend, install } from '../tests/support/installation.ts';
import { Processes, build } from '../tests/support/processes.ts';
import { brief, markdown, median, percentile } from './support/measure.ts';
import type { BenchOptions, Section } from './support/section.ts';

const SIDE = 1024;

export async function roadSection({ small, fixtures }: BenchOptions): Promise<Section> {
  await build();
  const pictures = await outputs(fixtures, small ? 12 : 240);
  const rows: string[][] = [];
  const backends = small ? (['postgres'] as const) : (['postgres', 'redis'] as const);
  for (const backend of backends) {
    for (const tier of ['standard', 'high'] as const) {
      rows.push(...(await throughput(backend, tier, pictures, fixtures)));
    }
  }
  return {
    file: 'road.md',
    title: 'The road',
    note: `From the queue to a recorded check, ${pictures.length} different JPEGs of ${SIDE}x${SIDE} against the fixtures' catalogue. "Looking" is the compute pool alone: decode, fingerprint, features and provenance, in as many processes as the workers have together, before and after each run. Uploads are on disk before a run begins; a check ends in a committed transaction.`,
    body: [
      markdown(['queue', 'tier', 'workers x processes', 'checks/s', 'of looking alone'], rows),
      '## Import and screening',
      await importAndScreen(pictures, fixtures, small),
    ].join('\n\n'),
  };
}

/** Pictures that are all different, some of them copies of works. */
async function outputs(fixtures: string, count: number): Promise<Buffer[]> {
  const folder = join(fixtures, 'outputs');
  const files = (await readdir(folder)).filter((file) => /\.(png|jpe?g|webp)$/.test(file)).toSorted();
  return Promise.all(
    Array.from({ length: count }, (_, i) =>
      sharp(join(folder, files[i % files.length]!))
        .flatten({ background: '#fff' })
        .modulate({
          brightness: 0.9 + (0.2 * Math.floor(i / files.length)) / Math.ceil(count / files.length),
        })
        .resize(SIDE, SIDE, { fit: 'fill' })
        .jpeg({ quality: 85 })
        .toBuffer(),
    ),
  );
}

/** Rows: one worker with one process, one with two, two with one each. */
async function throughput(
  backend: Backend,
  tier: 'standard' | 'high',
  pictures: readonly Buffer[],
  fixtures: string,
): Promise<string[][]> {
  const rows: string[][] = [];
  for (const [workers, processes] of [
    [1, 1],
    [1, 2],
    [2, 1],
  ] as const) {
    const installation = await install(backend, { UTSUSHI_CONCURRENCY: String(processes) });
    try {
      const app = await installation.open();
      const { depth } = DEFAULT_POLICY.tiers[tier];
      await importWorks(app, fixtures, tier);
      const before = await lookingRate(pictures, app, workers * processes, depth);
      const ids = await Promise.all(pictures.map((bytes) => upload(app, bytes)));
      const started = new Processes(installation.env);
      const running = Array.from({ length: workers }, () => started.start('worker', '--queue', 'checks'));
      await Promise.all(running.map((worker) => worker.says(/is up/)));
      const from = performance.now();
      await (
        await app.queue()
      ).addMany(
        'check-sighting',
        ids.map((sightingId) => ({ payload: { sightingId }, options: { jobId: sightingId } })),
      );
      while ((await pending(app)) > 0) await sleep(20);
      const rate = pictures.length / ((performance.now() - from) / 1_000);
      await started.endAll();
      const looking = (before + (await lookingRate(pictures, app, workers * processes, depth))) / 2;
      rows.push([
        backend,
        tier,
        `${workers} x ${processes}`,
        brief(rate),
        `${Math.round((100 * rate) / looking)} %`,
      ]);
    } finally {
      await installation.close();
    }
  }
  return rows;
}

async function importWorks(app: App, fixtures: string, tier: 'standard' | 'high'): Promise<number> {
  const from = performance.now();
  const report = await importCatalogue(app.checks, await listImport(join(fixtures, 'catalogue'), undefined), {
    tier,
    actor: 'bench',
  });
  return report.imported / ((performance.now() - from) / 1_000);
}

async function lookingRate(
  pictures: readonly Buffer[],
  app: App,
  processes: number,
  depth: Depth,
): Promise<number> {
  await using pool = new ComputePool({ ...app.config.compute, size: processes });
  const look = (bytes: Uint8Array) =>
    pool.examine({ role: 'output', depth, source: { bytes }, limits: app.config.limits });
  // Processes start and compile on their first pictures.
  await Promise.all(pictures.slice(0, 2 * processes).map(look));
  const from = performance.now();
  await Promise.all(pictures.map(look));
  return pictures.length / ((performance.now() - from) / 1_000);
}

function upload(app: App, bytes: Uint8Array): Promise<string> {
  const seen = { acquiredBy: 'bench', pageUrl: null, account: null, postedAt: null };
  return openUpload(app.checks, bytes, seen, new Date());
}

async function pending(app: App): Promise<number> {
  const { count } = await app.db
    .selectFrom('sightings')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('state', '=', 'pending')
    .executeTakeFirstOrThrow();
  return count;
}

async function importAndScreen(
  pictures: readonly Buffer[],
  fixtures: string,
  small: boolean,
): Promise<string> {
  const rows: string[][] = [];
  const installation = await install('postgres', { UTSUSHI_SCREEN_CAPACITY: '64' });
  try {
    const app = await installation.open();
    await mkdir(join(installation.dataDir, 'blobs'), { recursive: true });
    const imported = await importWorks(app, fixtures, 'high');
    await app.keepIndexFresh();
    for (const atOnce of small ? [1] : [1, 2, 4, 8]) {
      const times: number[] = [];
      const waiting = [...pictures];
      const caller = async () => {
        for (let bytes = waiting.pop(); bytes !== undefined; bytes = waiting.pop()) {
          const { answer, ms } = await screen(app.checks, bytes, 30_000, app.config.screening);
          if (answer === 'not-screened') throw new Error('a picture was not screened');
          times.push(ms);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, caller));
      rows.push([
        String(atOnce),
        brief(median(times)),
        brief(percentile(times, 0.95)),
        brief(percentile(times, 0.99)),
      ]);
    }
    return [
      `Import, deep, ${app.config.concurrency} processes: ${brief(imported)} works a second, starting included.`,
      'Screening, deep, milliseconds from the bytes at hand to the answer:',
      markdown(['callers at once', 'p50', 'p95', 'p99'], rows),
    ].join('\n\n');
  } finally {
    await installation.close();
  }
}
