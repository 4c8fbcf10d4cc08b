import { randomBytes } from 'node:crypto';
import { mkdir, readFile, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { type App, openApp } from '../../../app.ts';
import { loadConfig } from '../../../config.ts';
import { UtsushiError, asUtsushiError } from '../../../errors.ts';
import { sealAudit, verifyAudit } from '../../../features/audit/index.ts';
import { reindexCatalogue } from '../../../features/catalogue/index.ts';
import { firstAdminLink } from '../../../features/people/index.ts';
import { browserVersion } from '../../../platform/capture/capture-page.ts';
import { serverVersion } from '../../../platform/storage/database.ts';
import { QUEUE_NAMES, type QueueName } from '../../../platform/queue/jobs.ts';
import { scheduleAsBatch } from '../../../platform/process/as-batch.ts';
import { untilStopped } from '../../../platform/process/until-stopped.ts';
import {
  type CommonOptions,
  EXIT,
  closeWhenInterrupted,
  dataDirOption,
  jsonOption,
  wholeNumber,
  withApp,
} from '../context.ts';
import { print, printJson, say } from '../output.ts';
import { progressBar } from '../progress-bar.ts';
import { table } from '../table.ts';
import { announceServed } from '../served-at.ts';
import { signInUrl } from '../sign-in-url.ts';

export function operateCommands(): Command[] {
  return [upCommand(), workerCommand(), migrateCommand(), doctorCommand(), auditCommand()];
}

function upCommand(): Command {
  return new Command('up')
    .description('serve the API and work on the queue, until stopped')
    .option('--host <host>', 'address to listen on (default 127.0.0.1, or UTSUSHI_HOST)')
    .option('--port <port>', 'port to listen on (default 8080, or UTSUSHI_PORT)', wholeNumber(0, 65_535))
    .option('--no-workers', 'leave the work to `utsushi worker` processes')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi up --port 8080')
    .action(runUp);
}

async function runUp(
  options: CommonOptions & { host?: string; port?: number; workers: boolean },
): Promise<void> {
  const { config, secrets } = loadConfig(options);
  await using app = await openApp({ config, secrets, name: 'up' });
  // The embedded database belongs to this directory, and one `up` to it; with an external one, several may serve.
  const lost = await app.claim('up', `port ${config.port}`);
  await renewFingerprints(app);
  const { buildServer } = await import('../../http/server.ts');
  await using server = await buildServer({ app, apiToken: await apiToken(app) });
  await app.queue();
  if (options.workers) await app.startWorkers();
  else await app.keepIndexFresh();
  // The first person to open the console waits for pictures, not for processes.
  app.checks.compute.warm();
  const address = await server
    .listen({ host: config.host, port: config.port })
    .catch((error: NodeJS.ErrnoException) => {
      // Nothing is wrong with the installation: another program has the port, or this machine not the address.
      if (!['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES'].includes(error.code ?? '')) throw error;
      throw new UtsushiError('usage', `cannot listen: ${error.message}; choose another --host or --port`);
    });
  await using _ = await announceServed(config.dataDir, address);
  if (options.json === true) printJson({ state: 'up', url: address });
  else print(`Utsushi is up: ${address}`);
  const first = await firstAdminLink(app.db, app.checks.clock());
  if (first !== undefined) {
    say(`Nobody can sign in yet. Sign in once as ${first.name}, until ${first.expiresAt.toISOString()}:`);
    say(`  ${signInUrl(config, first.secret, address)}`);
  }
  say(
    secrets.apiToken === undefined
      ? `API token: in ${tokenFile(app)}`
      : 'API token: as set in UTSUSHI_API_TOKEN',
  );
  await untilStopped(lost);
}

const tokenFile = (app: App) => join(app.config.dataDir, 'api-token');

/** The configured token, or one made for this data directory that only its owner can read. */
async function apiToken(app: App): Promise<string> {
  if (app.secrets.apiToken !== undefined) return app.secrets.apiToken;
  const path = tokenFile(app);
  const token = randomBytes(24).toString('base64url');
  return writeFile(path, token, { mode: 0o600, flag: 'wx' }).then(
    () => token,
    async () => (await readFile(path, 'utf8')).trim(),
  );
}

function workerCommand(): Command {
  return new Command('worker')
    .description('work on the queue, until stopped; start as many as there are machines')
    .addOption(new Option('--queue <queue...>', 'only these queues').choices([...QUEUE_NAMES]))
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  DATABASE_URL=postgres://… REDIS_URL=redis://… utsushi worker')
    .action(runWorker);
}

async function runWorker(options: CommonOptions & { queue?: QueueName[] }): Promise<void> {
  const { config, secrets } = loadConfig(options);
  await using app = await openApp({ config, secrets, name: 'worker' });
  // Not before: a database server that was started for it would be scheduled alike.
  await scheduleAsBatch(process.pid);
  await app.startWorkers(options.queue);
  if (options.json === true) printJson({ state: 'up', queues: options.queue ?? [...QUEUE_NAMES] });
  else say('Utsushi worker is up');
  await untilStopped();
}

function migrateCommand(): Command {
  return new Command('migrate')
    .description('bring the database’s tables and the works’ fingerprints up to date')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  DATABASE_URL=postgres://… utsushi migrate')
    .action(async (options: CommonOptions) => {
      const { config, secrets } = loadConfig(options);
      await using app = await openApp({ config, secrets, name: 'migrate', migrate: true });
      using _ = closeWhenInterrupted(app.close);
      // Opening the queue prepares its schema, where the queue lives in the database.
      await app.queue();
      await renewFingerprints(app);
      if (options.json === true) printJson({ state: 'up-to-date' });
      else print('The database is up to date.');
    });
}

/** What another version fingerprinted; the worker of upkeep compares stored outputs with it. Says what failed. */
async function renewFingerprints(app: App): Promise<void> {
  const bar = progressBar('fingerprint anew');
  const { failed } = await reindexCatalogue(app.checks, bar.update).finally(bar.stop);
  for (const { file, code, message } of failed) say(`${file}: ${code}: ${message}`);
}

function doctorCommand(): Command {
  return new Command('doctor')
    .description('say how this installation is set up, and what is wrong with it')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi doctor\n\nExit: 0 all well, 3 something is wrong')
    .action(runDoctor);
}

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** Works, but a user may regret it. */
  readonly warning?: boolean;
  readonly detail: string;
}

