import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { type App, openApp } from '../../../app.ts';
import { loadConfig } from '../../../config.ts';
import { UtsushiError } from '../../../errors.ts';
import { listAlerts, showAlert } from '../../../features/alerts/index.ts';
import { importCatalogue, listImport } from '../../../features/catalogue/index.ts';
import { type Match, findSighting, openUpload } from '../../../features/checks/index.ts';
import { removeEmbeddedPostgres } from '../../../platform/storage/embedded/index.ts';
import { KIND_LABELS, NO_LEGAL_FINDING, shownScore } from '../../../vision/matching/match.ts';
import { closeWhenInterrupted, jsonOption } from '../context.ts';
import { localLanguage, print, printJson, say } from '../output.ts';
import { progressBar } from '../progress-bar.ts';
import { table } from '../table.ts';

const POLL_MS = 50;
const GIVE_UP_MS = 120_000;

export function demoCommand(): Command {
  return new Command('demo')
    .description('see the whole road on the pictures that come with Utsushi; leaves nothing behind')
    .addOption(jsonOption())
    .option('--console', 'leave the console up on the alerts, on this machine only, until Ctrl-C')
    .addHelpText('after', '\nExample:\n  utsushi demo\n  utsushi demo --console')
    .action(runDemo);
}

async function runDemo(options: { json?: boolean; console?: boolean }): Promise<void> {
  const fixtures = await findFixtures();
  const dataDir = await mkdtemp(join(tmpdir(), 'utsushi-demo-'));
  const stages: [string, number][] = [];
  const timed = async <T>(stage: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    try {
      return await work();
    } finally {
      stages.push([stage, Math.round(performance.now() - started)]);
    }
  };
  try {
    const loaded = loadConfig({ dataDir });
    const { config } = loaded;
    // A demo must never touch a real installation, whatever the environment points to.
    const secrets = { ...loaded.secrets, databaseUrl: undefined, redisUrl: undefined, apiToken: undefined };
    const app = await timed('start PostgreSQL and the queue', async () => {
      const opened = await openApp({ config, secrets, name: 'demo' });
      await opened.queue();
      return opened;
    });
    using _ = closeWhenInterrupted(async () => {
      await app.close();
      await forget(dataDir);
    });
    let found: Found;
    try {
      const { imported } = await timed('import the catalogue', async () =>
        importCatalogue(app.checks, await listImport(join(fixtures, 'manifest.csv'), undefined), {
          tier: 'standard',
          actor: 'demo',
        }),
      );
      await app.startWorkers();
      const files = await outputFiles(join(fixtures, 'outputs'));
      const results = await timed('check the outputs through the queue', () => checkThroughQueue(app, files));
      found = {
        references: imported,
        outputs: results.length,
        failed: results.filter((result) => result.state === 'failed').length,
        alerts: await readAlerts(app, results),
      };
      if (options.console === true) {
        tell(found, stages, options.json);
        await leaveConsoleUp(app);
      }
    } finally {
      await timed('stop everything', () => app.close());
    }
    tell(found, stages, options.json);
    if (options.json !== true) sayGoodbye();
  } finally {
    await forget(dataDir);
  }
}

/** Serves the console to whoever sits at this machine, without sign-in, until the process is told to stop. */
async function leaveConsoleUp(app: App): Promise<never> {
  const { buildServer } = await import('../../http/server.ts');
  const server = await buildServer({ app, apiToken: randomBytes(24).toString('base64url'), demo: true });
  const listen = (port: number) => server.listen({ host: '127.0.0.1', port });
  const address = await listen(app.config.port).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    return listen(0);
  });
  say('');
  say(`The console is up: ${address}`);
  say('It is open without sign-in, from this machine only. Ctrl-C stops it and forgets everything.');
  // The signal closes the app and ends the process: see closeWhenInterrupted.
  return new Promise<never>(() => {});
}

async function forget(dataDir: string): Promise<void> {
  await removeEmbeddedPostgres(dataDir);
  await rm(dataDir, { recursive: true, force: true });
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

interface Found {
  readonly references: number;
  readonly outputs: number;
  readonly failed: number;
  readonly alerts: readonly { readonly output: string; readonly title: string; readonly match: Match }[];
}

/** The alerts with the file that raised each, the surest first. */
async function readAlerts(app: App, results: readonly Result[]): Promise<Found['alerts']> {
  const fileOf = new Map(results.map((result) => [result.sightingId, result.file]));
  const alerts: Found['alerts'][number][] = [];
  for (const { id } of await listAlerts(app.db, { limit: 1_000 })) {
    const { seenAt, title, match } = await showAlert(app.db, id);
    const file = seenAt.map((seen) => fileOf.get(seen.sightingId)).find((each) => each !== undefined);
    alerts.push({ output: basename(file ?? ''), title, match: match as Match });
  }
  return alerts.toSorted((a, b) => b.match.confidence - a.match.confidence);
}

function tell(found: Found, stages: readonly [string, number][], json: boolean | undefined): void {
  if (json === true) printJson({ ...found, ms: Object.fromEntries(stages) });
  else show(found, stages);
}

function show(found: Found, stages: readonly [string, number][]): void {
  const lang = localLanguage();
  const rows = found.alerts.map(({ output, title, match }) => [
    shownScore(match.confidence),
    KIND_LABELS[match.kind][lang],
    title,
    output,
    match.reasons[0]![lang],
  ]);
  print(table(['SCORE', 'KIND', 'WORK', 'OUTPUT', 'WHY'], rows));
  print('');
  print(NO_LEGAL_FINDING[lang]);
  print('');
  print(
    `${found.outputs} outputs checked against ${found.references} reference images: ${rows.length} alerts, ${found.failed} failed.`,
  );
  print(
    table(
      [],
      stages.map(([stage, ms]) => [stage, `${(ms / 1_000).toFixed(2)} s`]),
    ),
  );
}

function sayGoodbye(): void {
  print('');
  print('Nothing is left running. Now try it on your own works:');
  print('  node dist/cli/main.js catalogue import PATH-TO-YOUR-WORKS --tier high');
  print('  node dist/cli/main.js check SUSPICIOUS.png');
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
