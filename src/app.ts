import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setInterval } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import type { Config, Secrets } from './config.ts';
import { UtsushiError } from './errors.ts';
import { anchorAudit, sealAudit } from './features/audit/index.ts';
import {
  DEFAULT_PROTOCOL,
  LiveIndex,
  LiveTerms,
  readProtocol,
  readVersion,
} from './features/catalogue/index.ts';
import {
  type DeliveryDependencies,
  type WebhookContext,
  deliverDue,
  removeOldEvents,
  startRelay,
} from './features/delivery/index.ts';
import { alertBrief } from './features/alerts/index.ts';
import {
  type CheckDependencies,
  checkSighting,
  clearSpool,
  currentPolicy,
  ensurePolicy,
  evidencePicture,
  gatherQueries,
  matchRetroactively,
  namesOnCapturedPage,
  pendingSightings,
} from './features/checks/index.ts';
import type { SourceContext } from './features/sources/index.ts';
import type { ScanDependencies } from './features/monitoring/index.ts';
import type { NoticeDependencies, SealingDependencies } from './features/takedown/index.ts';
import type { CaptureSettings } from './platform/capture/capture-page.ts';
import { ComputePool } from './platform/compute/pool.ts';
import { parseEndpoint } from './platform/fetch/guard.ts';
import { parseLimits } from './platform/fetch/limits.ts';
import { Network } from './platform/fetch/network.ts';
import { Mailer } from './platform/mail/mailer.ts';
import { SecretBox } from './platform/secrets/secret-box.ts';
import { Turns } from './platform/fetch/turns.ts';
import { openSigner } from './platform/signing/keys.ts';
import { WebClient } from './platform/fetch/web-client.ts';
import { QUEUE_NAMES } from './platform/queue/jobs.ts';
import type { Handlers, JobQueue, QueueName, RunningWorkers } from './platform/queue/index.ts';
import { BlobStore, Spool } from './platform/storage/blobs.ts';
import {
  type ConnectionPool,
  type Database,
  migrate,
  openDatabase,
  openPool,
  requireMigrated,
} from './platform/storage/database.ts';
import { type EmbeddedPostgres, acquireEmbeddedPostgres } from './platform/storage/embedded/index.ts';
import { LiveFeed } from './platform/storage/live.ts';

/** Everything a process of Utsushi needs, built once: the command line, `up` and every worker are made of it. */
export interface App extends AsyncDisposable {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly log: Logger;
  readonly pool: ConnectionPool;
  readonly db: Database;
  readonly checks: CheckDependencies;
  /** What changed just now, in whichever process. */
  readonly live: LiveFeed;
  /** How pages are captured. */
  readonly capture: CaptureSettings;
  /** What sources may use, but for the words to search by. */
  readonly sources: Omit<SourceContext, 'queries'>;
  readonly notices: NoticeDependencies;
  readonly evidence: SealingDependencies;
  readonly scans: ScanDependencies;
  /** What webhooks are added with, and what events are delivered with. */
  readonly webhooks: WebhookContext;
  readonly delivery: DeliveryDependencies;
  /** Gives the queue the schedules of all monitors, as the database has them. */
  syncSchedules(): Promise<void>;
  /** The queue, connected on first use: a command that only checks a file needs none. */
  queue(): Promise<JobQueue>;
  /** Takes jobs from the queues until the app is closed. */
  startWorkers(queues?: readonly QueueName[]): Promise<RunningWorkers>;
  /** Brings the catalogue in memory up to date now, and from then on every second until the app is closed. */
  keepIndexFresh(): Promise<void>;
  /**
   * Makes this process the only one of its name on this data directory, for as long as it lives. With an external
   * database there is no such claim: several machines may serve it.
   *
   * @returns aborted when another process took the claim over
   * @throws UtsushiError `data_dir_in_use` naming the owner
   */
  claim(name: string, description: string): Promise<AbortSignal | undefined>;
  /** Finishes what is at hand, then lets go of everything, in the reverse order of building. */
  close(): Promise<void>;
}

export interface AppOptions {
  readonly config: Config;
  readonly secrets: Secrets;
  /** Names this process in the database server's list of connections. */
  readonly name: string;
  /** Bring the database's tables up to date first; always done for the embedded database. */
  readonly migrate?: boolean;
  /** For tests. */
  readonly clock?: () => Date;
  readonly log?: Logger;
}

