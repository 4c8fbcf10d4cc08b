import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { type App, openApp } from '../../../app.ts';
import { loadConfig } from '../../../config.ts';
import { UtsushiError } from '../../../errors.ts';
import { listAlerts, showAlert } from '../../../features/alerts/index.ts';
import { importCatalogue, listImport } from '../../../features/catalogue/index.ts';
import { type Match, findSighting, openUpload } from '../../../features/checks/index.ts';
import { KIND_LABELS, NO_LEGAL_FINDING, localLanguage, print, progressBar, table } from '../output.ts';

const POLL_MS = 50;
const GIVE_UP_MS = 120_000;

export function demoCommand(): Command {
  return new Command('demo')
    .description('see the whole road on the pictures that come with Utsushi; leaves nothing behind')
    .addHelpText('after', '\nExample:\n  utsushi demo')
    .action(runDemo);
}

async function runDemo(): Promise<void> {
  const fixtures = await findFixtures();
  const dataDir = await mkdtemp(join(tmpdir(), 'utsushi-demo-'));
  const stages: [string, number][] = [];
  const timed = async <T>(stage: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    try {
      return await work();
    } finally {
      stages.push([stage, performance.now() - started]);
    }
  };
  try {
    const { config } = loadConfig({ dataDir });
    // A demo must never touch a real installation, whatever the environment points to.
    const secrets = { databaseUrl: undefined, redisUrl: undefined, apiToken: undefined };
    const app = await timed('start PostgreSQL and the queue', async () => {
      const opened = await openApp({ config, secrets, name: 'demo' });
      await opened.queue();
      return opened;
    });
    try {
      const catalogue = await timed('import the catalogue', async () =>
        importCatalogue(app.checks, await listImport(join(fixtures, 'manifest.csv'), undefined), {
          tier: 'standard',
          actor: 'demo',
        }),
      );
      await app.startWorkers();
      const files = await outputFiles(join(fixtures, 'outputs'));
      const results = await timed('check the outputs through the queue', () => checkThroughQueue(app, files));
      await show(app, { catalogue: catalogue.imported, results, stages });
    } finally {
      await timed('stop', () => app.close());
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

interface Result {
  readonly file: string;
  readonly sightingId: string;
  readonly state: 'done' | 'failed';
}

/** Hands every file in as the API would, and waits until the workers have dealt with each. */
async function checkThroughQueue(app: App, files: readonly string[]): Promise<Result[]> {
  const queue = await app.queue();
  const bar = progressBar('check');
  const submitted: { file: string; sightingId: string }[] = [];
  for (const file of files) {
    const sightingId = await openUpload(
      app.checks,
      await readFile(file),
      { acquiredBy: 'demo', pageUrl: null, account: null, postedAt: null },
      app.checks.clock(),
    );
    submitted.push({ file, sightingId });
  }
  await queue.addMany(
    'check-sighting',
    submitted.map(({ sightingId }) => ({ payload: { sightingId }, options: { jobId: sightingId } })),
  );
  const results: Result[] = [];
  const deadline = performance.now() + GIVE_UP_MS;
  for (const each of submitted) {
    for (;;) {
      const { state } = (await findSighting(app.db, each.sightingId))!;
      if (state !== 'pending') {
        results.push({ ...each, state });
        bar.update(results.length, submitted.length);
        break;
      }
      if (performance.now() > deadline) {
        bar.stop();
        throw new UtsushiError(
          'queue_unavailable',
          `${each.file} was not checked within ${GIVE_UP_MS / 1000} s`,
        );
      }
      await setTimeout(POLL_MS);
    }
  }
  bar.stop();
  return results;
}

async function show(
  app: App,
  found: { catalogue: number; results: readonly Result[]; stages: readonly [string, number][] },
): Promise<void> {
  const lang = localLanguage();
  const fileOf = new Map(found.results.map((result) => [result.sightingId, result.file]));
  const rows: string[][] = [];
  for (const summary of await listAlerts(app.db, { limit: 1_000 })) {
    const alert = await showAlert(app.db, summary.id);
    const match = alert.match as Match;
    const file =
      alert.seenAt.map((seen) => fileOf.get(seen.sightingId)).find((each) => each !== undefined) ?? '';
    rows.push([
      alert.confidence.toFixed(3),
      KIND_LABELS[alert.kind][lang],
      alert.title,
      file.slice(file.lastIndexOf('/') + 1),
      whyIn(match, lang),
    ]);
  }
  rows.sort((a, b) => Number(b[0]) - Number(a[0]));
  print(table(['SCORE', 'KIND', 'WORK', 'OUTPUT', 'WHY'], rows));
  print('');
  print(NO_LEGAL_FINDING[lang]);
  print('');
  const failed = found.results.filter((result) => result.state === 'failed').length;
  print(
    `${found.results.length} outputs checked against ${found.catalogue} reference images: ${rows.length} alerts, ${failed} failed.`,
  );
  print(
    table(
      [],
      found.stages.map(([stage, ms]) => [stage, `${(ms / 1000).toFixed(2)} s`]),
    ),
  );
  print('');
  print('Nothing is left running. Now try it on your own works:');
  print('  node dist/cli/main.js catalogue import PATH-TO-YOUR-WORKS --tier high');
  print('  node dist/cli/main.js check SUSPICIOUS.png');
}

/** The reasons but for the last, which is the same for all. */
function whyIn(match: Match, lang: 'ja' | 'en'): string {
  const details = match.transformations.length > 0 ? `${match.transformations.join(', ')}; ` : '';
  const bits = {
    ja: `256ビット中${256 - match.hashDistance}ビット一致`,
    en: `${256 - match.hashDistance} of 256 hash bits agree`,
  };
  return details + bits[lang];
}

async function outputFiles(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => /\.(jpe?g|png|webp|avif|gif|tiff?)$/.test(name));
  return names.toSorted().map((name) => join(directory, name));
}

/** The fixtures folder at the root of the package, wherever this file was compiled to. */
async function findFixtures(): Promise<string> {
  for (let at = dirname(fileURLToPath(import.meta.url)); dirname(at) !== at; at = dirname(at)) {
    const candidate = join(at, 'fixtures', 'manifest.csv');
    if (
      await stat(candidate).then(
        () => true,
        () => false,
      )
    )
      return dirname(candidate);
  }
  throw new UtsushiError('file_not_found', 'the fixtures folder is missing from this installation');
}
