/** A scan from its source to recorded checks: what is new, what is known, what fails, and how much waits at once. */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import {
  type ScanSummary,
  applyMonitors,
  findMonitor,
  findScan,
  listScans,
  parseMonitor,
  runScan,
  startScan,
} from '../../../src/features/monitoring/index.ts';
import { listIncidents } from '../../../src/features/incidents/index.ts';
import { type Installation, eventually, install } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';
import { Scene } from '../../support/scene.ts';

const SIDE = 160;

describe('a scan', () => {
  let installation: Installation;
  let app: App;
  let folder: string;
  let server: Server;
  const pictures = new Map<string, Buffer>();
  const requests: string[] = [];

  const by = { actor: 'test', at: new Date() };
  const apply = (monitors: Record<string, object>) =>
    applyMonitors(
      app.db,
      Object.entries(monitors).map(([name, rest]) => parseMonitor(name, rest)),
      by,
    );
  const start = async (name: string) =>
    startScan(app.db, (await findMonitor(app.db, name)).id, 'person', app.checks.clock());
  const work = (scanId: string, signal = new AbortController().signal) =>
    runScan(app.scans, scanId, { signal, lastAttempt: true });
  const run = async (name: string) => counts(await work((await start(name)).scanId));
  const counts = ({ seen, new: fresh, checked, candidates, failed, skipped }: ScanSummary) => ({
    seen,
    new: fresh,
    checked,
    candidates,
    failed,
    skipped,
  });
  const one = async <T>(text: string, values: unknown[] = []) =>
    (await app.pool.query<T & object>(text, values)).rows[0]!;
  const at = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

  beforeAll(async () => {
    installation = await install('postgres', { UTSUSHI_FETCH_ALLOWED_HOSTS: '127.0.0.1' });
    app = await installation.open();
    folder = join(installation.dataDir, 'outputs');
    await mkdir(folder);
    await Scene.importWorks(app, await Scene.works(join(installation.dataDir, 'works'), 0, 3));
    server = createServer((request, response) => {
      requests.push(request.url!);
      const bytes = pictures.get(request.url!);
      if (bytes === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': 'image/png' }).end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await apply({
      folder: { source: { kind: 'directory', path: folder }, territory: 'jp' },
      list: { source: { kind: 'urls', file: join(installation.dataDir, 'urls.jsonl') } },
    });
    await app.startWorkers(['checks']);
  });
  afterAll(async () => {
    server?.close();
    await installation?.close();
  });

  test('checks what is new, and says what could not be read', async () => {
    await writeFile(join(folder, 'copy.jpg'), await artwork(1, SIDE).jpeg().toBuffer());
    for (const seed of [501, 502]) {
      await writeFile(join(folder, `other-${seed}.png`), await artwork(seed, SIDE).png().toBuffer());
    }
    await writeFile(join(folder, 'broken.png'), 'no picture');
    expect(await run('folder')).toEqual({
      seen: 4,
      new: 4,
      checked: 3,
      candidates: 1,
      failed: 1,
      skipped: 0,
    });
    expect(await one('select sightings from alerts')).toEqual({ sightings: 1 });
    expect(
      await one(`select acquired_by, territory from sightings where image_url like '%/copy.jpg'`),
    ).toEqual({
      acquired_by: 'monitor folder',
      territory: 'JP',
    });
  });

  test('does not check a known picture again, but its alert hears where else it was seen', async () => {
    const checks = () => one<{ n: number }>('select count(*)::int as n from checks');
    const before = await checks();
    await copyFile(join(folder, 'copy.jpg'), join(folder, 'reposted.jpg'));
    await copyFile(join(folder, 'other-501.png'), join(folder, 'other-again.png'));
    expect(await run('folder')).toMatchObject({ seen: 2, new: 2, checked: 2, candidates: 1, failed: 0 });
    expect(await checks()).toEqual(before);
    expect(await one('select sightings from alerts')).toEqual({ sightings: 2 });
    expect(await one(`select count(*)::int as n from alert_events where type = 'seen'`)).toEqual({ n: 1 });
  });

  test('looks again at a known picture once the catalogue has changed', async () => {
    await Scene.importWorks(app, await Scene.works(join(installation.dataDir, 'more'), 501, 502));
    // The retroactive match has not run: what is stored was never compared with this work.
    await copyFile(join(folder, 'other-501.png'), join(folder, 'other-later.png'));
    expect(await run('folder')).toMatchObject({ new: 1, checked: 1, candidates: 1 });
  });

  test('sees a file that was overwritten as something new', async () => {
    await writeFile(join(folder, 'other-502.png'), await artwork(2, SIDE).png().toBuffer());
    expect(await run('folder')).toMatchObject({ new: 1, checked: 1, candidates: 1 });
  });

  test('knows an address again however it is spelt, and takes another page or account as new', async () => {
    pictures.set('/a.png?size=1', await artwork(1, SIDE).png().toBuffer());
    const list = async (...rows: object[]) =>
      writeFile(
        join(installation.dataDir, 'urls.jsonl'),
        rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
      );
    const url = at('/a.png?size=1');
    await list({ url, page_url: at('/one'), account: 'a' }, { nonsense: true });
    expect(await run('list')).toEqual({ seen: 2, new: 1, checked: 1, candidates: 1, failed: 1, skipped: 0 });
    await list({ url: `${url}&utm_source=x#top`, page_url: at('/one'), account: 'a' });
    expect(await run('list')).toEqual({ seen: 1, new: 0, checked: 0, candidates: 0, failed: 0, skipped: 1 });
    await list(
      { url, page_url: at('/two'), account: 'a' },
      { url, page_url: at('/one'), account: 'somebody else' },
    );
    expect(await run('list')).toMatchObject({ seen: 2, new: 2, checked: 2, candidates: 2 });
    expect(requests.filter((each) => each.startsWith('/a.png'))).toHaveLength(3);
    const { n } = await one<{ n: number }>(
      `select count(distinct s.output_id)::int as n from sightings s where image_url = $1`,
      [url],
    );
    expect(n).toBe(1);
  });

  test('is one a monitor, whoever starts it', async () => {
    const started = await Promise.all(Array.from({ length: 10 }, () => start('list')));
    expect(new Set(started.map(({ scanId }) => scanId)).size).toBe(1);
    expect(started.filter(({ isNew }) => isNew)).toHaveLength(1);
    const done = await Promise.all(started.slice(0, 3).map(({ scanId }) => work(scanId)));
    expect(done.map(({ state }) => state)).toEqual(['done', 'done', 'done']);
    expect(await listScans(app.db, { monitor: 'list', limit: 1 })).toMatchObject([
      { id: started[0]!.scanId },
    ]);
  });

  test('that fails raises one incident, which closes with the next one that succeeds', async () => {
    await rm(join(installation.dataDir, 'urls.jsonl'));
    const open = async () =>
      (await listIncidents(app.db, { state: 'open', limit: 10 })).map((each) => each.subject);
    for (let i = 0; i < 2; i++) {
      const failed = await work((await start('list')).scanId);
      expect(failed).toMatchObject({ state: 'failed', error: { code: 'source_unreadable' } });
    }
    expect(await open()).toEqual(['list']);
    await writeFile(join(installation.dataDir, 'urls.jsonl'), '');
    expect(await run('list')).toMatchObject({ seen: 0, failed: 0 });
    expect(await open()).toEqual([]);
  });

  test('reads its source no faster than it is checked, and goes on where it was stopped', async () => {
    const many = join(installation.dataDir, 'many');
    await mkdir(many);
    const bytes = await artwork(900, 64).jpeg().toBuffer();
    // A JPEG may be followed by anything: as many different files of one picture as needed.
    for (let i = 0; i < 80; i++)
      await writeFile(join(many, `${i}.jpg`), Buffer.concat([bytes, Buffer.from(String(i))]));
    const other = await installation.open();
    await applyMonitors(app.db, [parseMonitor('many', { source: { kind: 'directory', path: many } })], by);
    const { scanId } = await start('many');
    const stop = new AbortController();
    // Its sightings are never queued, so none is ever checked.
    const stuck = runScan({ ...other.scans, mostPending: 50, enqueue: async () => {} }, scanId, {
      signal: stop.signal,
      lastAttempt: true,
    });
    stuck.catch(() => {});
    const pending = () =>
      one<{ n: number }>(`select count(*)::int as n from sightings where state = 'pending'`);
    await eventually('as many as may wait', async () => (await pending()).n >= 50);
    await sleep(1_000);
    expect(await pending()).toEqual({ n: 50 });
    stop.abort();
    await expect(stuck).rejects.toBe(stop.signal.reason);
    expect(await findScan(app.db, scanId)).toMatchObject({ state: 'running', new: 50 });
    expect(counts(await work(scanId))).toEqual({
      seen: 80,
      new: 80,
      checked: 80,
      candidates: 0,
      failed: 0,
      skipped: 0,
    });
  });
});