/** The most connections a process opens: `features` for its own tables, `queue` for BullMQ (one listens a worker). */
const CONNECTIONS = { features: 8, queue: 9 } as const;
/** A change of the catalogue reaches every process within this time and the reading of what changed. */
const REFRESH_MS = 1_000;
const SHUTDOWN_GRACE_MS = 20_000;
const SWEEP_BATCH = 1_000;
/** Later than this a page is no longer what was seen, and one that failed until then will not come back. */
const CAPTURE_WITHIN_MS = 86_400_000;
/** For each compute process: while it looks at one, others are fetched, wait for it, or are being written together. */
const CHECKS_AT_HAND = 32;
// A scan mostly waits: for its source, or for its checks.
const SCANS_AT_ONCE = 16;
const ENQUEUE_BATCH = 500;
const MOST_PENDING = 400;
const PROGRESS_MS = 1_000;
const TIDY_MS = 3_600_000;
/** Terms end by the day and pages are looked at by the hour, so a minute is soon enough. */
const ATTEND_CASES_MS = 60_000;
/** Retries come due by the second. */
const RELAY_MS = 2_000;
// A delivery mostly waits for its receiver.
const WEBHOOKS_AT_ONCE = 8;
// Small enough for a Teams message, which takes 28 KB.
const ARTWORK_PIXELS = 200;
const SUPERVISE_MS = 300_000;
const SAME_CHANGE_MS = 5_000;
const REVISIT_MS = 600_000;
const PLACES_A_ROUND = 200;
/** A file that a dead process left is this old at least before it is removed: nothing at work takes that long. */
const ABANDONED_AFTER_MS = 86_400_000;

/**
 * Builds the app from its configuration; starts or joins the embedded database where no other is configured.
 *
 * @throws UtsushiError `database_unavailable`; whatever was built before the failure is closed again
 */
