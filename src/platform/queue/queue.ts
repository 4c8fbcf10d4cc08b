import { setMaxListeners } from 'node:events';
import {
  DelayedError,
  type Job,
  type JobsOptions,
  type PgPool,
  type Queue,
  UnrecoverableError,
  type Worker,
  WaitingError,
  type WorkerOptions,
  createPostgresBackend,
  runMigrations,
  withBackend,
} from 'bullmq';
import * as bullmq from 'bullmq';
import { Redis } from 'ioredis';
import { UtsushiError, asUtsushiError } from '../../errors.ts';
import type { ConnectionPool } from '../storage/database.ts';
import {
  type Handlers,
  JOBS,
  type JobContext,
  type JobName,
  type JobPayload,
  QUEUE_NAMES,
  type QueueName,
  type Recurrence,
} from './jobs.ts';

/** Where jobs wait: a Redis server, or the schema `bullmq` of a PostgreSQL database. */
export type QueueBackend =
  | { readonly kind: 'redis'; readonly url: string; readonly prefix: string }
  | { readonly kind: 'postgres'; readonly pool: ConnectionPool };

export interface QueueSettings {
  /** How long a silent worker keeps its jobs before others may take them. Milliseconds. */
  readonly lockMs: number;
  readonly onError: (error: Error) => void;
}

export interface AddOptions {
  /** At most one unfinished job has this id; adding another does nothing. No ':' and not a plain number. */
  readonly jobId?: string;
  /** Ad-hoc work overtakes bulk work. */
  readonly bulk?: boolean;
}

export interface RunningWorkers {
  /** Finishes the jobs at hand, takes no new ones; what is not done after `graceMs` goes back to the queue. */
  close(graceMs: number): Promise<void>;
}

/** A job that used up its attempts. */
export interface FailedJob {
  readonly id: string;
  readonly name: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** Code and message of the last failure. */
  readonly error: string;
  readonly attempts: number;
  readonly failedAt: Date;
}

const ATTEMPTS = 5;
const RETRY_BATCH = 100;
/** All that is kept of failed jobs, see JOB_OPTIONS. */
const MOST_ROUNDS = 100;
/** How often a job may wait for a host's turn before that counts as a failure. */
const MOST_DEFERRALS = 1_000;
const ADD_TIMEOUT_MS = 10_000;
const RECONNECT_MS = 1_000;
// Workers may be away for long without harm: their next run waits for them.
const LOST_AFTER_MS = 60_000;
// Jobs without a priority run before every prioritised one.
const BULK_PRIORITY = 10;

// Checks are not kept when done: their sighting says what became of them, and with every job that ends PostgreSQL walks
// over all that are kept.
const JOB_OPTIONS: JobsOptions = {
  attempts: ATTEMPTS,
  backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  removeOnComplete: { age: 3_600, count: 1_000 },
  removeOnFail: { age: 7 * 86_400, count: 10_000 },
};

/** BullMQ behind Utsushi's own job types; the only room that knows of it. */
export class JobQueue implements AsyncDisposable {
  readonly #settings: QueueSettings;
  readonly #backend: QueueBackend;
  readonly #redis: Redis | undefined;
  readonly #queues: Record<QueueName, Queue>;

  private constructor(backend: QueueBackend, settings: QueueSettings) {
    this.#backend = backend;
    this.#settings = settings;
    this.#redis = backend.kind === 'redis' ? connectRedis(backend.url, settings) : undefined;
    this.#queues = Object.fromEntries(QUEUE_NAMES.map((name) => [name, this.#openQueue(name)])) as Record<
      QueueName,
      Queue
    >;
  }

