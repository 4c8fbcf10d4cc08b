/** Schedules on both backends: once a tick however many workers there are, and back after the queue was lost. */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import {
  applyMonitors,
  findMonitor,
  listScans,
  parseMonitor,
  pauseMonitor,
  wantedRuns,
} from '../../../src/features/monitoring/index.ts';
import { BACKENDS, type Installation, eventually, install } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';

const TICK_MS = 1_000;
const TICKS = 5;
const LONG_AGO = new Date(0);

describe.each(BACKENDS)('schedules on %s', (backend) => {
  let installation: Installation;
  let app: App;
  let folder: string;
  const by = { actor: 'test', at: new Date() };
  const source = () => ({ kind: 'directory', path: folder });
  const apply = (monitors: Record<string, object>) =>
    applyMonitors(
      app.db,
      Object.entries(monitors).map(([name, rest]) => parseMonitor(name, { source: source(), ...rest })),
      by,
    );
  const scansOf = (monitor: string) => listScans(app.db, { monitor, limit: 1_000 });
  const nextRun = async (name: string) =>
    (await (await app.queue()).nextRuns('start-scan')).get((await findMonitor(app.db, name)).id);

  beforeAll(async () => {
    installation = await install(backend, {
      UTSUSHI_CONCURRENCY: '1',
      UTSUSHI_SWEEP_MS: '500',
      // A scan that lost its job with the queue is taken up again when its lease is over.
      UTSUSHI_JOB_LOCK_MS: '2000',
    });
    app = await installation.open();
    folder = join(installation.dataDir, 'outputs');
    await mkdir(folder);
  });
  afterAll(() => installation.close());

  test('run in the time zone they name, by tier where they name nothing, and not at all when paused', async () => {
    await apply({
      clock: { schedule: { cron: '0 3 * * *' } },
      abroad: { schedule: { cron: '0 3 * * *', tz: 'America/New_York' } },
      high: { tiers: ['high'] },
      standard: { tiers: ['standard'] },
      paused: { paused: true },
    });
    await app.syncSchedules();
    const hourIn = (zone: string, at: Date) =>
      new Intl.DateTimeFormat('en', { timeZone: zone, hour: 'numeric', hour12: false }).format(at);
    expect(hourIn('Asia/Tokyo', (await nextRun('clock'))!)).toBe('03');
    expect(hourIn('America/New_York', (await nextRun('abroad'))!)).toBe('03');
    expect(await nextRun('paused')).toBeUndefined();
    const everyMs = new Map(
      (await wantedRuns(app.db, app.checks.protocol, LONG_AGO)).map((run) => [
        run.monitorId,
        'everyMs' in run ? run.everyMs : undefined,
      ]),
    );
    const hours = async (name: string) => everyMs.get((await findMonitor(app.db, name)).id)! / 3_600_000;
    expect([await hours('high'), await hours('standard')]).toEqual([6, 24]);
    await apply({});
    await app.syncSchedules();
    expect((await (await app.queue()).nextRuns('start-scan')).size).toBe(0);
  });

  test('fire once a tick with three workers, however often they are derived again', async () => {
    await apply({ often: { schedule: { every: `${TICK_MS / 1_000}s` } } });
    const others = await Promise.all([installation.open(), installation.open()]);
    const started = performance.now();
    // Every one sweeps twice a tick, and each sweep derives the schedules from the database.
    for (const each of [app, ...others]) await each.startWorkers(['scans', 'upkeep']);
    // A busy machine passes ticks over while the scan before is still running; it never makes two of one.
    const ran = await eventually('a scan for each of some ticks', async () => {
      const scans = (await scansOf('often')).length;
      return scans >= TICKS && scans;
    });
    const ticks = (performance.now() - started) / TICK_MS;
    expect(ran).toBeLessThanOrEqual(Math.ceil(ticks) + 1);
    for (const each of others) await each.close();
  });

  test('stop when paused and go on when resumed', async () => {
    await pauseMonitor(app.db, 'often', true, by);
    await app.syncSchedules();
    await sleep(TICK_MS);
    const before = (await scansOf('often')).length;
    await sleep(TICK_MS * 2);
    expect((await scansOf('often')).length).toBe(before);
    await pauseMonitor(app.db, 'often', false, by);
    await app.syncSchedules();
    await eventually('another scan', async () => (await scansOf('often')).length > before);
  });

  test('come back from the database when the queue is lost', async () => {
    if (backend === 'redis') {
      const redis = new Redis(installation.redis!.url);
      await redis.flushall();
      redis.disconnect();
    } else {
      // All at once, as a loss is: it waits for what is being written, and what is written next finds nothing.
      // A worker that holds a row of the one and waits for the other makes a deadlock, which ends either of the two.
      await eventually('the queue to be empty', () =>
        app.pool.query('truncate bullmq.scheduler, bullmq.job cascade').then(
          () => true,
          (error: { code?: string }) => {
            if (error.code !== '40P01') throw error;
            return false;
          },
        ),
      );
    }
    const before = (await scansOf('often')).length;
    // Nobody starts anything: the sweep's own schedule was lost with all others, and comes back as well.
    const after = await eventually('scans as before', async () => {
      const scans = await scansOf('often');
      return scans.length >= before + 2 && scans;
    });
    expect(after[0]!.trigger).toBe('schedule');
  });

  test('are not waited for where a source can tell that something appeared', async () => {
    await apply({ watched: { schedule: { cron: '0 0 1 1 *' } } });
    const watcher = await installation.open();
    await watcher.startWorkers(['scans', 'checks', 'upkeep']);
    // The watcher may not be at it yet when the first file appears, so there are several.
    const scan = await eventually('a scan of what appeared', async () => {
      await writeFile(join(folder, `${randomUUID()}.jpg`), await artwork(1, 64).jpeg().toBuffer());
      await sleep(1_000);
      return (await scansOf('watched')).find((each) => each.checked > 0);
    });
    expect(scan).toMatchObject({ trigger: 'schedule', failed: 0 });
    await watcher.close();
  });
});