export async function openApp(options: AppOptions): Promise<App> {
  const { config, secrets, name, clock = () => new Date() } = options;
  const log = options.log ?? openLog(config);
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    const embedded = secrets.databaseUrl === undefined ? await joinEmbedded(config, log, closers) : undefined;
    const databaseUrl = secrets.databaseUrl ?? embedded!.connectionString;
    const pool = openPool({
      connectionString: databaseUrl,
      max: CONNECTIONS.features,
      applicationName: `utsushi ${name}`,
    });
    closers.push(() => pool.end());
    const db = openDatabase(pool);
    const live = new LiveFeed(pool);
    closers.push(async () => live.close());
    if (options.migrate === true || embedded !== undefined) {
      await migrate(db);
      await ensurePolicy(db, clock());
    } else {
      await requireMigrated(db);
    }
    const trustedPem = await readTrustFile(config.c2paTrustFile);
    const compute = new ComputePool({ size: config.concurrency, ...config.compute, trustedPem });
    closers.push(() => compute.close());
    const network = await openNetwork(config, secrets);
    const turns = new Turns(db, parseLimits(config.fetch.limits));
    const web = new WebClient({
      network,
      turns,
      timeoutMs: config.fetch.timeoutMs,
      contact: config.fetch.contact,
    });
    const checks: CheckDependencies = {
      db,
      gathered: gatherQueries(db),
      blobs: new BlobStore(join(config.dataDir, 'blobs')),
      spool: new Spool(join(config.dataDir, 'spool')),
      compute,
      index: new LiveIndex(currentPolicy, { worksKept: config.worksKept }),
      terms: new LiveTerms(),
      clock,
      limits: config.limits,
      web,
      protocol:
        config.protocolFile === undefined ? DEFAULT_PROTOCOL : await readProtocol(config.protocolFile),
    };
    const sources: App['sources'] = {
      web,
      secret: async (reference) => {
        const { readSecret } = await import('./features/sources/index.ts');
        return readSecret(reference, { variables: secrets.named, directory: config.secretsDir });
      },
      clock,
      log,
      maxBytes: config.limits.maxBytes,
    };
    const capture: CaptureSettings = {
      ...config.capture,
      network,
      turns,
      contact: config.fetch.contact,
      clock,
    };
    let opened: Promise<JobQueue> | undefined;
    const queue = () => (opened ??= openQueue(config, secrets, databaseUrl, log, closers));
    let kept: Promise<void> | undefined;
    const scans: ScanDependencies = {
      db,
      spool: checks.spool,
      clock,
      openSource: async (spec, queries) => {
        const { openSource } = await import('./features/sources/index.ts');
        return openSource(spec, { ...sources, queries });
      },
      enqueue: async (sightingIds) => {
        for (let at = 0; at < sightingIds.length; at += ENQUEUE_BATCH) {
          await (
            await queue()
          ).addMany(
            'check-sighting',
            sightingIds.slice(at, at + ENQUEUE_BATCH).map((sightingId) => ({
              payload: { sightingId },
              options: { jobId: sightingId, bulk: true },
            })),
          );
        }
      },
      mostPending: MOST_PENDING,
      leaseMs: config.jobLockMs,
    };
    const delivery = deliveryOf(config, secrets, network, checks);
    const notices: NoticeDependencies = {
      db,
      blobs: checks.blobs,
      drawEvidence: (of) => evidencePicture(checks, of),
    };
    const app: App = {
      config,
      secrets,
      log,
      pool,
      db,
      checks,
      live,
      sources,
      capture,
      notices,
      evidence: {
        ...notices,
        compute,
        limits: config.limits,
        signer: () => openSigner(join(config.dataDir, 'keys')),
        timestamp: timestampBy(config, web),
      },
      scans,
      delivery,
      webhooks: {
        db,
        secrets: delivery.secrets,
        permit: (url) => web.permit(url),
        hasMail: delivery.mailer !== undefined,
      },
      syncSchedules: async () => {
        const { wantedRuns } = await monitoring();
        const runs = await wantedRuns(db, checks.protocol, clock());
        await (
          await queue()
        ).syncSchedules(
          'start-scan',
          runs.map(({ monitorId, ...when }) => ({ id: monitorId, payload: { monitorId }, when })),
        );
      },
      queue,
      startWorkers: async (queues = QUEUE_NAMES) => {
        const jobs = await queue();
        // Who only delivers compares nothing.
        if (queues.some((each) => each !== 'delivery')) await app.keepIndexFresh();
        const handlers = handlersOf(app);
        const concurrency = {
          checks: config.concurrency * CHECKS_AT_HAND,
          scans: SCANS_AT_ONCE,
          captures: 1,
          delivery: WEBHOOKS_AT_ONCE,
          upkeep: 1,
        };
        const workers = jobs.work(
          handlers,
          Object.fromEntries(queues.map((each) => [each, concurrency[each]])),
        );
        closers.push(() => workers.close(SHUTDOWN_GRACE_MS));
        if (queues.includes('scans')) closers.push(await watch(app));
        if (queues.includes('delivery')) {
          const stop = await startRelay({
            db,
            live,
            clock,
            digestMs: config.delivery.digestMs,
            everyMs: RELAY_MS,
            wake: (webhookId) => jobs.revive('deliver', { webhookId }, { jobId: webhookId }),
            onError: (error) => log.warn({ err: error }, 'events not relayed; tried again soon'),
          });
          closers.push(stop);
        }
        if (queues.includes('upkeep')) {
          const keep = () =>
            jobs.schedule({
              sweep: config.sweepMs,
              tidy: TIDY_MS,
              'attend-cases': ATTEND_CASES_MS,
              'supervise-coverage': SUPERVISE_MS,
              'revisit-places': REVISIT_MS,
            });
          await keep();
          // The sweep gives back what was lost with the queue; this gives back the sweep.
          closers.push(
            repeat(config.sweepMs, keep, (error) => log.warn({ err: error }, 'schedules not kept')),
          );
          await jobs.add('sweep', {});
        }
        return workers;
      },
      keepIndexFresh: () =>
        (kept ??= checks.index.refresh(db).then(() => {
          closers.push(
            // Who needs a fresh index asks for its age; here the failure is only noted.
            repeat(
              REFRESH_MS,
              () => checks.index.refresh(db),
              (error) => log.warn({ err: error }, 'catalogue not read'),
            ),
          );
        })),
      claim: async (name, description) => (await embedded?.claim(name, description))?.lost,
      close,
      [Symbol.asyncDispose]: close,
    };
    return app;
  } catch (thrown) {
    await close().catch(() => {});
    throw thrown;
  }
}