  /** @throws UtsushiError `queue_unavailable` when the server does not answer in time */
  static async open(backend: QueueBackend, settings: QueueSettings): Promise<JobQueue> {
    const queue = new JobQueue(backend, settings);
    try {
      await withTimeout(Promise.all(Object.values(queue.#queues).map((each) => each.waitUntilReady())));
    } catch (thrown) {
      await queue.close().catch(() => {});
      throw thrown instanceof UtsushiError
        ? thrown
        : new UtsushiError('queue_unavailable', String(thrown), { cause: thrown });
    }
    return queue;
  }

  /** Prepares a PostgreSQL database for BullMQ; does nothing where that was done before. */
  static async migrate(pool: ConnectionPool): Promise<void> {
    const client = await pool.connect();
    try {
      await runMigrations(client);
    } finally {
      client.release();
    }
  }

  /** The server's own name and version, e.g. `Redis 7.0.15`. */
  async serverVersion(): Promise<string> {
    if (this.#backend.kind === 'redis') {
      const info = await this.#redis!.info('server');
      return `Redis ${/redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown'}`;
    }
    const { rows } = await this.#backend.pool.query<{ server_version: string }>('show server_version');
    return `PostgreSQL ${rows[0]!.server_version}`;
  }

  /** @throws UtsushiError `queue_unavailable` when the job could not be handed over in time */
  async add<N extends JobName>(name: N, payload: JobPayload<N>, options: AddOptions = {}): Promise<void> {
    await withTimeout(this.#queueOf(name).add(name, payload, toJobOptions(name, options)));
  }

  async addMany<N extends JobName>(
    name: N,
    jobs: readonly { payload: JobPayload<N>; options?: AddOptions }[],
  ): Promise<void> {
    await withTimeout(
      this.#queueOf(name).addBulk(
        jobs.map(({ payload, options = {} }) => ({ name, data: payload, opts: toJobOptions(name, options) })),
      ),
    );
  }

  /** Adds a job again that has ended without doing its work; one that still waits or runs is left alone. */
  async revive<N extends JobName>(
    name: N,
    payload: JobPayload<N>,
    options: AddOptions & { jobId: string },
  ): Promise<void> {
    const queue = this.#queueOf(name);
    const job = await withTimeout(queue.getJob(options.jobId) as Promise<Job | undefined>);
    if (job !== undefined) {
      const state = await withTimeout(job.getState());
      if (state !== 'completed' && state !== 'failed' && state !== 'unknown') return;
      await withTimeout(job.remove());
    }
    await this.add(name, payload, options);
  }

  /**
   * Has jobs run every so often, once a tick however many workers there are. Saying it again leaves those that are there
   * undisturbed and gives the others back: their schedules are lost with the queue.
   */
  async schedule(everyMs: Partial<Readonly<Record<JobName, number>>>): Promise<void> {
    for (const [name, ms] of Object.entries(everyMs) as [JobName, number][]) {
      const queue = this.#queueOf(name);
      const there = await withTimeout(queue.getJobScheduler(name));
      await this.#ensure(queue, { key: name, name, payload: {}, when: { everyMs: ms } }, there);
    }
  }

  /**
   * Makes the schedules of one kind of job exactly these. One that is there already goes on undisturbed; one whose next
   * run was lost begins anew.
   */
  async syncSchedules<N extends JobName>(
    name: N,
    wanted: readonly { readonly id: string; readonly payload: JobPayload<N>; readonly when: Recurrence }[],
  ): Promise<void> {
    const queue = this.#queueOf(name);
    const present = new Map(
      (await withTimeout(queue.getJobSchedulers()))
        .filter((each) => each.key.startsWith(`${name}/`))
        .map((each) => [each.key, each]),
    );
    for (const { id, payload, when } of wanted) {
      const key = `${name}/${id}`;
      await this.#ensure(queue, { key, name, payload, when }, present.get(key));
      present.delete(key);
    }
    for (const key of present.keys()) await withTimeout(queue.removeJobScheduler(key));
  }

  /** When the schedules of one kind of job run next, by the id they were given. */
  async nextRuns(name: JobName): Promise<Map<string, Date>> {
    const all = await withTimeout(this.#queueOf(name).getJobSchedulers());
    return new Map(
      all
        .filter(({ key, next }) => key.startsWith(`${name}/`) && next !== undefined)
        .map(({ key, next }) => [key.slice(name.length + 1), new Date(next!)]),
    );
  }

  /** One that is there already goes on undisturbed; one whose next run was lost begins anew. */
  async #ensure(
    queue: Queue,
    wanted: { key: string; name: JobName; payload: object; when: Recurrence },
    there: { pattern?: string; tz?: string; every?: number; next?: number } | undefined,
  ): Promise<void> {
    const { key, name, payload, when } = wanted;
    if (there !== undefined) {
      if (sameRecurrence(there, when) && !(await this.#isLost(queue, key, there.next))) return;
      await withTimeout(queue.removeJobScheduler(key));
    }
    const { attempts: _, ...once } = JOB_OPTIONS;
    await withTimeout(
      queue.upsertJobScheduler(key, toRepeat(when), { name, data: payload, opts: { ...once, attempts: 1 } }),
    );
  }

  /** Whether a schedule's next run is overdue and there is no job that would do it. */
  async #isLost(queue: Queue, key: string, next: number | undefined): Promise<boolean> {
    if (next === undefined) return true;
    if (next > Date.now() - LOST_AFTER_MS) return false;
    const job = await withTimeout(queue.getJob(`repeat:${key}:${next}`) as Promise<Job | undefined>);
    const state = job === undefined ? 'unknown' : await withTimeout(job.getState());
    return state === 'unknown' || state === 'completed' || state === 'failed';
  }

  /** Jobs that were given up, newest first. @param limit at most so many */
  async failed(name: QueueName, limit: number): Promise<FailedJob[]> {
    const jobs = await withTimeout(this.#queues[name].getFailed(0, limit - 1) as Promise<Job[]>);
    return jobs.map((job) => ({
      id: job.id!,
      name: job.name,
      payload: job.data as Readonly<Record<string, unknown>>,
      error: job.failedReason ?? '',
      attempts: job.attemptsMade,
      failedAt: new Date(job.finishedOn ?? job.timestamp),
    }));
  }

  /**
   * Lets jobs that were given up run again, with all their attempts before them.
   *
   * @param ids which; undefined for all of the queue
   * @returns how many; one that is no longer among the failed is left alone
   */
  async retryFailed(name: QueueName, ids: readonly string[] | undefined): Promise<number> {
    const queue = this.#queues[name];
    let retried = 0;
    if (ids !== undefined) {
      for (const id of ids)
        retried += await retry(await withTimeout(queue.getJob(id) as Promise<Job | undefined>));
      return retried;
    }
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const jobs = await withTimeout(queue.getFailed(0, RETRY_BATCH - 1) as Promise<Job[]>);
      for (const job of jobs) retried += await retry(job);
      if (jobs.length < RETRY_BATCH) break;
    }
    return retried;
  }

  /** Jobs by state, over all queues. */
  async counts(): Promise<Record<QueueName, Record<string, number>>> {
    const entries = await withTimeout(
      Promise.all(
        QUEUE_NAMES.map(async (name) => [
          name,
          await this.#queues[name].getJobCounts('wait', 'prioritized', 'active', 'delayed', 'failed'),
        ]),
      ),
    );
    return Object.fromEntries(entries) as Record<QueueName, Record<string, number>>;
  }

  /**
   * Starts one worker a queue.
   *
   * @param concurrency how many jobs of a queue this process has at hand at once
   */
  work(handlers: Handlers, queues: Partial<Record<QueueName, number>>): RunningWorkers {
    const ending = new AbortController();
    const late = new AbortController();
    setMaxListeners(0, ending.signal, late.signal);
    const workers = Object.entries(queues).map(([name, concurrency]) =>
      this.#openWorker(name as QueueName, handlers, concurrency, {
        ending: ending.signal,
        late: late.signal,
      }),
    );
    return {
      close: async (graceMs) => {
        ending.abort();
        const timer = setTimeout(() => late.abort(), graceMs);
        await Promise.all(workers.map((worker) => worker.close()));
        clearTimeout(timer);
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#queues).map((queue) => queue.close()));
    this.#redis?.disconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #queueOf(name: JobName): Queue {
    return this.#queues[JOBS[name].queue];
  }

  #openQueue(name: QueueName): Queue {
    const queue =
      this.#backend.kind === 'redis'
        ? new bullmq.Queue(name, { connection: this.#redis!, prefix: this.#backend.prefix })
        : (new postgres.Queue(name, { connection: asBullPool(this.#backend.pool) }) as unknown as Queue);
    queue.on('error', this.#settings.onError);
    return queue;
  }

  #openWorker(
    name: QueueName,
    handlers: Handlers,
    concurrency: number,
    { ending, late }: { ending: AbortSignal; late: AbortSignal },
  ): Worker {
    const options = {
      concurrency,
      lockDuration: this.#settings.lockMs,
      stalledInterval: this.#settings.lockMs,
      // A job whose process dies is no fault of the job: it may be taken up again as often as it is tried.
      maxStalledCount: ATTEMPTS,
      // When the server was away; BullMQ's own pause of 15 seconds holds up every job at hand.
      runRetryDelay: RECONNECT_MS,
    } satisfies Partial<WorkerOptions>;
    const run = (job: Job, token?: string) =>
      orHandBack(job, token, process(job, token, handlers, ending), late);
    const worker =
      this.#backend.kind === 'redis'
        ? new bullmq.Worker(name, run, { ...options, connection: this.#redis!, prefix: this.#backend.prefix })
        : (new postgres.Worker(name, run as never, {
            ...options,
            connection: asBullPool(this.#backend.pool),
          }) as unknown as Worker);
    worker.on('error', this.#settings.onError);
    return worker;
  }
}

/** @returns 1 when it was among the failed and waits again */
async function retry(job: Job | undefined): Promise<0 | 1> {
  if (job === undefined || (await withTimeout(job.getState())) !== 'failed') return 0;
  await withTimeout(job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true }));
  return 1;
}

const postgres = withBackend(createPostgresBackend);

/** BullMQ describes pg's pool by a type of its own, which pg's does not literally fit. */
function asBullPool(pool: ConnectionPool): PgPool {
  return pool as unknown as PgPool;
}

/** Runs a job's handler; says to BullMQ whether a failure is worth another attempt. */
async function process(
  job: Job,
  token: string | undefined,
  handlers: Handlers,
  ending: AbortSignal,
): Promise<void | 'given back'> {
  const name = job.name as JobName;
  const definition = JOBS[name] as (typeof JOBS)[JobName] | undefined;
  if (definition === undefined) throw new UnrecoverableError(`internal: no job is called ${job.name}`);
  const payload = definition.payload.safeParse(job.data);
  if (!payload.success) throw new UnrecoverableError(`invalid_request: ${payload.error.message}`);
  try {
    const lastAttempt = job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
    await (handlers[name] as (data: unknown, context: JobContext) => Promise<void>)(payload.data, {
      lastAttempt,
      signal: ending,
      progress: (value) => job.updateProgress(value),
    });
  } catch (thrown) {
    if (ending.aborted && thrown === ending.reason) return 'given back';
    const error = asUtsushiError(thrown);
    if (error.code === 'fetch_deferred' && job.attemptsStarted < MOST_DEFERRALS) {
      // It was not its turn yet: no attempt was made, and the place in the worker is free for other jobs meanwhile.
      await job.moveToDelayed(Date.now() + (error.retryAfterMs ?? 0), token);
      throw new DelayedError();
    }
    const text = `${error.code}: ${error.message}`;
    throw error.retryable ? new Error(text, { cause: thrown }) : new UnrecoverableError(text);
  }
}

/** Waits for the job; when time is up first, puts it back in the queue as if it had never been taken. */
async function orHandBack(
  job: Job,
  token: string | undefined,
  work: Promise<void | 'given back'>,
  late: AbortSignal,
): Promise<void> {
  let onLate = () => {};
  const timeUp = new Promise<'late'>((resolve) => {
    onLate = () => resolve('late');
    late.addEventListener('abort', onLate, { once: true });
  });
  try {
    if ((await Promise.race([work, timeUp])) === undefined) return;
  } finally {
    late.removeEventListener('abort', onLate);
  }
  // The handler may still be at it; whatever it ends with now, the next worker's handler finds done or does again.
  work.catch(() => {});
  await job.moveToWait(token);
  throw new WaitingError();
}

function toRepeat(when: Recurrence) {
  return 'cron' in when
    ? { pattern: when.cron, tz: when.tz }
    : { every: when.everyMs, ...(when.startAt === undefined ? {} : { startDate: when.startAt }) };
}

function sameRecurrence(there: { pattern?: string; tz?: string; every?: number }, when: Recurrence): boolean {
  return 'cron' in when
    ? there.pattern === when.cron && there.tz === when.tz
    : Number(there.every) === when.everyMs;
}

function toJobOptions(name: JobName, { jobId, bulk = false }: AddOptions): JobsOptions {
  return {
    ...JOB_OPTIONS,
    ...(name === 'check-sighting' ? { removeOnComplete: true } : {}),
    ...(jobId === undefined ? {} : { jobId }),
    ...(bulk ? { priority: BULK_PRIORITY } : {}),
  };
}

function connectRedis(url: string, settings: QueueSettings): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  redis.on('error', settings.onError);
  return redis;
}

/** BullMQ waits for ever when its server is away; nobody who waits for Utsushi should. */
async function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(new UtsushiError('queue_unavailable', `the queue did not answer within ${ADD_TIMEOUT_MS} ms`)),
      ADD_TIMEOUT_MS,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
