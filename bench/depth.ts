/** What each depth costs a worker: memory, starting, and time for a picture. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { App } from '../src/app.ts';
import { KnownWorks } from '../src/features/catalogue/known-works.ts';
import { findWorks } from '../src/features/checks/compare.ts';
import { lookAt } from '../src/features/checks/output-picture.ts';
import { currentPolicy } from '../src/features/checks/index.ts';
import { storePolicy } from '../src/features/checks/policies.ts';
import { encodeFeatures } from '../src/vision/fingerprint/features.ts';
import { ALGORITHM_VERSION } from '../src/vision/fingerprint/fingerprint.ts';
import { type Installation, install } from '../tests/support/installation.ts';
import { Processes, build } from '../tests/support/processes.ts';
import { brief, markdown, median, percentile } from './support/measure.ts';
import type { BenchOptions, Section } from './support/section.ts';

/** Of the works of the development corpus so many have a border, and so a second view. */
const TRIMMED_SHARE = 0.62;
/** A deep search shortlists so many at most. */
const LOOKED_AT = 36;
/** Of an idle worker's memory less than this changes in three seconds. */
const QUIET_BYTES = 1e6;

export async function depthSection({ small, fixtures }: BenchOptions): Promise<Section> {
  await build();
  const installation = await install('postgres');
  try {
    const app = await installation.open();
    const rows: string[][] = [];
    const empty = await workerFigures(installation);
    const row = async (works: number, depth: string) => {
      const { upMs, rss, highest } = await workerFigures(installation);
      rows.push([
        works.toLocaleString('en'),
        depth,
        brief((upMs - empty.upMs) / 1_000),
        brief((rss - empty.rss) / 1e6),
        brief((rss - empty.rss) / works),
        brief((highest - empty.highest) / 1e6),
      ]);
    };
    const cost: string[][] = [];
    for (const works of small ? [1_000] : [10_000, 100_000, 1_000_000]) {
      await fillTo(app, works);
      await row(works, 'standard');
      if (works <= 100_000) cost.push(await costOf(app, fixtures, works, small ? 4 : 60));
    }
    const deep = small ? 72 : 2_000;
    await emptyCatalogue(app);
    await fillTo(app, deep, await someFeatures(app, fixtures));
    await setDepth(app, 'deep');
    await row(deep, 'deep');
    const reading = await readingTimes(app, deep);
    return {
      file: 'depth.md',
      title: 'What each depth costs',
      note: `Synthetic works in a real PostgreSQL: random hashes, ${TRIMMED_SHARE * 100} % of the works with a second, trimmed view, as in the development corpus; deep ones have the keypoints of fixtures. Start and memory are those of a worker process beyond one with an empty catalogue, which took ${brief(empty.upMs / 1_000)} s and ${brief(empty.rss / 1e6)} MB; memory when it is idle and its hash index built, and the highest before that. Nothing makes it give memory back sooner than it would.`,
      body: [
        markdown(['works', 'depth', 'start, s', 'memory, MB', 'bytes a work', 'highest, MB'], rows),
        PARTS,
        '## Time of a check at standard depth',
        `Milliseconds beyond decoding, over pictures of 1024x1024 that resemble no work (JPEG): hashes and views in the compute process, search in the worker.`,
        markdown(['works', 'hashes and views', 'search', 'both, median', 'both, p95'], cost),
        '## A closer look',
        `The features of ${LOOKED_AT} works that were not looked at lately are read from the database in ${brief(median(reading))} ms (median; p95 ${brief(percentile(reading, 0.95))}).`,
      ].join('\n\n'),
    };
  } finally {
    await installation.close();
  }
}

const PARTS = `By part: the hash index holds 112 bytes for the whole picture's PDQ and as many for a trimmed view's; the structure hash 36 bytes a view, in a table that doubles when it is full. A deep work's keypoints take 40 bytes each in the index, and what finds them their place: some 15 KB at 370 keypoints. The works looked at closely last (UTSUSHI_WORKS_KEPT, some 30 KB each) are kept too.`;

interface WorkerFigures {
  /** From its start until it takes jobs; and of memory what is resident in the end, and at most. Milliseconds, bytes. */
  readonly upMs: number;
  readonly rss: number;
  readonly highest: number;
}

/** A worker as it is installed, idle. */
async function workerFigures({ env }: Installation): Promise<WorkerFigures> {
  const processes = new Processes(env);
  try {
    const started = performance.now();
    const worker = processes.start('worker', '--queue', 'checks');
    await worker.says(/is up/);
    const upMs = performance.now() - started;
    // The hash index is built beside what is going on.
    let [before, memory] = [0, await memoryOf(worker.pid)];
    while (Math.abs(memory.rss - before) > QUIET_BYTES) {
      await sleep(3_000);
      [before, memory] = [memory.rss, await memoryOf(worker.pid)];
    }
    return { upMs, ...memory };
  } finally {
    await processes.endAll();
  }
}

