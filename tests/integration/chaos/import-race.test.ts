/**
 * The catalogue changes from several processes while two others check outputs. Afterwards every enabled asset was
 * compared with every stored output: the alerts are exactly those that the answer, worked out here, holds.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listAlerts } from '../../../src/features/alerts/index.ts';
import { readVersion } from '../../../src/features/catalogue/index.ts';
import { checkSighting, matchRetroactively, openUpload } from '../../../src/features/checks/index.ts';
import { BlobStore } from '../../../src/platform/storage/blobs.ts';
import { BACKENDS, type Installation, eventually, install } from '../../support/installation.ts';
import { Observer } from '../../support/observer.ts';
import { artwork } from '../../support/pictures.ts';
import { Processes, build, mustSucceed, processesOf } from '../../support/processes.ts';
import { FULL, Scene, TIMEOUT } from '../../support/scene.ts';

const SIGHTINGS = FULL ? 200 : 40;
/** Works that are there from the beginning; outputs copy these and as many again, which come during the scan. */
const WORKS = 10;
const IMPORTS = 4;

describe.skipIf(process.platform !== 'linux').each(BACKENDS)(
  'imports during a scan on %s',
  TIMEOUT,
  (backend) => {
    let installation: Installation;
    let observer: Observer;
    let processes: Processes;
    const scene = new Scene();

    beforeAll(async () => {
      await build();
      installation = await install(backend, {
        UTSUSHI_JOB_LOCK_MS: '2000',
        UTSUSHI_SWEEP_MS: '1000',
        // It is the processes that race, not their children.
        UTSUSHI_CONCURRENCY: '1',
      });
      observer = new Observer(installation.dataDir);
      processes = new Processes(installation.env);
    });
    afterAll(async () => {
      await processes?.endAll();
      await installation?.close();
    });

    const works = (name: string, from: number, to: number) =>
      Scene.works(join(installation.dataDir, name), from, to);

    test('no pair of an output and an asset slips through', async () => {
      const later = WORKS + (IMPORTS * WORKS) / 2;
      let app = await installation.open();
      await Scene.importWorks(app, await works('first', 0, WORKS));
      await scene.submit(app, SIGHTINGS, later);
      await app.close();

      const workers = await Promise.all([processes.worker(), processes.worker()]);
      await observer.doneSince(0, SIGHTINGS / 10);
      const folders = await Promise.all(
        Array.from({ length: IMPORTS }, (_, i) =>
          works(`later-${i}`, WORKS + (i * WORKS) / 2, WORKS + ((i + 1) * WORKS) / 2),
        ),
      );
      const known = await Scene.assetOf(0);
      const [imports] = await Promise.all([
        // Two of them bring the same works at the same time.
        Promise.all([...folders, folders[0]!].map((folder) => processes.run('catalogue', 'import', folder))),
        (async () => {
          mustSucceed(await processes.run('catalogue', 'disable', known));
          mustSucceed(await processes.run('catalogue', 'enable', known));
        })(),
      ]);
      for (const each of imports) mustSucceed(each);

      await observer.nonePending();
      app = await installation.open();
      const version = await eventually('the retroactive matches to be done', async () => {
        const state = await readVersion(app.db);
        return state.version === state.matchedVersion && state.version;
      });
      // First import, four or five later ones (the twin of one may find all its works there), disable, enable.
      expect(version).toBeGreaterThanOrEqual(1 + IMPORTS + 2);
      const { enabled, total } = (
        await app.pool.query<{ enabled: number; total: number }>(
          'select count(*) filter (where enabled)::int as enabled, count(*)::int as total from assets',
        )
      ).rows[0]!;
      expect({ enabled, total }).toEqual({ enabled: later, total: later });
      for (const each of workers) mustSucceed(await each.end('SIGTERM'));
      mustSucceed(await processes.run('audit', 'verify'));

      const found = await scene.expectComplete(app);
      expect(found.alerts).toBeGreaterThan(found.outputs / 4);
      // The race was one: some outputs were compared with a work only when it came, and some with it already there.
      const { rows } = await app.pool.query<{ retroactive: boolean }>(
        'select distinct retroactive from alerts',
      );
      expect(rows).toHaveLength(2);
      await app.close();
      await eventually(
        'no process to be left',
        async () => (await processesOf(installation.dataDir)).length === 0,
      );
    });

    test('a work that comes between comparing an output and recording it is not missed', async () => {
      const app = await installation.open();
      const seed = 900;
      const output = await artwork(seed, 160).jpeg().toBuffer();
      const seen = { acquiredBy: 'test', pageUrl: null, account: null, postedAt: null };
      const id = await openUpload(app.checks, output, seen, new Date());
      let imports = 0;
      // The file is put away after the comparison and before the transaction.
      class ImportingStore extends BlobStore {
        override async adopt(path: string, sha256: string): Promise<string> {
          if (imports++ === 0) {
            await Scene.importWorks(app, await works('between', seed, seed + 1));
            await matchRetroactively(app.checks);
          }
          return super.adopt(path, sha256);
        }
      }
      const blobs = new ImportingStore(join(installation.dataDir, 'blobs'));
      const recorded = await checkSighting({ ...app.checks, blobs }, id, true);
      expect(recorded!.alertIds).toHaveLength(1);
      expect(imports).toBe(2);
      expect(await listAlerts(app.db, { limit: 10, assetId: await Scene.assetOf(seed) })).toMatchObject([
        { retroactive: false, sightings: 1 },
      ]);
      await app.close();
    });
  },
);
