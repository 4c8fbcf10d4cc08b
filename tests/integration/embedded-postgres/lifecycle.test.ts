import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  acquireEmbeddedPostgres,
  describeEmbeddedPostgres,
} from '../../../src/platform/storage/embedded/index.ts';
import { alive, ask, Bench, eventually, gone, portOf, serverPid } from './support.ts';

describe('an embedded PostgreSQL', { timeout: 40_000 }, () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.create();
  });
  afterEach(() => bench.destroy());

  it('is created on first use, private, durable, and gone when its only user leaves', async () => {
    expect(await describeEmbeddedPostgres(bench.dataDir)).toBeUndefined();
    const shared = await acquireEmbeddedPostgres(bench.options());
    const [settings] = await ask(
      shared.connectionString,
      `SELECT current_setting('fsync') AS fsync, current_setting('data_checksums') AS checksums,
              current_setting('server_encoding') AS encoding, current_setting('TimeZone') AS zone,
              current_setting('listen_addresses') AS listen, current_setting('unix_socket_directories') AS sockets,
              current_setting('max_connections') AS connections, lower('ÄÖ') AS lower, current_user::text AS me`,
    );
    expect(settings).toEqual({
      fsync: 'on',
      checksums: 'on',
      encoding: 'UTF8',
      zone: 'UTC',
      listen: '127.0.0.1',
      sockets: '',
      connections: '200',
      lower: 'äö',
      me: 'utsushi',
    });
    for (const name of ['instance.json', 'postgres-password', 'postgres.log']) {
      expect((await stat(join(bench.dataDir, name))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(bench.dataDir)).mode & 0o067).toBe(0);
    expect((await stat(shared.clusterDir)).mode & 0o777).toBe(0o700);
    const wrong = shared.connectionString.replace(/:[^:@]+@/, ':wrong@');
    await expect(ask(wrong, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });

    const pid = (await serverPid(shared.clusterDir))!;
    expect(await describeEmbeddedPostgres(bench.dataDir)).toMatchObject({
      instanceId: shared.instanceId,
      clusterDir: shared.clusterDir,
      running: true,
      pid,
      port: portOf(shared.connectionString),
      version: '18',
    });
    const session = (await readFile(`/proc/${pid}/stat`, 'latin1')).split(') ')[1]!.split(' ')[3];
    expect(Number(session), 'the server leads a session of its own').toBe(pid);

    await ask(shared.connectionString, 'CREATE TABLE kept AS SELECT 7 AS n');
    await shared.close();
    await shared.close(); // twice does no harm
    expect(await alive(pid)).toBe(false);
    expect(await describeEmbeddedPostgres(bench.dataDir)).toMatchObject({ running: false });

    await using again = await acquireEmbeddedPostgres(bench.options());
    expect(again.connectionString).toBe(shared.connectionString);
    expect(await ask(again.connectionString, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
  });

  it('is shared by processes, and the last one out stops it', async () => {
    const first = bench.holder();
    const started = await first.answer();
    const second = bench.holder();
    const joined = await second.answer();
    expect(joined.connectionString).toBe(started.connectionString);
    const pid = (await serverPid(started.clusterDir!))!;
    expect(await first.tell('close')).toEqual({ closed: true });
    expect(await second.tell('query SELECT 1 AS n')).toEqual({ rows: [{ n: 1 }] });
    expect(await second.tell('close')).toEqual({ closed: true });
    expect(await alive(pid)).toBe(false);
  });

  it('survives the kill -9 of its only user and is adopted by the next', async () => {
    const holder = bench.holder();
    const { connectionString, clusterDir } = await holder.answer();
    await holder.tell('query CREATE TABLE kept AS SELECT 7 AS n');
    const pid = (await serverPid(clusterDir!))!;
    await holder.kill();
    expect(await alive(pid)).toBe(true);

    const adopted = await acquireEmbeddedPostgres(bench.options());
    expect(adopted.connectionString).toBe(connectionString);
    expect(await serverPid(clusterDir!)).toBe(pid);
    expect(await ask(adopted.connectionString, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
    await adopted.close();
    expect(await alive(pid)).toBe(false);
  });

  it('comes back on the same port when it is killed while in use', async () => {
    const holders = [bench.holder(), bench.holder()];
    const [one] = await Promise.all(holders.map((holder) => holder.answer()));
    const before = (await serverPid(one!.clusterDir!))!;
    await holders[0]!.tell('query CREATE TABLE kept AS SELECT 7 AS n');
    process.kill(before, 'SIGKILL');
    for (const holder of holders) {
      const rows = await eventually(async () => {
        const answer = await holder.tell('query SELECT n FROM kept');
        if (!answer.rows) throw new Error(answer.error?.message);
        return answer.rows;
      });
      expect(rows).toEqual([{ n: 7 }]);
    }
    const after = (await serverPid(one!.clusterDir!))!;
    expect(after).not.toBe(before);
    // both are users again: the first to leave does not stop it
    await eventually(async () => {
      const { rows } = await holders[0]!.tell(
        `query SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'`,
      );
      expect(rows).toEqual([{ n: 2 }]);
    });
    await holders[0]!.tell('close');
    expect(await alive(after)).toBe(true);
    await holders[1]!.tell('close');
    expect(await alive(after)).toBe(false);
  });

  it('is created once when eight processes want it at the same time', async () => {
    const holders = Array.from({ length: 8 }, () => bench.holder());
    const answers = await Promise.all(holders.map((holder) => holder.answer()));
    expect(answers.map((answer) => answer.error).filter(Boolean)).toEqual([]);
    expect(new Set(answers.map((answer) => answer.connectionString)).size).toBe(1);
    const pid = (await serverPid(answers[0]!.clusterDir!))!;
    const ends = await Promise.all(holders.map((holder) => holder.tell('close')));
    expect(ends).toEqual(holders.map(() => ({ closed: true })));
    expect(await gone(pid)).toBe(true);
  });

  it('is usable seconds after a process was killed in the middle of starting it', async () => {
    const holder = bench.holder();
    await eventually(() => stat(join(bench.dataDir, 'start.lock')));
    await holder.kill();
    const began = performance.now(); // the lock is stale after 5 s, 6 s at most; the rest is a first start
    await using shared = await acquireEmbeddedPostgres(bench.options());
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(await ask(shared.connectionString, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });

  it('does not stay behind when its data directory was removed', async () => {
    const shared = await acquireEmbeddedPostgres(bench.options());
    const pid = (await serverPid(shared.clusterDir))!;
    await rm(bench.dataDir, { recursive: true });
    await shared.close();
    expect(await gone(pid)).toBe(true);
  });

  it('is not begun, or not left behind, when the caller gives up', async () => {
    await expect(
      acquireEmbeddedPostgres(bench.options({ signal: AbortSignal.abort(new Error('enough')) })),
    ).rejects.toThrow('enough');
    await (await acquireEmbeddedPostgres(bench.options())).close();
    // The moment the server process is there: before it takes a connection.
    const caller = new AbortController();
    const log = (message: string) => {
      if (message.startsWith('started PostgreSQL')) caller.abort(new Error('too long'));
    };
    await expect(acquireEmbeddedPostgres(bench.options({ signal: caller.signal, log }))).rejects.toThrow(
      'too long',
    );
    expect(await describeEmbeddedPostgres(bench.dataDir)).toMatchObject({ running: false });
  });
});