/** @throws UtsushiError `invalid_config` for a file of certificates that cannot be read */
async function openNetwork(config: Config, secrets: Secrets): Promise<Network> {
  const { allowedHosts, noProxy, caFiles } = config.fetch;
  const pem = caFiles.map((file) =>
    readFile(file, 'utf8').catch((cause: Error) => {
      throw new UtsushiError('invalid_config', `UTSUSHI_CA_FILE: ${cause.message}`, { cause });
    }),
  );
  return new Network({
    allowed: allowedHosts.map(parseEndpoint),
    proxies: { http: secrets.httpProxy, https: secrets.httpsProxy },
    noProxy,
    trustedPem: await Promise.all(pem),
  });
}

function deliveryOf(
  config: Config,
  secrets: Secrets,
  network: Network,
  { db, blobs, clock, compute, limits }: CheckDependencies,
): DeliveryDependencies {
  const { timeoutMs, contact } = config.fetch;
  const { mailFrom: from } = config.delivery;
  return {
    db,
    clock,
    web: new WebClient({ network, timeoutMs, contact }),
    mailer:
      secrets.smtpUrl === undefined || from === undefined
        ? undefined
        : new Mailer({ url: secrets.smtpUrl, from, timeoutMs }),
    secrets: new SecretBox(join(config.dataDir, 'webhook-key')),
    publicUrl: config.publicUrl ?? `http://${config.host}:${config.port}`,
    timeoutMs,
    factsOf: async ({ type, subject }, wantsArtwork) => {
      if (type.startsWith('case.')) {
        const { caseBrief } = await takedown();
        const brief = await caseBrief(db, subject);
        return { title: brief?.title ?? null, place: brief?.place ?? null, artwork: undefined };
      }
      const brief = type.startsWith('alert.') ? await alertBrief(db, subject) : undefined;
      if (brief === undefined) return { title: null, place: null, artwork: undefined };
      const { title, place, retainedSha256 } = brief;
      const source = { path: blobs.path(retainedSha256) };
      const artwork = wantsArtwork
        ? await compute.render({ source, limits, longerSide: ARTWORK_PIXELS })
        : undefined;
      return { title, place, artwork };
    },
  };
}

/** Asks the configured time-stamp authority, where there is one. */
function timestampBy({ tsa: { url } }: Config, web: WebClient): SealingDependencies['timestamp'] {
  if (url === undefined) return undefined;
  return async (bytes) => {
    const { askAuthority } = await import('./platform/timestamp/authority.ts');
    return askAuthority(web, url, bytes);
  };
}

/** Certificates by which a time-stamp authority is trusted, PEM. @throws UtsushiError `invalid_config` */
export async function readTsaTrust({ tsa: { trustFile } }: Config): Promise<string[]> {
  if (trustFile === undefined) return [];
  try {
    return [await readFile(trustFile, 'utf8')];
  } catch (cause) {
    throw new UtsushiError('invalid_config', `UTSUSHI_TSA_TRUST_FILE: ${String(cause)}`, { cause });
  }
}

/** Read and understood at start, so that nonsense does not wait for the first signed picture to be noticed. */
async function readTrustFile(path: string | undefined): Promise<string[]> {
  if (path === undefined) return [];
  try {
    const pem = await readFile(path, 'utf8');
    const { TrustList } = await import('./platform/provenance/index.ts');
    void new TrustList([pem]);
    return [pem];
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UtsushiError('invalid_config', `UTSUSHI_C2PA_TRUST_FILE: ${why}`, { cause });
  }
}

function openLog(config: Config): Logger {
  return pino(
    { level: config.logLevel, base: { pid: process.pid } },
    pino.destination({ dest: 2, sync: true }),
  );
}

async function joinEmbedded(
  config: Config,
  log: Logger,
  closers: (() => Promise<unknown>)[],
): Promise<EmbeddedPostgres> {
  const embedded = await acquireEmbeddedPostgres({
    dataDir: config.dataDir,
    log: (message) => log.debug(message),
  });
  closers.push(() => embedded.close());
  return embedded;
}

