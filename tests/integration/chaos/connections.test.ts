/** Everything that people may run on one data directory at once shares one server and keeps to its connections. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Installation, eventually, install } from '../../support/installation.ts';
import { Observer } from '../../support/observer.ts';
import { Processes, build, mustSucceed, processesOf } from '../../support/processes.ts';
import { FULL, Scene, TIMEOUT } from '../../support/scene.ts';

/**
 * Sessions in pg_stat_activity, PostgreSQL's own background processes included, with one `up`, three workers and four
 * commands at work. The server accepts 200.
 */
const BUDGET = 90;
const SIGHTINGS = FULL ? 500 : 40;
const WORKS = 10;
const SAMPLING_MS = TIMEOUT.timeout - 10_000;

describe.skipIf(process.platform !== 'linux')('many processes on one embedded server', TIMEOUT, () => {
  let installation: Installation;
  let observer: Observer;
  let processes: Processes;
  const scene = new Scene();

  beforeAll(async () => {
    await build();
    installation = await install('postgres', { UTSUSHI_CONCURRENCY: '2', UTSUSHI_SWEEP_MS: '1000' });
    observer = new Observer(installation.dataDir);
    processes = new Processes(installation.env);
    const app = await installation.open();
    await Scene.importWorks(app, await Scene.works(join(installation.dataDir, 'works'), 0, WORKS));
    await scene.submit(app, SIGHTINGS, WORKS);
    await app.close();
  });
  afterAll(async () => {
    await processes?.endAll();
    await installation?.close();
  });

  test('one `up`, three workers and four commands stay within the budget and all succeed', async () => {
    const sampler = sampleSessions();
    const up = await processes.up();
    const workers = await Promise.all([processes.worker(), processes.worker(), processes.worker()]);
    const commands = await Promise.all([
      processes.run('check', join(installation.dataDir, 'works'), '--json'),
      processes.run('alerts', 'list', '--json'),
      processes.run('catalogue', 'list', '--json'),
      processes.run('doctor', '--json'),
    ]);
    const [check, ...others] = commands;
    // Candidates were found.
    expect(check).toMatchObject({ code: 1 });
    for (const each of others) mustSucceed(each);
    expect(check!.stdout.trim().split('\n')).toHaveLength(WORKS);
    expect(others[1]!.stdout.trim().split('\n')).toHaveLength(WORKS);

    const second = await processes.run('up', '--port', '0');
    expect(second.code).toBe(2);
    expect(second.stderr).toContain('data_dir_in_use');
    expect(second.stderr).toContain(`pid ${up.pid} `);

    await observer.nonePending();
    for (const each of [...workers, up]) {
      mustSucceed(await each.end('SIGTERM'));
    }
    const most = await sampler.stop();
    // Fewer than there are processes would mean that nothing was sampled.
    expect(most).toBeGreaterThan(8);
    expect(most).toBeLessThanOrEqual(BUDGET);

    await eventually(
      'the server to be gone, and every other process',
      async () => (await processesOf(installation.dataDir)).length === 0,
    );
    expect(await observer.postmaster()).toBeUndefined();
    const app = await installation.open();
    await scene.expectComplete(app);
    await scene.expectExactlyOnce(app);
  });

  /** Counts the server's sessions again and again until it is stopped; then says the most that there were. */
  function sampleSessions(): { stop(): Promise<number> } {
    const stopped = new AbortController();
    const sampling = (async () => {
      let most = 0;
      for (const deadline = Date.now() + SAMPLING_MS; !stopped.signal.aborted && Date.now() < deadline;) {
        const rows = await observer.query<{ n: number }>('select count(*)::int as n from pg_stat_activity');
        most = Math.max(most, rows?.[0]!.n ?? 0);
        await sleep(5);
      }
      return most;
    })();
    return {
      stop: () => {
        stopped.abort();
        return sampling;
      },
    };
  }
});
