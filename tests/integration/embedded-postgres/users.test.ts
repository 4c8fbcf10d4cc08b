import { execFile } from 'node:child_process';
import { access, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireEmbeddedPostgres } from '../../../src/platform/storage/embedded/index.ts';
import { alive, ask, Bench, NOBODY, ROOT, serverPid } from './support.ts';

async function canRead(path: string, uid: number): Promise<boolean> {
  return promisify(execFile)('/bin/cat', [path], { uid, gid: uid, cwd: '/' }).then(
    () => true,
    () => false,
  );
}

describe('the OS user of an embedded PostgreSQL', { timeout: 30_000 }, () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.create();
  });
  afterEach(() => bench.destroy());

  it.runIf(ROOT)('is another one for root, who keeps the secrets (needs root)', async () => {
    await using shared = await acquireEmbeddedPostgres(bench.options());
    expect(shared.clusterDir).toBe(join(bench.dataDir, 'postgres'));
    const { uid } = await stat(shared.clusterDir);
    expect(uid).not.toBe(0);
    expect((await stat(`/proc/${await serverPid(shared.clusterDir)}`)).uid).toBe(uid);
    for (const name of ['postgres-password', 'instance.json', 'postgres.log']) {
      expect(await canRead(join(bench.dataDir, name), uid)).toBe(false);
    }
    await expect(readdir(bench.systemDir)).rejects.toThrow('ENOENT');
  });

  it.runIf(ROOT)('can be named (needs root)', async () => {
    await using shared = await acquireEmbeddedPostgres(bench.options({ osUser: 'nobody' }));
    expect((await stat(shared.clusterDir)).uid).toBe(NOBODY);
    for (const osUser of ['root', 'no-such-user']) {
      const dataDir = join(bench.dir, osUser);
      await expect(acquireEmbeddedPostgres(bench.options({ dataDir, osUser }))).rejects.toMatchObject({
        code: 'database_unavailable',
      });
    }
  });

  it.runIf(ROOT)('needs to see nothing of what only root can read (needs root)', async () => {
    const secret = await bench.directoryOf('secret', 0, 0o700);
    const packageFrom = await bench.packagesWithoutLinks(secret);
    const holders = ['one', 'two', 'one'].map((name) =>
      bench.holder({ dataDir: join(secret, name), packageFrom }),
    );
    const [one, two, again] = await Promise.all(holders.map((holder) => holder.answer()));
    expect([one!.error, two!.error, again!.error]).toEqual([undefined, undefined, undefined]);
    expect(one!.clusterDir).toBe(join(bench.systemDir, 'clusters', one!.instanceId!));
    expect(again!.connectionString).toBe(one!.connectionString);
    expect(two!.connectionString).not.toBe(one!.connectionString);
    expect((await stat(join(secret, 'one'))).mode & 0o777).toBe(0o700);
    expect((await stat(one!.clusterDir!)).mode & 0o777).toBe(0o700);
    expect((await stat(one!.clusterDir!)).uid).not.toBe(0);

    const names = await readdir(bench.systemDir);
    expect(names.toSorted()).toEqual(['clusters', expect.stringMatching(/^postgresql-18\.[^/]*$/) as string]);
    const copy = await stat(
      join(
        bench.systemDir,
        names.find((name) => name !== 'clusters')!,
      ),
    );
    expect([copy.uid, copy.mode & 0o777]).toEqual([0, 0o755]);

    const pids = [(await serverPid(one!.clusterDir!))!, (await serverPid(two!.clusterDir!))!];
    for (const holder of holders) expect(await holder.tell('close')).toEqual({ closed: true });
    for (const pid of pids) expect(await alive(pid)).toBe(false);

    await using later = await acquireEmbeddedPostgres(
      bench.options({ dataDir: join(secret, 'one'), packageFrom }),
    );
    expect(later.connectionString).toBe(one!.connectionString);
  });

  const ordinary = ROOT ? 'uid 65534, by root' : 'as whom these tests run';

  it(`is oneself for an ordinary user (${ordinary})`, async () => {
    const dataDir = join(await bench.directoryOf('home', NOBODY), 'data');
    const holder = bench.holder({ dataDir }, ROOT ? NOBODY : undefined);
    const { clusterDir, error } = await holder.answer();
    expect(error).toBeUndefined();
    expect(clusterDir).toBe(join(dataDir, 'postgres'));
    const me = ROOT ? NOBODY : process.geteuid!();
    expect((await stat(`/proc/${await serverPid(clusterDir!)}`)).uid).toBe(me);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    expect(await holder.tell('query SELECT 1 AS n')).toEqual({ rows: [{ n: 1 }] });
    expect(await holder.tell('close')).toEqual({ closed: true });
  });

  it(`uses a repaired copy where an ordinary user cannot write the packages (${ordinary})`, async () => {
    const project = await bench.directoryOf('project', 0, 0o755);
    const packageFrom = await bench.packagesWithoutLinks(project);
    if (!ROOT) await promisify(execFile)('chmod', ['-R', 'a-w', project]);
    try {
      const dataDir = join(await bench.directoryOf('home', NOBODY), 'data');
      const holder = bench.holder({ dataDir, packageFrom }, ROOT ? NOBODY : undefined);
      const { error } = await holder.answer();
      expect(error).toBeUndefined();
      expect((await readdir(dataDir)).filter((name) => name.startsWith('postgresql-'))).toHaveLength(1);
      expect(await holder.tell('close')).toEqual({ closed: true });
    } finally {
      if (!ROOT) await promisify(execFile)('chmod', ['-R', 'u+w', project]);
    }
  });

  it.runIf(ROOT)("stays the same when root uses an ordinary user's data directory (needs root)", async () => {
    const dataDir = join(await bench.directoryOf('home', NOBODY), 'data');
    const theirs = bench.holder({ dataDir }, NOBODY);
    expect((await theirs.answer()).error).toBeUndefined();
    await theirs.tell('query CREATE TABLE kept AS SELECT 7 AS n');
    {
      await using joined = await acquireEmbeddedPostgres(bench.options({ dataDir }));
      expect(await ask(joined.connectionString, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
      await theirs.tell('close');
    }
    {
      await using started = await acquireEmbeddedPostgres(bench.options({ dataDir }));
      expect((await stat(`/proc/${await serverPid(started.clusterDir)}`)).uid).toBe(NOBODY);
    }
    const back = bench.holder({ dataDir }, NOBODY);
    expect((await back.answer()).error).toBeUndefined();
    expect(await back.tell('query SELECT n FROM kept')).toEqual({ rows: [{ n: 7 }] });
    expect(await back.tell('close')).toEqual({ closed: true });
    await access(join(dataDir, 'postgres.log'));
  });

  it.runIf(ROOT)('is told plainly when the data directory is not theirs (needs root)', async () => {
    await (await acquireEmbeddedPostgres(bench.options())).close();
    const { error } = await bench.holder({}, NOBODY).answer();
    expect(error).toMatchObject({ code: 'database_unavailable' });
  });
});