async function openQueue(
  config: Config,
  secrets: Secrets,
  databaseUrl: string,
  log: Logger,
  closers: (() => Promise<unknown>)[],
): Promise<JobQueue> {
  // Loaded on demand: BullMQ takes a tenth of a second, which a command that only checks a file need not pay.
  const { JobQueue } = await import('./platform/queue/index.ts');
  let closing = false;
  const settings = {
    lockMs: config.jobLockMs,
    // Connections that break while they are being closed are no news.
    onError: (error: Error) => {
      if (!closing) log.warn({ err: error }, 'queue');
    },
  };
  const close = (queue: JobQueue) => () => {
    closing = true;
    return queue.close();
  };
  if (secrets.redisUrl !== undefined) {
    const queue = await JobQueue.open(
      { kind: 'redis', url: secrets.redisUrl, prefix: config.queuePrefix },
      settings,
    );
    closers.push(close(queue));
    return queue;
  }
  const pool = openPool({
    connectionString: databaseUrl,
    max: CONNECTIONS.queue,
    applicationName: 'utsushi queue',
    settings: {
      search_path: 'bullmq',
      // What a crash of the server takes from the queue, less than a second of it, is enqueued again from the tables
      // of Utsushi itself; those wait for the disk with every commit.
      synchronous_commit: 'off',
    },
  });
  closers.push(() => pool.end());
  await JobQueue.migrate(pool);
  const queue = await JobQueue.open({ kind: 'postgres', pool }, settings);
  closers.push(close(queue));
  return queue;
}

/** Does something again and again, one after the other. @returns stops it, after the one at hand */
function repeat(
  everyMs: number,
  work: () => Promise<unknown>,
  onError: (error: unknown) => void,
): () => Promise<void> {
  const stop = new AbortController();
  const running = (async () => {
    for await (const _ of setInterval(everyMs, undefined, { signal: stop.signal, ref: false }))
      await work().catch(onError);
  })().catch(() => {});
  return async () => {
    stop.abort();
    await running;
  };
}

/** Loaded on demand: a command that only checks a file need not know of cron and YAML. */
const monitoring = () => import('./features/monitoring/index.ts');

/** On demand too: most commands draw up no notice. */
const takedown = () => import('./features/takedown/index.ts');

/** Scans a source as soon as something appears there, where it can tell. @returns ends it */
async function watch(app: App): Promise<() => Promise<void>> {
  const { watchSources } = await monitoring();
  const stop = new AbortController();
  const watching = watchSources(
    {
      db: app.db,
      openSource: app.scans.openSource,
      // Every process with this queue watches; that they see the same change makes one scan.
      onChange: async (monitorId) => {
        const nth = Math.floor(Date.now() / SAME_CHANGE_MS);
        await (await app.queue()).add('start-scan', { monitorId }, { jobId: `watch-${monitorId}-${nth}` });
      },
      onError: (error) => app.log.warn({ err: error }, 'a source cannot be watched for now'),
      everyMs: app.config.sweepMs,
    },
    stop.signal,
  );
  return async () => {
    stop.abort();
    await watching;
  };
}

