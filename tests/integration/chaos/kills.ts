/**
 * Hundreds of checks in the queue, and in their middle something is killed. Afterwards nothing is lost, nothing was
 * done twice, and exactly the right alerts exist. One installation for all; every test adds a round of its own.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { checkSighting, openUpload } from '../../../src/features/checks/index.ts';
import { type Backend, type Installation, eventually, install } from '../../support/installation.ts';
import { Observer } from '../../support/observer.ts';
import { artwork } from '../../support/pictures.ts';
import {
  Processes,
  type UtsushiProcess,
  build,
  computeChildrenOf,
  mustSucceed,
  processesOf,
} from '../../support/processes.ts';
import { FULL, Scene, TIMEOUT } from '../../support/scene.ts';

const SIGHTINGS = FULL ? 500 : 80;
const WORKS = FULL ? 60 : 10;
/** The grace that a stopping process gives the work at hand, and some for leaving. */
const GRACE_MS = 40_000;

/** The same tests for either backend; each has a file of its own, so that they can run side by side. */
export function describeKills(backend: Backend): void {
  describe.skipIf(process.platform !== 'linux')(`in the middle of checks on ${backend}`, TIMEOUT, () => {
    killTests(backend);
  });
}

function killTests(backend: Backend): void {
  let installation: Installation;
  let observer: Observer;
  let processes: Processes;
  const scene = new Scene();

  beforeAll(async () => {
    await build();
    installation = await install(backend, {
      UTSUSHI_JOB_LOCK_MS: '2000',
      UTSUSHI_SWEEP_MS: '2000',
      // Who has few checks at hand leaves many waiting, however fast the machine: there is a middle to be killed in.
      UTSUSHI_CONCURRENCY: FULL ? '2' : '1',
    });
    observer = new Observer(installation.dataDir);
    processes = new Processes(installation.env);
    const app = await installation.open();
    await Scene.importWorks(app, await Scene.works(join(installation.dataDir, 'works'), 0, WORKS));
    await app.close();
  });
  afterEach(() => processes.endAll());
  afterAll(async () => {
    await processes?.endAll();
    await installation?.close();
  });

  /** Submits a round while nothing runs; nothing of this process is left at the database afterwards. */
  async function submitRound(): Promise<number> {
    const done = scene.submitted;
    const app = await installation.open();
    await scene.submit(app, SIGHTINGS, WORKS);
    await app.close();
    expect(await observer.postmaster()).toBeUndefined();
    return done;
  }

  /** Waits for the end of the round, stops what still runs, and looks at everything. */
  async function expectNothingLost(running: UtsushiProcess[]): Promise<void> {
    await observer.nonePending();
    const app = await installation.open();
    await queueIdle(app);
    for (const each of running) {
      mustSucceed(await each.end('SIGTERM'));
    }
    mustSucceed(await processes.run('audit', 'verify'));
    const found = await scene.expectComplete(app);
    await scene.expectExactlyOnce(app);
    expect(found.alerts).toBeGreaterThan(found.outputs / 4);
    await app.close();
    expect(await observer.postmaster()).toBeUndefined();
    await eventually(
      'no process to be left',
      async () => (await processesOf(installation.dataDir)).length === 0,
    );
  }

  test('a worker dies by kill -9 while another lives', async () => {
    const before = await submitRound();
    const [one, other] = await Promise.all([processes.worker(), processes.worker()]);
    await observer.doneSince(before, SIGHTINGS / 5);
    expect(await one.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
    expect((await observer.sightings())!.pending).toBeGreaterThan(0);
    await expectNothingLost([other]);
  });

  test('`utsushi up` dies by kill -9 and is started again', async () => {
    const before = await submitRound();
    const first = await processes.up();
    await observer.doneSince(before, SIGHTINGS / 5);
    await first.end('SIGKILL');
    expect((await observer.sightings())!.pending).toBeGreaterThan(0);
    const orphan = await observer.postmaster();
    const second = await processes.up();
    // The server of the dead process was adopted, not started again.
    expect(await observer.postmaster()).toBe(orphan);
    await expectNothingLost([second]);
  });

  test('the PostgreSQL server dies by kill -9 and `utsushi up` lives', async () => {
    const before = await submitRound();
    const up = await processes.up();
    await observer.doneSince(before, SIGHTINGS / 5);
    const killed = (await observer.postmaster())!;
    process.kill(killed, 'SIGKILL');
    await observer.nonePending();
    expect(await observer.postmaster()).not.toBe(killed);
    await expectNothingLost([up]);
  });

  test.runIf(backend === 'redis')('Redis dies by kill -9 and comes back', async () => {
    const before = await submitRound();
    const up = await processes.up();
    await observer.doneSince(before, SIGHTINGS / 5);
    await installation.redis!.kill9();
    expect((await observer.sightings())!.pending).toBeGreaterThan(0);
    await sleep(1_000);
    await installation.redis!.restart();
    await expectNothingLost([up]);
  });

  test('compute processes die by SIGSEGV: their jobs are tried again, `utsushi up` lives', async () => {
    const before = await submitRound();
    const up = await processes.up();
    for (let killed = 0; killed < 6; killed++) {
      await observer.doneSince(before, ((killed + 1) * SIGHTINGS) / 10);
      const child = await eventually('a compute process', async () => (await computeChildrenOf(up.pid))[0]);
      process.kill(child, 'SIGSEGV');
    }
    expect((await observer.sightings())!.pending).toBeGreaterThan(0);
    await expectNothingLost([up]);
  });

  test('a worker is asked to stop: it ends what it has at hand, loses nothing, and exits 0', async () => {
    const before = await submitRound();
    const worker = await processes.worker();
    await observer.doneSince(before, SIGHTINGS / 5);
    const ended = await Promise.race([worker.end('SIGTERM'), sleep(GRACE_MS, 'still running')]);
    expect(ended).toMatchObject({ code: 0, signal: null });
    await eventually(
      'no process to be left',
      async () => (await processesOf(installation.dataDir)).length === 0,
    );
    const app = await installation.open();
    const { pending, failed } = (await observer.sightings())!;
    expect(pending).toBeGreaterThan(0);
    expect(failed).toBe(0);
    // Nothing is held by the worker that went: another need not wait for its locks to run out.
    expect((await (await app.queue()).counts()).checks).toMatchObject({ active: 0 });
    await app.close();
    await expectNothingLost([await processes.worker()]);
  });

  test('a process that died between recording a check and forgetting its file leaves no file behind', async () => {
    const app = await installation.open();
    const bytes = await artwork(0, 96).png().toBuffer();
    const seen = { acquiredBy: 'test', pageUrl: null, account: null, postedAt: null };
    const id = await openUpload(app.checks, bytes, seen, new Date());
    await checkSighting(app.checks, id, false);
    await app.checks.spool.put(id, bytes);
    await checkSighting(app.checks, id, false);
    expect(await readdir(join(installation.dataDir, 'spool'))).toEqual([]);
    await app.close();
  });

  async function queueIdle(app: App): Promise<void> {
    const queue = await app.queue();
    await eventually('the queue to be empty', async () => {
      const { wait, prioritized, active, delayed } = (await queue.counts()).checks;
      return wait === 0 && prioritized === 0 && active === 0 && delayed === 0;
    });
  }
}
