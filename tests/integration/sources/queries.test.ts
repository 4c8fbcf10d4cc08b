import { afterAll, beforeAll, expect, test } from 'vitest';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { App } from '../../../src/app.ts';
import { importCatalogue, listImport, setAssetEnabled } from '../../../src/features/catalogue/index.ts';
import { catalogueQueries } from '../../../src/features/sources/index.ts';
import { type Installation, install } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';

const ALL = { assets: [], tiers: [], tags: [] } as const;
let installation: Installation;
let app: App;
beforeAll(async () => {
  installation = await install('postgres');
  app = await installation.open();
  const folder = join(installation.dataDir, 'works');
  await mkdir(folder);
  for (const seed of [1, 2, 3])
    await artwork(seed)
      .png()
      .toFile(join(folder, `${seed}.png`));
  await writeFile(
    join(folder, 'works.csv'),
    [
      'file,asset_id,title,series,aliases,characters,lora_names,tags,tier',
      '1.png,one,猫又物語,猫シリーズ,Nekomata  Tale|A,ミケ|タマ,nekomata_v2,cats,high',
      '2.png,two,犬の話,,nekomata tale,ポチ,,dogs,standard',
      '3.png,three,Gone,,,,,,standard',
    ].join('\n'),
  );
  const report = await importCatalogue(app.checks, await listImport(folder, join(folder, 'works.csv')), {
    tier: 'standard',
    actor: 'test',
  });
  expect(report.failed).toEqual([]);
  await setAssetEnabled(app.db, 'three', false, { actor: 'test', at: new Date() });
});
afterAll(() => installation.close());

test('every name of an enabled work once, however it is written; none so short that it finds everything', async () => {
  expect(await catalogueQueries(app.db, ALL)).toEqual([
    '猫又物語',
    '猫シリーズ',
    'Nekomata Tale',
    'ミケ',
    'タマ',
    'nekomata_v2',
    '犬の話',
    'ポチ',
  ]);
});

test('of the works in scope', async () => {
  expect(await catalogueQueries(app.db, { ...ALL, assets: ['two'] })).toEqual([
    '犬の話',
    'nekomata tale',
    'ポチ',
  ]);
  expect(await catalogueQueries(app.db, { ...ALL, tiers: ['standard'] })).toContain('犬の話');
  expect(await catalogueQueries(app.db, { ...ALL, tags: ['cats'] })).not.toContain('犬の話');
  expect(await catalogueQueries(app.db, { ...ALL, tags: ['cats'], tiers: ['standard'] })).toEqual([]);
});