async function runDoctor(options: CommonOptions): Promise<void> {
  const { config, secrets } = loadConfig(options);
  const findings: Finding[] = [];
  const examine = async (what: string, look: () => Promise<string>) => {
    try {
      findings.push({ what, ok: true, detail: await look() });
    } catch (thrown) {
      const error = asUtsushiError(thrown);
      findings.push({ what, ok: false, detail: `${error.code}: ${error.message} ${error.remedy}` });
    }
  };
  await examine('node', async () => process.version);
  const redacted = Object.fromEntries(
    Object.entries(secrets).map(([name, value]) => [name, value === undefined ? 'not set' : '(set)']),
  );
  let app: App | undefined;
  await examine('database', async () => {
    app = await openApp({ config, secrets, name: 'doctor' });
    return `PostgreSQL ${await serverVersion(app.db)}, ${config.database}`;
  });
  if (app !== undefined) {
    const opened = app;
    using _ = closeWhenInterrupted(opened.close);
    await examine(
      'queue',
      async () =>
        `${await (await opened.queue()).serverVersion()}; ${JSON.stringify(await (await opened.queue()).counts())}`,
    );
    await examine('catalogue', async () => {
      await opened.checks.index.refresh(opened.db);
      return `version ${opened.checks.index.version}, ${opened.checks.index.size} reference images watched for`;
    });
    await examine('audit chain', async () => {
      await sealAudit(opened.db);
      const { sealed, head } = await verifyAudit(opened.db);
      return `${sealed} entries, head ${head.slice(0, 16)}…`;
    });
    if (config.tsa.url === undefined) {
      const detail =
        'no authority is configured (UTSUSHI_TSA_URL): nobody outside can say when evidence and the audit chain existed';
      findings.push({ what: 'time-stamps', ok: true, warning: true, detail });
    } else {
      const timestamp = opened.evidence.timestamp!;
      await examine('time-stamps', async () => {
        const token = await timestamp(Buffer.from('utsushi doctor'));
        return `${config.tsa.url} answered with a token of ${token.length} bytes`;
      });
    }
    if (config.capture.browser === undefined) {
      const detail = 'no browser is configured (UTSUSHI_BROWSER): the pages of candidates are not captured';
      findings.push({ what: 'page capture', ok: true, warning: true, detail });
    } else await examine('page capture', () => browserVersion(config.capture.browser));
    await examine('disk', async () => {
      // With an external database nothing has made it before the first stored picture.
      await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
      const { bavail, bsize } = await statfs(config.dataDir);
      const free = (bavail * bsize) / 2 ** 30;
      if (free < 1)
        throw new UtsushiError('internal', `only ${free.toFixed(2)} GiB free under ${config.dataDir}.`);
      return `${free.toFixed(0)} GiB free`;
    });
    await opened.close();
  }
  if (options.json === true) printJson({ config, secrets: redacted, findings });
  else {
    print(
      table(
        ['', 'WHAT', 'FOUND'],
        findings.map(({ what, ok, warning, detail }) => [
          warning === true ? 'WARN' : ok ? 'ok' : 'WRONG',
          what,
          detail,
        ]),
      ),
    );
    print('');
    print(
      table(
        ['SETTING', 'VALUE'],
        Object.entries({ ...config, ...redacted }).map(([name, value]) => [
          name,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      ),
    );
  }
  process.exitCode = findings.every((finding) => finding.ok) ? EXIT.ok : EXIT.failed;
}

function auditCommand(): Command {
  const audit = new Command('audit')
    .description('the record of everything that happened')
    .addHelpText('after', '\nExample:\n  utsushi audit verify');
  audit
    .command('verify')
    .description('walk the audit chain and check every entry')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi audit verify\n\nExit: 0 intact, 3 broken (says where)')
    .action(async (options: CommonOptions) => {
      await withApp(options, 'audit', async (app) => {
        const report = await verifyAudit(app.db);
        if (options.json === true) printJson(report);
        else {
          print(
            `intact: ${report.sealed} entries, ${report.purged} of them purged; ${report.unsealed} records not sealed yet`,
          );
          print(`head ${report.head}`);
        }
      });
    });
  return audit;
}