async function memoryOf(pid: number): Promise<{ rss: number; highest: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)![1]) * 1024;
  return { rss: bytes('VmRSS'), highest: bytes('VmHWM') };
}

/** @param features of pictures, given to the works in turn */
async function fillTo({ pool }: App, works: number, features: readonly Buffer[] = []): Promise<void> {
  const hash = (name: string) => `sha256(convert_to('${name} ' || i, 'utf8'))`;
  const statements = [
    `insert into assets (id, title, aliases, characters, claim, tier, enabled, created_at)
     select 'work-' || i, 'Work ' || i, '[]', '[]', '{}', 'standard', true, now()
       from generate_series((select count(*) + 1 from assets), ${works}) i`,
    `insert into reference_images (id, asset_id, sha256, file, format, width, height, changed_version, hashed_by, hashes)
     select gen_random_uuid(), 'work-' || i, encode(sha256(('picture ' || i)::bytea), 'hex'), i || '.png', 'png', 512, 512, 1,
            '${ALGORITHM_VERSION}',
            case when i % 100 < ${TRIMMED_SHARE * 100}
              then '\\x02030000' || ${hash('a')} || ${hash('b')} || ${hash('c')} || ${hash('d')}
              else '\\x01010000' || ${hash('a')} || ${hash('b')} end
       from generate_series((select count(*) + 1 from reference_images), ${works}) i`,
    `update catalogue_state set version = version + 1`,
    `analyze`,
  ];
  for (const statement of statements) await pool.query(statement);
  for (const [i, each] of features.entries()) {
    await pool.query(
      `insert into fingerprints (sha256, algorithm_version, quality, data, features)
       select sha256, $1, 100, '', $2 from reference_images where number % ${features.length} = ${i}`,
      [ALGORITHM_VERSION, each],
    );
  }
}

async function emptyCatalogue({ pool }: App): Promise<void> {
  await pool.query('truncate reference_images, assets, fingerprints cascade');
  await pool.query('update catalogue_state set version = version + 1');
}

async function setDepth(app: App, depth: 'deep'): Promise<void> {
  const { tiers } = await currentPolicy(app.db);
  await storePolicy(
    app.db,
    { tiers: { ...tiers, standard: { ...tiers.standard, depth } }, reason: 'bench', calibration: null },
    { actor: 'bench', at: new Date() },
  );
}

async function someFeatures(app: App, fixtures: string): Promise<Buffer[]> {
  const folder = join(fixtures, 'catalogue');
  const files = (await readdir(folder, { recursive: true })).filter((file) =>
    /\.(png|jpe?g|webp)$/.test(file),
  );
  const features: Buffer[] = [];
  for (const file of files.slice(0, 24)) {
    const source = { path: join(folder, file) };
    const { limits } = app.checks;
    const { outcome } = await app.checks.compute.examine({ role: 'work', depth: 'deep', source, limits });
    if ('features' in outcome) features.push(Buffer.from(encodeFeatures(outcome.features)));
  }
  return features;
}

/** Of all works in turn, so that none is kept from the last time. */
async function readingTimes(app: App, works: number): Promise<number[]> {
  const known = new KnownWorks(LOOKED_AT);
  const { rows } = await app.pool.query<{ number: number }>(
    'select number from reference_images order by number',
  );
  const times: number[] = [];
  for (let i = 0; i + LOOKED_AT <= works; i += LOOKED_AT) {
    const numbers = rows.slice(i, i + LOOKED_AT).map(({ number }) => number);
    const started = performance.now();
    await known.read(app.db, numbers);
    times.push(performance.now() - started);
  }
  return times;
}

async function costOf(app: App, fixtures: string, works: number, pictures: number): Promise<string[]> {
  await app.checks.index.refresh(app.db);
  await app.checks.index.matcher.settle();
  const folder = join(fixtures, 'outputs');
  const files = (await readdir(folder)).filter((file) => /\.(png|jpe?g|webp)$/.test(file));
  const times: { look: number; search: number }[] = [];
  for (let i = -2; i < pictures; i += 1) {
    const bytes = await sharp(await readFile(join(folder, files[(i + 2) % files.length]!)))
      .flatten({ background: '#fff' })
      .resize(1024, 1024, { fit: 'fill' })
      .jpeg({ quality: 85 })
      .toBuffer();
    const { examined, picture } = await lookAt(app.checks, { bytes }, { pixelsOnly: true });
    if (picture === undefined) continue;
    const { ms } = await findWorks(app.checks, picture);
    // The first ones find a process that has to start.
    if (i >= 0) times.push({ look: examined.ms.fingerprint, search: ms.search });
  }
  const of = (value: (time: (typeof times)[number]) => number) => times.map(value);
  const both = of(({ look, search }) => look + search);
  return [
    works.toLocaleString('en'),
    brief(median(of(({ look }) => look))),
    brief(median(of(({ search }) => search))),
    brief(median(both)),
    brief(percentile(both, 0.95)),
  ];
}
