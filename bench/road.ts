/** What the whole road costs beyond looking at pictures: through the queue, on import, and when screening. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { App } from '../src/app.ts';
import { buildServer } from '../src/entry/http/server.ts';
import { importCatalogue, listImport } from '../src/features/catalogue/index.ts';
import { type screen, openUpload } from '../src/features/checks/index.ts';
import { type Backend, type Installation, install } from '../tests/support/installation.ts';
import { Processes, build } from '../tests/support/processes.ts';
import { type Bare, barely } from './support/bare.ts';
import { CORES, confine } from './support/confine.ts';
import { brief, cpuMs, markdown, median, percentile } from './support/measure.ts';
import { plot } from './support/plot.ts';
import { parentOf, processCpu } from './support/process-cpu.ts';
import type { BenchOptions, Section } from './support/section.ts';
import { whenStopped } from './support/stopping.ts';

const SIDE = 1024;
/** Checks that a worker has done for each compute process when a run begins: by then what runs often is compiled. */
const WARM = 960;
/** Of so many of those one is a copy: what a copy needs is compiled too. */
const WARM_COPY_EVERY = 20;
const TOKEN = 'a-token-only-for-this-bench';

type Format = 'jpeg' | 'png' | 'webp';

interface Setting {
  readonly format: Format;
  /** Of so many outputs one is a copy of a work, and raises an alert; null for none. */
  readonly copyEvery: number | null;
  /** All there is runs on so many: workers, servers and the bench. */
  readonly cores: number;
  readonly workers: number;
  /** Compute processes of each. */
  readonly processes: number;
}

// At this rate a worker raises a hundred thousand alerts a day: more is no state of affairs, but shows what one costs.
const ONE_CORE: Setting = { format: 'jpeg', copyEvery: 100, cores: 1, workers: 1, processes: 1 };
const SETTINGS: readonly Setting[] = [
  ONE_CORE,
  { ...ONE_CORE, cores: 2, workers: 2 },
  { ...ONE_CORE, cores: 2, processes: 2 },
  { ...ONE_CORE, copyEvery: null },
  { ...ONE_CORE, copyEvery: 20 },
  { ...ONE_CORE, format: 'png' },
  { ...ONE_CORE, format: 'webp' },
];

interface Size {
  /** Different pictures. */
  readonly pictures: number;
  /** Checks before a run, for each compute process. */
  readonly warm: number;
  /** Checks of a run, for each core. */
  readonly checksACore: number;
  readonly backends: readonly Backend[];
  readonly settings: readonly Setting[];
  readonly callers: readonly number[];
}

const FULL: Size = {
  pictures: 100,
  warm: WARM,
  // The last ones end on cores that have nothing else left to do: of fewer, they would be a larger part.
  checksACore: 1_920,
  backends: ['postgres', 'redis'],
  settings: SETTINGS,
  callers: [1, 2, 4, 8],
};
const SMALL: Size = {
  pictures: 8,
  warm: 8,
  checksACore: 8,
  backends: ['postgres'],
  settings: SETTINGS.slice(0, 1),
  callers: [1],
};

export async function roadSection({ small, fixtures }: BenchOptions): Promise<Section> {
  await build();
  const size = small ? SMALL : FULL;
  const runs: Run[] = [];
  for (const backend of size.backends) runs.push(...(await throughput(backend, fixtures, size)));
  const pictures = await outputs(fixtures, size.pictures, ONE_CORE);
  return {
    file: 'road.md',
    title: 'The road',
    note: `Pictures of ${SIDE}x${SIDE} against the fixtures' catalogue, all at standard depth; an output that copies a work is looked at closely, and raises its alert. ${size.checksACore} uploads a core are on disk before a run begins, and each compute process has done ${size.warm}, one in ${WARM_COPY_EVERY} of them a copy; it ends when the last check is committed.

A run has all that it needs on as many cores as it says, and nothing elsewhere: workers, PostgreSQL, Redis, and the bench that waits for them. "Bare" is one process for each of the same cores, and they do nothing but decode and fingerprint. *sharp, views*: sharp brings the picture to the raster, and all hashes that standard depth compares are made of it; *sharp, whole*: only those of the whole picture (the table of [fingerprints](speed-fingerprint.md)); *own, views*: all hashes, decoded and scheduled as Utsushi does. A check does this too, and reads the file's provenance from its untouched samples, asks whether its bytes are known, searches, keeps the file, and records output, check, audit record and alert. Bare is measured before and after each run.

"Of bare" is what remains of the rate nevertheless. Under "CPU a check" it is counted who used how much; "bare without servers" is the share of bare (sharp, views) in what the workers alone used, as if the servers ran elsewhere.`,
    body: [
      throughputTable(runs),
      scaling(runs),
      '## Screening and import',
      await importAndScreen(pictures, fixtures, size),
    ].join('\n\n'),
    plots: small ? [] : [chart(runs)],
  };
}

