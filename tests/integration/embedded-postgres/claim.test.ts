import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  acquireEmbeddedPostgres,
  claimService,
  type EmbeddedPostgres,
} from '../../../src/platform/storage/embedded/index.ts';
import { Bench, eventually, serverPid } from './support.ts';

describe('a claim to a service', { timeout: 30_000 }, () => {
  let bench: Bench;
  let shared: EmbeddedPostgres;
  beforeAll(async () => {
    bench = await Bench.create();
    shared = await acquireEmbeddedPostgres(bench.options());
  }, 30_000);
  afterAll(async () => {
    await shared?.close();
    await bench.destroy();
  });

  async function connect(): Promise<Client> {
    const client = new Client({ connectionString: shared.connectionString });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  it('is refused to a second process, naming the first, and taken over when that was killed', async () => {
    const owner = bench.holder();
    await owner.answer();
    expect(await owner.tell('claim up port 4300')).toEqual({ claimed: true });
    const refused = await shared.claim('up', 'port 4301').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'data_dir_in_use' });
    expect(String(refused)).toContain(`pid ${owner.pid} `);
    expect(String(refused)).toMatch(/since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, port 4300 on \S/);

    await owner.kill();
    const claim = await eventually(() => shared.claim('up', 'port 4301'));
    await claim.release();
    const after = bench.holder();
    await after.answer();
    expect(await after.tell('claim up port 4302')).toEqual({ claimed: true });
    await after.tell('close');
  });

  it('works on any connection, by name, once, until released', async () => {
    const [one, two] = [await connect(), await connect()];
    try {
      const claim = await claimService(one, 'reindex', 'by hand');
      await expect(claimService(one, 'reindex', 'again')).rejects.toMatchObject({ code: 'data_dir_in_use' });
      await expect(claimService(two, 'reindex', 'too')).rejects.toThrow(`pid ${process.pid} since`);
      await (await claimService(two, 'another', 'service')).release();
      await claim.release();
      await claim.release();
      expect(claim.lost.aborted).toBe(false);
      const next = await claimService(two, 'reindex', 'too');
      await two.end();
      expect(next.lost.aborted).toBe(true);
    } finally {
      await Promise.all([one.end(), two.end()]);
    }
  });

  it('is renewed after the server was killed', async () => {
    const claim = await shared.claim('up', 'port 4300');
    process.kill((await serverPid(shared.clusterDir))!, 'SIGKILL');
    const other = await eventually(connect);
    try {
      // looked at, not tried: whoever tries first after the restart would get it
      await eventually(async () => {
        const { rows } = await other.query(
          `SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'up pid ${process.pid} %'`,
        );
        expect(rows).toHaveLength(1);
      });
      await expect(claimService(other, 'up', 'x')).rejects.toThrow('port 4300');
      expect(claim.lost.aborted).toBe(false);
      await claim.release();
      await (await claimService(other, 'up', 'x')).release();
    } finally {
      await other.end();
    }
  });
});
