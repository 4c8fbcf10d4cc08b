/** What Utsushi asks of a queue, asked of both backends on real servers. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { UtsushiError } from '../../../src/errors.ts';
import { JOBS } from '../../../src/platform/queue/jobs.ts';
import { type Handlers, JobQueue, type RunningWorkers } from '../../../src/platform/queue/index.ts';
import { openPool } from '../../../src/platform/storage/database.ts';
import { acquireEmbeddedPostgres } from '../../../src/platform/storage/embedded/index.ts';
import { BACKENDS, type Installation, eventually, install } from '../../support/installation.ts';

const LOCK_MS = 1_000;

describe.each(BACKENDS)('queue on %s', (backend) => {
  let installation: Installation;
  let app: App;
  let open: () => Promise<JobQueue>;
  let queue: JobQueue;
  let workers: RunningWorkers[] = [];
  const closers: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    installation = await install(backend);
    app = await installation.open();
    const settings = { lockMs: LOCK_MS, onError: () => {} };
    if (backend === 'redis') {
      const url = installation.redis!.url;
      open = () => JobQueue.open({ kind: 'redis', url, prefix: 'test' }, settings);
    } else {
      const embedded = await acquireEmbeddedPostgres({ dataDir: installation.dataDir });
      const pool = openPool({
        connectionString: embedded.connectionString,
        max: 12,
        applicationName: 'queue test',
        settings: { search_path: 'bullmq' },
      });
      closers.push(
        () => embedded.close(),
        () => pool.end(),
      );
      await JobQueue.migrate(pool);
      open = () => JobQueue.open({ kind: 'postgres', pool }, settings);
    }
  });
  afterAll(async () => {
    for (const close of closers.toReversed()) await close();
    await installation.close();
  });
  beforeEach(async () => {
    queue = await open();
  });
  afterEach(async () => {
    for (const worker of workers) await worker.close(5_000);
    workers = [];
    await queue.close();
  });

  const nothing = Object.fromEntries(
    Object.keys(JOBS).map((name) => [name, async () => {}]),
  ) as unknown as Handlers;
  const handlers = (check: Handlers['check-sighting']): Handlers => ({
    ...nothing,
    'check-sighting': check,
  });
  const work = (check: Handlers['check-sighting'], concurrency = 4) => {
    const running = queue.work(handlers(check), { checks: concurrency });
    workers.push(running);
    return running;
  };

  test('is the real server that it claims to be', async () => {
    const version = await queue.serverVersion();
    if (backend === 'redis') expect(version).toBe(`Redis ${installation.redis!.version}`);
    else expect(version).toMatch(/^PostgreSQL 18\./);
    expect(app.config.queue).toBe(backend);
  });

  test('hands every job to exactly one handler', async () => {
    const ids = Array.from({ length: 50 }, () => randomUUID());
    const got: string[] = [];
    const collect = async ({ sightingId }: { sightingId: string }) => {
      got.push(sightingId);
    };
    work(collect);
    work(collect);
    await queue.addMany(
      'check-sighting',
      ids.map((id) => ({ payload: { sightingId: id }, options: { jobId: id } })),
    );
    await eventually('all jobs', async () => got.length >= ids.length);
    await sleep(200);
    expect(got.toSorted()).toEqual(ids.toSorted());
  });

  test('adding a job that waits already does nothing', async () => {
    const id = randomUUID();
    for (let i = 0; i < 3; i++) await queue.add('check-sighting', { sightingId: id }, { jobId: id });
    const got: string[] = [];
    work(async ({ sightingId }) => void got.push(sightingId));
    await eventually('the job', async () => got.length > 0);
    await sleep(200);
    expect(got).toEqual([id]);
  });

  test('tries a retryable failure again, and tells the handler which attempt is the last', async () => {
    const attempts: boolean[] = [];
    work(async (_, { lastAttempt }) => {
      attempts.push(lastAttempt);
      if (attempts.length < 2) throw new UtsushiError('fetch_failed', 'try again');
    });
    await queue.add('check-sighting', { sightingId: randomUUID() });
    await eventually('a second attempt', async () => attempts.length === 2);
    expect(attempts).toEqual([false, false]);
  });

  test('lists what was given up, and lets it run again', async () => {
    const ids = [randomUUID(), randomUUID(), randomUUID()];
    let broken = true;
    const done: string[] = [];
    work(async ({ sightingId }) => {
      if (broken) throw new UtsushiError('corrupt_image', 'no such picture');
      done.push(sightingId);
    });
    for (const id of ids) await queue.add('check-sighting', { sightingId: id }, { jobId: id });
    const failed = async () =>
      (await queue.failed('checks', 1_000))
        .filter(({ id }) => (ids as string[]).includes(id))
        .map(({ id }) => id);
    await eventually('all to fail', async () => (await failed()).length === ids.length);
    const [newest] = await queue.failed('checks', 1);
    expect(newest).toMatchObject({
      name: 'check-sighting',
      payload: { sightingId: newest!.id },
      error: 'corrupt_image: no such picture',
      attempts: 1,
    });
    expect((await queue.counts()).checks['failed']).toBeGreaterThanOrEqual(ids.length);
    broken = false;
    expect(await queue.retryFailed('checks', [ids[0]!, randomUUID()])).toBe(1);
    await eventually('the one', async () => done.length === 1);
    expect(done).toEqual([ids[0]]);
    expect(await queue.retryFailed('checks', undefined)).toBeGreaterThanOrEqual(2);
    await eventually('the others', async () => done.length === 3);
    expect(done.toSorted()).toEqual(ids.toSorted());
    expect(await failed()).toEqual([]);
  });

  test('waits for a turn without using up attempts, and without holding up other jobs', async () => {
    const tries: boolean[] = [];
    let others = 0;
    const [waits, runs] = [randomUUID(), randomUUID()];
    work(async ({ sightingId }, { lastAttempt }) => {
      if (sightingId === runs) return void (others += 1);
      tries.push(lastAttempt);
      if (tries.length <= 7)
        throw new UtsushiError('fetch_deferred', 'not yet', { retryAfterMs: tries.length === 1 ? 500 : 20 });
    }, 1);
    await queue.add('check-sighting', { sightingId: waits }, { jobId: waits });
    await eventually('the first try', async () => tries.length === 1);
    await queue.add('check-sighting', { sightingId: runs }, { jobId: runs });
    await eventually('the other job', async () => others === 1);
    expect(tries).toHaveLength(1);
    await eventually('the turn', async () => tries.length === 8);
    // More often than a job has attempts, and still none of them was its last.
    expect(tries).not.toContain(true);
  });

  test('sends a permanent failure straight to failed, with its code', async () => {
    const before = (await queue.counts()).checks['failed']!;
    let attempts = 0;
    work(async () => {
      attempts += 1;
      throw new UtsushiError('corrupt_image', 'broken for good');
    });
    await queue.add('check-sighting', { sightingId: randomUUID() });
    await eventually('the failure', async () => (await queue.counts()).checks['failed'] === before + 1);
    await sleep(1_500);
    expect(attempts).toBe(1);
  });

  test('refuses a payload that is no id, without running the handler', async () => {
    const before = (await queue.counts()).checks['failed']!;
    let ran = false;
    work(async () => {
      ran = true;
    });
    await queue.add('check-sighting', { sightingId: 'not-a-uuid' });
    await eventually('the failure', async () => (await queue.counts()).checks['failed'] === before + 1);
    expect(ran).toBe(false);
  });

  test('lets ad-hoc work overtake bulk work', async () => {
    const bulk = Array.from({ length: 10 }, () => randomUUID());
    const adHoc = randomUUID();
    await queue.addMany(
      'check-sighting',
      bulk.map((id) => ({ payload: { sightingId: id }, options: { jobId: id, bulk: true } })),
    );
    await queue.add('check-sighting', { sightingId: adHoc }, { jobId: adHoc });
    const got: string[] = [];
    work(async ({ sightingId }) => void got.push(sightingId), 1);
    await eventually('all jobs', async () => got.length === 11);
    expect(got[0]).toBe(adHoc);
  });

  test('finishes the job at hand when it is closed', async () => {
    let finished = false;
    let begun = false;
    const running = work(async () => {
      begun = true;
      await sleep(700);
      finished = true;
    });
    await queue.add('check-sighting', { sightingId: randomUUID() });
    await eventually('the job to begin', async () => begun);
    await running.close(10_000);
    workers = [];
    expect(finished).toBe(true);
  });

  test('gives back a job that is not finished in time, and another worker does it', async () => {
    const id = randomUUID();
    const by: string[] = [];
    let release = () => {};
    const slow = work(async () => {
      by.push('slow');
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    await queue.add('check-sighting', { sightingId: id }, { jobId: id });
    await eventually('the slow worker to begin', async () => by.length === 1);
    await slow.close(100);
    workers = [];
    const other = await open();
    const quick = other.work(
      handlers(async () => void by.push('quick')),
      { checks: 1 },
    );
    await eventually('the other worker', async () => by.includes('quick'), 20_000);
    release();
    await quick.close(5_000);
    await other.close();
    expect(by).toEqual(['slow', 'quick']);
  });

  test('revives a job that failed, forgets a check that is done, leaves a job that waits', async () => {
    const id = randomUUID();
    const got: string[] = [];
    const running = work(async ({ sightingId }) => {
      got.push(sightingId);
      if (got.length === 1) throw new UtsushiError('corrupt_image', 'for this test');
    });
    const failed = async () => (await queue.counts()).checks['failed']!;
    const before = await failed();
    await queue.add('check-sighting', { sightingId: id }, { jobId: id });
    await eventually('the job to fail', async () => (await failed()) === before + 1);
    await queue.add('check-sighting', { sightingId: id }, { jobId: id });
    await sleep(300);
    expect(got).toHaveLength(1);
    await queue.revive('check-sighting', { sightingId: id }, { jobId: id });
    await eventually('the second run', async () => got.length === 2);
    await eventually('the job to be done', async () => (await queue.counts()).checks['active'] === 0);
    await queue.add('check-sighting', { sightingId: id }, { jobId: id });
    await eventually('the third run', async () => got.length === 3);
    await running.close(5_000);
    workers = [];
    const waiting = randomUUID();
    for (let i = 0; i < 2; i++)
      await queue.revive('check-sighting', { sightingId: waiting }, { jobId: waiting });
    expect((await queue.counts()).checks['wait']).toBe(1);
  });

  test('runs a schedule once a tick with three workers', async () => {
    let ticks = 0;
    const all: Handlers = { ...handlers(async () => {}), sweep: async () => void (ticks += 1) };
    for (let i = 0; i < 3; i++) workers.push(queue.work(all, { upkeep: 1 }));
    for (let i = 0; i < 3; i++) await queue.schedule({ sweep: 1_000 });
    await sleep(4_500);
    expect(ticks).toBeGreaterThanOrEqual(3);
    expect(ticks).toBeLessThanOrEqual(6);
  });
});

test('says that the queue is away instead of waiting for ever', { timeout: 40_000 }, async () => {
  const open = JobQueue.open(
    { kind: 'redis', url: 'redis://127.0.0.1:1', prefix: 'test' },
    { lockMs: LOCK_MS, onError: () => {} },
  );
  await expect(open).rejects.toMatchObject({ code: 'queue_unavailable' });
});