/** Pictures that are all different, of outputs that resemble no work, and of copies as many as are wanted. */
async function outputs(
  fixtures: string,
  count: number,
  { format, copyEvery }: Pick<Setting, 'format' | 'copyEvery'>,
): Promise<Buffer[]> {
  const folder = join(fixtures, 'outputs');
  const files = (await readdir(folder)).filter((file) => /\.(png|jpe?g|webp)$/.test(file)).toSorted();
  const of = (kind: string) => files.filter((file) => file.startsWith(kind));
  const [copied, others] = [of('r'), of('u')];
  const pictures: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const from = copyEvery !== null && i % copyEvery === 0 ? copied : others;
    pictures.push(
      await sharp(join(folder, from[i % from.length]!))
        .flatten({ background: '#fff' })
        .modulate({ brightness: 0.9 + (0.2 * i) / count })
        .resize(SIDE, SIDE, { fit: 'fill' })
        .toFormat(format, { quality: 85, palette: false })
        .toBuffer(),
    );
  }
  return pictures;
}

/** The same picture as another file: with something that no decoder looks at. */
function another(picture: Buffer, format: Format, name: string): Buffer {
  const text = Buffer.from(name, 'latin1');
  // Behind the end marker or the last chunk of a JPEG and a PNG stands what is not theirs.
  if (format !== 'webp') return Buffer.concat([picture, text]);
  // A RIFF file says how long it is, and may hold chunks that nobody knows, of even length.
  const body = Buffer.alloc(text.length + (text.length % 2));
  text.copy(body);
  const head = Buffer.alloc(8);
  head.write('note', 'latin1');
  head.writeUInt32LE(text.length, 4);
  const whole = Buffer.concat([picture, head, body]);
  whole.writeUInt32LE(whole.length - 8, 4);
  return whole;
}

interface Run extends Setting {
  readonly backend: Backend;
  readonly perSecond: number;
  readonly bare: Bare;
  /** Milliseconds a check. */
  readonly cpu: { readonly computing: number; readonly workers: number; readonly servers: number };
}

async function throughput(
  backend: Backend,
  fixtures: string,
  { pictures: count, settings, ...size }: Size,
): Promise<Run[]> {
  const installation = await install(backend, { UTSUSHI_CONCURRENCY: '1' });
  const forget = whenStopped(() => installation.close());
  try {
    const app = await installation.open();
    await importWorks(app, join(fixtures, 'catalogue'), 'standard');
    const runs: Run[] = [];
    for (const [i, setting] of settings.entries()) {
      const pictures = await outputs(fixtures, count, setting);
      const files = await written(pictures, join(installation.dataDir, `pictures-${i}`), setting.format);
      const before = await barely(files, setting.cores);
      const warming = await outputs(fixtures, count, { ...setting, copyEvery: WARM_COPY_EVERY });
      const run = await measure(installation, app, { pictures, warming }, size, setting);
      const bare = between(before, await barely(files, setting.cores));
      runs.push({ backend, ...setting, bare, ...run });
    }
    return runs;
  } finally {
    forget();
    await installation.close();
  }
}

async function measure(
  installation: Installation,
  app: App,
  { pictures, warming }: Readonly<Record<'pictures' | 'warming', readonly Buffer[]>>,
  { warm, checksACore }: Pick<Size, 'warm' | 'checksACore'>,
  { format, copyEvery, cores, workers, processes }: Setting,
): Promise<Pick<Run, 'perSecond' | 'cpu'>> {
  const warmUp = warm * workers * processes;
  const checks = checksACore * cores;
  const ids: string[] = [];
  for (let i = 0; i < warmUp + checks; i++) {
    const name = `${cores}, ${workers} x ${processes}, ${copyEvery}, ${i}`;
    const from = i < warmUp ? warming : pictures;
    ids.push(await upload(app, another(from[(i < warmUp ? i : i - warmUp) % from.length]!, format, name)));
  }
  const { rows } = await app.pool.query<{ pid: number }>('select pg_backend_pid() as pid');
  const postmaster = await parentOf(rows[0]!.pid);
  const redis = [installation.redis?.pid].filter((pid) => pid !== undefined);
  const started = new Processes({ ...installation.env, UTSUSHI_CONCURRENCY: String(processes) });
  const forget = whenStopped(() => started.endAll());
  try {
    const running = Array.from({ length: workers }, () => started.start('worker', '--queue', 'checks'));
    await Promise.all(running.map((worker) => worker.says(/is up/)));
    for (const pid of [postmaster, ...redis, process.pid, ...running.map((worker) => worker.pid)])
      await confine(pid, cores);
    await enqueue(app, ids.splice(0, warmUp));
    await until(app, checks);
    const spent = async () => {
      const [database, ...each] = await Promise.all(
        [postmaster, ...running.map(({ pid }) => pid)].map(processCpu),
      );
      const queue = await Promise.all(redis.map(processCpu));
      return {
        computing: each.reduce((sum, { children }) => sum + children, 0),
        workers: each.reduce((sum, { own }) => sum + own, 0),
        servers: queue.reduce((sum, { own }) => sum + own, database!.own + database!.children),
      };
    };
    const before = await spent();
    const from = performance.now();
    await enqueue(app, ids);
    await until(app, 0);
    const seconds = (performance.now() - from) / 1_000;
    const after = await spent();
    const cpu = (who: keyof typeof after) => (after[who] - before[who]) / checks;
    await Promise.all(running.map((worker) => worker.end('SIGTERM')));
    return {
      perSecond: checks / seconds,
      cpu: { computing: cpu('computing'), workers: cpu('workers'), servers: cpu('servers') },
    };
  } finally {
    forget();
    await started.endAll();
    for (const pid of [postmaster, ...redis, process.pid]) await confine(pid, CORES);
  }
}