/** What each kind of job does. */
function handlersOf(app: App): Handlers {
  return {
    'check-sighting': async ({ sightingId }, { lastAttempt }) => {
      await checkSighting(app.checks, sightingId, lastAttempt);
      if (app.config.capture.browser === undefined) return;
      const { wantsCapture } = await import('./features/sources/index.ts');
      if (!(await wantsCapture(app.db, sightingId))) return;
      await queueCaptures(app, [sightingId]);
    },
    'capture-page': async ({ sightingId }) => {
      const { captureSighting } = await import('./features/sources/index.ts');
      await captureSighting({ ...app.checks, capture: app.capture }, sightingId);
      await namesOnCapturedPage(app.checks, sightingId);
    },
    'start-scan': async ({ monitorId }) => {
      const { isPaused, startScan } = await monitoring();
      // Paused or removed while this waited in the queue.
      if (await isPaused(app.db, monitorId)) return;
      const { scanId, isNew } = await startScan(app.db, monitorId, 'schedule', app.checks.clock());
      if (isNew) await (await app.queue()).add('scan', { scanId }, { jobId: scanId });
      else app.log.warn({ monitorId, scanId }, 'not started: the scan before it is still running');
    },
    scan: async ({ scanId }, { lastAttempt, signal, progress }) => {
      const { runScan } = await monitoring();
      let shown = 0;
      const { state, ...summary } = await runScan(app.scans, scanId, {
        signal,
        lastAttempt,
        onProgress: async (value) => {
          if (performance.now() - shown < PROGRESS_MS) return;
          shown = performance.now();
          await progress({ ...value });
        },
      });
      app.log.info(summary, `scan ${state}`);
    },
    'revisit-places': async (_, { signal }) => {
      const { revisitPlaces } = await monitoring();
      const visited = await revisitPlaces(
        { ...app.checks, enqueue: app.scans.enqueue },
        PLACES_A_ROUND,
        signal,
      );
      if (visited > 0) app.log.info({ visited }, 'went again to where outputs were seen');
    },
    'match-retroactively': async (_, { progress }) => {
      let shown = 0;
      const report = await matchRetroactively(app.checks, (done, total) => {
        if (performance.now() - shown < PROGRESS_MS) return;
        shown = performance.now();
        // Only for whoever looks at the queue: the match itself does not depend on it.
        progress({ done, total }).catch(() => {});
      });
      if (report.outputs > 0) app.log.info(report, 'compared stored outputs with the changed catalogue');
    },
    deliver: async ({ webhookId }, { signal }) => {
      const report = await deliverDue(app.delivery, webhookId, signal);
      if (report.failed > 0) app.log.warn({ webhookId, ...report }, 'a webhook did not take everything');
    },
    sweep: async () => {
      await sweep(app);
    },
    'attend-cases': async () => {
      const { attendCases } = await takedown();
      const report = await attendCases(app.checks, app.checks.clock());
      if (report.attended + report.reuploads > 0) app.log.info(report, 'cases came due');
    },
    'supervise-coverage': async () => {
      const { coverage, superviseCoverage } = await monitoring();
      await superviseCoverage(app.db, await coverage(app.db, app.checks.protocol, app.checks.clock()));
    },
    tidy: async () => {
      const now = app.checks.clock();
      const before = new Date(now.getTime() - ABANDONED_AFTER_MS);
      await app.checks.blobs.removeUnfinished(before);
      const { timestamp } = app.evidence;
      if (timestamp !== undefined) await anchorAudit(app.db, timestamp, now);
      const removed = await clearSpool(app.checks, before);
      if (removed > 0) app.log.info({ removed }, 'removed files from the spool that no sighting waits for');
      const old = await removeOldEvents(app.db, daysBefore(now, app.config.delivery.eventsKeptDays));
      if (old > 0) app.log.info({ removed: old }, 'removed old events from the feed');
    },
  };
}

function daysBefore(now: Date, days: number): Date {
  return new Date(now.getTime() - days * 86_400_000);
}

/** A capture that failed for good stays known to the queue, and is not tried again. */
async function queueCaptures(app: App, sightingIds: readonly string[]): Promise<void> {
  if (sightingIds.length === 0) return;
  await (
    await app.queue()
  ).addMany(
    'capture-page',
    sightingIds.map((sightingId) => ({
      payload: { sightingId },
      options: { jobId: `capture-${sightingId}`, bulk: true },
    })),
  );
}

/**
 * Puts right whatever a crash or a lost queue left behind: pending sightings get their job back, pages of candidates
 * their capture, catalogue changes their retroactive match, audit records their place in the chain.
 */
async function sweep(app: App): Promise<void> {
  const queue = await app.queue();
  const before = new Date(app.checks.clock().getTime() - app.config.sweepMs);
  for (const { id, bulk } of await pendingSightings(app.db, before, SWEEP_BATCH)) {
    await queue.revive('check-sighting', { sightingId: id }, { jobId: id, bulk });
  }
  if (app.config.capture.browser !== undefined) {
    const { uncapturedSightings } = await import('./features/sources/index.ts');
    const after = new Date(before.getTime() - CAPTURE_WITHIN_MS);
    await queueCaptures(app, await uncapturedSightings(app.db, { after, before }, SWEEP_BATCH));
  }
  const { abandonedScans } = await monitoring();
  for (const scanId of await abandonedScans(app.db)) {
    await queue.revive('scan', { scanId }, { jobId: scanId });
  }
  await app.syncSchedules();
  const { version, matchedVersion } = await readVersion(app.db);
  if (version > matchedVersion) {
    await queue.revive('match-retroactively', {}, { jobId: `catalogue-${version}` });
  }
  await sealAudit(app.db);
}
