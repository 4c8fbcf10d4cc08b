/** What is said of works that nobody looks for, and of sources that fall silent. */
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { listIncidents } from '../../../src/features/incidents/index.ts';
import {
  applyMonitors,
  coverage,
  parseMonitor,
  superviseCoverage,
} from '../../../src/features/monitoring/index.ts';
import { type Installation, install } from '../../support/installation.ts';
import { Scene } from '../../support/scene.ts';

const HOUR = 3_600_000;

describe('coverage', () => {
  let installation: Installation;
  let app: App;
  const start = new Date('2026-11-20T00:00:00Z');
  const at = (hours: number) => new Date(start.getTime() + hours * HOUR);
  const report = async (hours: number) => {
    const found = await coverage(app.db, app.checks.protocol, at(hours));
    await superviseCoverage(app.db, found);
    return found;
  };
  const incidents = async () =>
    (await listIncidents(app.db, { state: 'open', limit: 100 })).map(
      ({ kind, subject }) => `${kind}: ${subject}`,
    );
  /** A complete scan, as a worker leaves it behind. */
  const scanned = async (name: string, hours: number, seen: number, failed = 0) => {
    await app.pool.query(
      `insert into scans (id, monitor_id, state, trigger, started_at, finished_at, listed, seen, new, checked,
                          candidates, failed)
       select $1, id, 'done', 'schedule', $2, $2, true, $3::int, $3, $3::int - $4::int, 0, $4 from monitors where name = $5`,
      [randomUUID(), at(hours), seen, failed, name],
    );
  };

  beforeAll(async () => {
    installation = await install('postgres');
    app = await installation.open({ clock: () => start });
    // Imported as high; one of the three is taken down to standard.
    await Scene.importWorks(app, await Scene.works(join(installation.dataDir, 'works'), 0, 3));
    await app.pool.query(`update assets set tier = 'standard' where id = $1`, [await Scene.assetOf(2)]);
    await app.pool.query(`update assets set tags = '["manga"]' where id = $1`, [await Scene.assetOf(1)]);
    const folder = join(installation.dataDir, 'outputs');
    await mkdir(folder);
    const monitor = (name: string, rest: object) =>
      parseMonitor(name, { source: { kind: 'directory', path: folder }, ...rest });
    await applyMonitors(
      app.db,
      [
        monitor('high', { tiers: ['high'] }),
        monitor('manga', { tags: ['manga'] }),
        monitor('daily', { tiers: ['standard'], schedule: { cron: '0 3 * * *' } }),
      ],
      { actor: 'test', at: start },
    );
  });
  afterAll(() => installation.close());

  test('says which monitors are for which work, and counts what they saw', async () => {
    await scanned('high', 1, 10, 2);
    await scanned('manga', 2, 5);
    const { assets, sources, overdue } = await report(3);
    const one = async (seed: number) => {
      const id = await Scene.assetOf(seed);
      return assets.find(({ assetId }) => assetId === id)!;
    };
    expect(await one(0)).toMatchObject({ monitors: ['high'], lastLookedAt: at(1), outputs: 8, failures: 2 });
    expect(await one(1)).toMatchObject({
      monitors: ['high', 'manga'],
      lastLookedAt: at(2),
      outputs: 13,
      failures: 2,
    });
    expect(await one(2)).toMatchObject({ monitors: ['daily'], lastLookedAt: null, outputs: 0 });
    expect(overdue).toBe(0);
    expect(sources.map(({ monitor, overdue: late }) => [monitor, late])).toEqual([
      ['daily', false],
      ['high', false],
      ['manga', false],
    ]);
    expect(await incidents()).toEqual([]);
  });

  test('raises one incident for high-tier works that are overdue, and closes it once they are looked for', async () => {
    // Six hours and a quarter more after the last look: work 0 is late, work 1 was looked for an hour later.
    expect(await report(8.4)).toMatchObject({ overdue: 0 });
    expect(await report(8.6)).toMatchObject({ overdue: 1 });
    await report(8.7);
    expect(await incidents()).toEqual(['coverage-overdue: high']);
    expect(await report(20)).toMatchObject({
      overdue: 2,
      tiers: [
        { tier: 'high', assets: 2, overdue: 2 },
        { tier: 'standard', assets: 1, overdue: 0 },
      ],
    });
    expect((await incidents()).toSorted()).toEqual([
      'coverage-overdue: high',
      'coverage-overdue: high, manga',
    ]);
    await scanned('high', 20, 1);
    expect(await report(21)).toMatchObject({ overdue: 0 });
    expect(await incidents()).toEqual([]);
    // A standard work that is late is reported, and is no incident.
    expect(await report(24 * 1.25 + 1)).toMatchObject({ tiers: [{ overdue: 2 }, { overdue: 1 }] });
  });

  test('says so when a source falls silent', async () => {
    for (let run = 0; run < 6; run++) await scanned('manga', 40 + run * 6, 12);
    for (let run = 6; run < 9; run++) await scanned('manga', 40 + run * 6, 0);
    await scanned('high', 90, 1);
    await scanned('daily', 90, 1);
    const { sources } = await report(91);
    expect(sources.find(({ monitor }) => monitor === 'manga')!.trend).toEqual({
      state: 'silent',
      scans: 3,
      seen: 0,
      expected: 36,
    });
    expect(await incidents()).toEqual(['source-silent: manga']);
  });
});