function throughputTable(runs: readonly Run[]): string {
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  return markdown(
    [
      'queue',
      'outputs',
      'copies',
      'cores',
      'workers x processes',
      'checks/s',
      'bare/s: sharp, views',
      'sharp, whole',
      'own, views',
      'of bare: sharp, views',
      'sharp, whole',
      'own, views',
      'CPU a check, ms: computing + worker + servers',
      'bare CPU, ms: sharp, views',
      'bare without servers',
    ],
    runs.map(({ backend, format, copyEvery, cores, workers, processes, perSecond, bare, cpu }) => [
      nameOf(backend),
      FORMATS[format],
      copyEvery === null ? 'none' : `1 in ${copyEvery}`,
      String(cores),
      `${workers} x ${processes}`,
      brief(perSecond),
      ...KINDS.map((kind) => brief(bare[kind].perSecond)),
      ...KINDS.map((kind) => percent(perSecond / bare[kind].perSecond)),
      `${brief(cpu.computing)} + ${brief(cpu.workers)} + ${brief(cpu.servers)}`,
      brief(bare.views.cpuMs),
      percent(bare.views.cpuMs / (cpu.computing + cpu.workers)),
    ]),
  );
}

const KINDS = ['views', 'whole', 'own'] as const satisfies readonly (keyof Bare)[];

const FORMATS: Readonly<Record<Format, string>> = { jpeg: 'JPEG', png: 'PNG', webp: 'WebP' };

function nameOf(backend: Backend): string {
  return backend === 'postgres' ? 'PostgreSQL' : 'Redis';
}

/** The runs that differ only in how many workers there are, each with a core more. */
function scaled(runs: readonly Run[], backend: Backend): Run[] {
  return runs.filter(
    (run) =>
      run.backend === backend &&
      run.processes === 1 &&
      run.workers === run.cores &&
      run.copyEvery === ONE_CORE.copyEvery &&
      run.format === 'jpeg',
  );
}

/** How much two workers on two cores do beside one on one. */
function scaling(runs: readonly Run[]): string {
  const sentences = [...new Set(runs.map(({ backend }) => backend))].flatMap((backend) => {
    const [one, two] = scaled(runs, backend);
    if (one === undefined || two === undefined) return [];
    const bare = two.bare.views.perSecond / one.bare.views.perSecond;
    return [
      `- ${nameOf(backend)}: two workers on two cores do ${brief(two.perSecond / one.perSecond)} times what one does on one (bare: ${brief(bare)} times).`,
    ];
  });
  return sentences.join('\n');
}

function chart(runs: readonly Run[]) {
  const line = (name: string, backend: Backend, value: (run: Run) => number) => ({
    name,
    points: scaled(runs, backend).map((run) => [run.workers, value(run)] as const),
  });
  return {
    file: 'road.svg',
    svg: plot({
      title: 'From the queue to the recorded check, standard depth',
      x: 'workers, a core for each with all that they need',
      y: 'pictures a second',
      lines: [
        line('bare, own', 'redis', ({ bare }) => bare.own.perSecond),
        line('bare, sharp', 'redis', ({ bare }) => bare.views.perSecond),
        line('checks, PostgreSQL', 'postgres', ({ perSecond }) => perSecond),
        line('checks, Redis', 'redis', ({ perSecond }) => perSecond),
      ],
    }),
  };
}

