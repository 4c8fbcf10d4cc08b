/** How deep an output is examined and searched, as the policy says for the tiers of the works that are watched for. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'kysely';
import type { App } from '../../../src/app.ts';
import {
  importCatalogue,
  listImport,
  reindexCatalogue,
  setAssetEnabled,
} from '../../../src/features/catalogue/index.ts';
import { checkSighting, currentPolicy, openUpload } from '../../../src/features/checks/index.ts';
import { compare } from '../../../src/features/checks/compare.ts';
import { lookAt } from '../../../src/features/checks/output-picture.ts';
import { storePolicy } from '../../../src/features/checks/policies.ts';
import { up } from '../../../src/platform/storage/migrations/0015-depth.ts';
import { DEFAULT_POLICY } from '../../../src/vision/matching/policy.ts';
import { type Installation, install } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';

const WORKS = 5;
let installation: Installation;
let app: App;

beforeAll(async () => {
  installation = await install('postgres');
  app = await installation.open();
  const works = join(installation.dataDir, 'works');
  await mkdir(works);
  for (let i = 0; i < WORKS; i++) {
    const picture = artwork(i);
    // One with a border, so with two views.
    if (i === 1) picture.extend({ top: 40, bottom: 40, left: 60, right: 60, background: '#102040' });
    await picture.png().toFile(join(works, `work-${i}.png`));
  }
  const items = await listImport(works, undefined);
  await importCatalogue(app.checks, items, { tier: 'standard', actor: 'test' });
});
afterAll(() => installation.close());

/** A part of a work: only keypoints find it. */
const part = async () =>
  sharp(await artwork(0).png().toBuffer())
    .extract({ left: 20, top: 30, width: 170, height: 150 })
    .jpeg()
    .toBuffer();

/** @returns the check that was recorded, and how the picture was examined for it */
async function check(bytes: Buffer) {
  const id = await openUpload(
    app.checks,
    bytes,
    { acquiredBy: 'test', pageUrl: null, account: null, postedAt: null },
    new Date(),
  );
  const recorded = await checkSighting(app.checks, id, true, true);
  const row = await app.db
    .selectFrom('checks')
    .select(['depth', 'verdict'])
    .where('id', '=', recorded!.checkId)
    .executeTakeFirstOrThrow();
  const { outcome } = recorded!.look!.examined;
  const withKeypoints = 'features' in outcome && 'keypoints' in outcome.features;
  return { ...row, withKeypoints, titles: recorded!.look!.compared.matches.map(({ title }) => title) };
}

async function setDepth(depth: 'standard' | 'deep'): Promise<void> {
  const { high, standard } = DEFAULT_POLICY.tiers;
  await storePolicy(
    app.db,
    { tiers: { high, standard: { ...standard, depth } }, reason: 'test', calibration: null },
    { actor: 'test', at: new Date() },
  );
}

test('at standard depth a picture is examined without keypoints, and one that hashes near a work closely after all', async () => {
  expect(await check(await artwork(40).jpeg().toBuffer())).toEqual({
    depth: 'standard',
    verdict: 'no-candidate',
    withKeypoints: false,
    titles: [],
  });
  const copy = await artwork(3).flop().resize(250).jpeg({ quality: 60 }).toBuffer();
  expect(await check(copy)).toEqual({
    depth: 'standard',
    verdict: 'candidate',
    withKeypoints: false,
    titles: ['work-3'],
  });
  // The work has a border and the copy has none: its trimmed view is near.
  expect(await check(await artwork(1).jpeg().toBuffer())).toMatchObject({ titles: ['work-1'] });
  expect(await check(await part())).toMatchObject({ depth: 'standard', titles: [] });
});

test('a policy that wants depth is followed at once, in both directions', async () => {
  await setDepth('deep');
  // Even where the picture was examined under the old one: it is examined again.
  const searched = { depth: 'deep', verdict: 'candidate', titles: ['work-0'] };
  expect(await check(await part())).toEqual({ ...searched, withKeypoints: false });
  expect(await check(await part())).toEqual({ ...searched, withKeypoints: true });
  await setDepth('standard');
  expect(await check(await part())).toMatchObject({ depth: 'standard', titles: [] });
  expect(app.checks.index.size).toBe(WORKS);
});

test('what is said of a work is as the catalogue has it, however often it was looked at before', async () => {
  const { picture } = await lookAt(app.checks, { bytes: await artwork(2).webp().toBuffer() });
  const found = async () => {
    await app.checks.index.refresh(app.db);
    const { matches } = await compare(app.checks, picture!, await currentPolicy(app.db), 'candidates');
    return matches.map(({ title }) => title);
  };
  expect(await found()).toEqual(['work-2']);
  const at = new Date();
  const { asset_id: id } = await app.db
    .selectFrom('reference_images')
    .select('asset_id')
    .where('file', 'like', '%work-2.png')
    .executeTakeFirstOrThrow();
  await setAssetEnabled(app.db, id, false, { actor: 'test', at });
  // Not read again yet, the index still proposes it; the database knows better.
  const { matches } = await compare(app.checks, picture!, await currentPolicy(app.db), 'candidates');
  expect([[], ['work-2']]).toContainEqual(matches.map(({ title }) => title));
  expect(await found()).toEqual([]);
  expect(app.checks.index.size).toBe(WORKS - 1);
  await setAssetEnabled(app.db, id, true, { actor: 'test', at });
  expect(await found()).toEqual(['work-2']);
});

test('works that another version fingerprinted are not passed over in silence, but fingerprinted anew', async () => {
  const output = await artwork(2).jpeg({ quality: 70 }).toBuffer();
  await app.db.updateTable('fingerprints').set({ algorithm_version: 'utsushi-0' }).execute();
  // As an older process beside this one would import them.
  await sql`update catalogue_state set version = version + 1`.execute(app.db);
  await sql`update reference_images set hashed_by = 'utsushi-0',
    changed_version = (select version from catalogue_state)`.execute(app.db);
  await expect(check(output)).rejects.toMatchObject({ code: 'catalogue_outdated' });

  // One picture is no longer there: it is named, and the others are found.
  const { sha256 } = await app.db
    .selectFrom('reference_images')
    .select('sha256')
    .where('file', 'like', '%work-4.png')
    .executeTakeFirstOrThrow();
  await rm(app.checks.blobs.path(sha256));
  const progress: number[] = [];
  const report = await reindexCatalogue(app.checks, (done) => progress.push(done));
  expect(report.renewed).toBe(WORKS - 1);
  expect(report.failed).toMatchObject([
    { file: expect.stringMatching(/work-4\.png$/), code: 'file_not_found' },
  ]);
  expect(progress.at(-1)).toBe(WORKS);
  expect(await reindexCatalogue(app.checks)).toEqual({ renewed: 0, failed: [] });
  expect((await check(output)).verdict).toBe('candidate');
});

test('an older database is given the hashes that an import writes', async () => {
  const read = () =>
    sql<{ file: string; hashes: Buffer }>`select file, hashes from reference_images order by file`.execute(
      app.db,
    );
  const imported = await read();
  // The algorithm that was in force when the tables changed.
  await sql`delete from fingerprints where algorithm_version = 'utsushi-0'`.execute(app.db);
  await sql`update fingerprints set algorithm_version = 'utsushi-2'`.execute(app.db);
  await sql`alter table reference_images drop column number, drop column hashes, drop column hashed_by`.execute(
    app.db,
  );
  await app.db.transaction().execute((tx) => up(tx as never));
  expect((await read()).rows).toEqual(imported.rows);
});