function between(a: Bare, b: Bare): Bare {
  const kind = (name: keyof Bare) => ({
    perSecond: (a[name].perSecond + b[name].perSecond) / 2,
    cpuMs: (a[name].cpuMs + b[name].cpuMs) / 2,
  });
  return { views: kind('views'), whole: kind('whole'), own: kind('own') };
}

async function written(pictures: readonly Buffer[], folder: string, format: Format): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  return Promise.all(
    pictures.map(async (bytes, i) => {
      const file = join(folder, `${i}.${format}`);
      await writeFile(file, bytes);
      return file;
    }),
  );
}

async function importWorks(app: App, folder: string, tier: 'standard' | 'high') {
  const [from, cpu] = [performance.now(), cpuMs()];
  const report = await importCatalogue(app.checks, await listImport(folder, undefined), {
    tier,
    actor: 'bench',
  });
  return {
    perSecond: report.imported / ((performance.now() - from) / 1_000),
    cpuMs: (cpuMs() - cpu) / report.imported,
  };
}

function upload(app: App, bytes: Uint8Array): Promise<string> {
  const seen = { acquiredBy: 'bench', pageUrl: null, account: null, postedAt: null };
  return openUpload(app.checks, bytes, seen, new Date());
}

async function enqueue(app: App, sightingIds: readonly string[]): Promise<void> {
  const queue = await app.queue();
  await queue.addMany(
    'check-sighting',
    sightingIds.map((sightingId) => ({ payload: { sightingId }, options: { jobId: sightingId } })),
  );
}

/** Waits until no more checks than this are left. To ask costs the run a little, so it is asked often only at the end. */
async function until(app: App, left: number): Promise<void> {
  for (let now = await pending(app); now > left; now = await pending(app))
    await sleep(now - left > 40 ? 250 : 10);
}

async function pending(app: App): Promise<number> {
  const { count } = await app.db
    .selectFrom('sightings')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('state', '=', 'pending')
    .executeTakeFirstOrThrow();
  return count;
}

async function importAndScreen(pictures: readonly Buffer[], fixtures: string, size: Size): Promise<string> {
  const installation = await install('postgres', {
    UTSUSHI_SCREEN_CAPACITY: '64',
    UTSUSHI_CONCURRENCY: '1',
  });
  const forget = whenStopped(() => installation.close());
  try {
    const app = await installation.open();
    const folder = join(installation.dataDir, 'pictures');
    await written(pictures, folder, 'jpeg');
    // The first import starts the compute process.
    await importWorks(app, join(fixtures, 'catalogue'), 'standard');
    const standard = await screening(app, pictures, size);
    const imported = await importWorks(app, folder, 'high');
    const deep = await screening(app, pictures, size);
    return [
      `\`POST /api/screen\`, the bytes in the request, from asking to the answer at the client, milliseconds; server and callers in one process, one compute process. Standard depth against the fixtures' catalogue; deep against ${pictures.length} works more, searched by their keypoints.`,
      markdown(
        ['callers at once', 'standard: p50', 'p95', 'p99', 'deep: p50', 'p95', 'p99'],
        size.callers.map((callers, i) => [String(callers), ...standard[i]!, ...deep[i]!]),
      ),
      `Import of ${pictures.length} works with keypoints, one compute process: ${brief(imported.perSecond)} a second.`,
    ].join('\n\n');
  } finally {
    forget();
    await installation.close();
  }
}

/** @returns for each number of callers p50, p95 and p99 */
async function screening(app: App, pictures: readonly Buffer[], { callers }: Size): Promise<string[][]> {
  await app.keepIndexFresh();
  await app.checks.index.refresh(app.db);
  const server = await buildServer({ app, apiToken: TOKEN });
  try {
    const url = `${await server.listen({ host: '127.0.0.1', port: 0 })}/api/screen?deadlineMs=30000`;
    const ask = async (bytes: Buffer) => {
      const from = performance.now();
      const response = await fetch(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'image/jpeg' },
        body: new Uint8Array(bytes),
      });
      const { answer } = (await response.json()) as Awaited<ReturnType<typeof screen>>;
      if (answer !== 'match' && answer !== 'no-match') throw new Error('a picture was not screened');
      return performance.now() - from;
    };
    for (const bytes of pictures.slice(0, 8)) await ask(bytes);
    const rows: string[][] = [];
    for (const atOnce of callers) {
      const times: number[] = [];
      const waiting = [...pictures];
      const caller = async () => {
        for (let bytes = waiting.pop(); bytes !== undefined; bytes = waiting.pop()) {
          times.push(await ask(bytes));
        }
      };
      await Promise.all(Array.from({ length: atOnce }, caller));
      rows.push([median(times), percentile(times, 0.95), percentile(times, 0.99)].map(brief));
    }
    return rows;
  } finally {
    await server.close();
  }
}
