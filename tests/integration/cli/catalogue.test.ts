/** The contract of `utsushi catalogue`, on real processes. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import type { ImportReport } from '../../../src/features/catalogue/import.ts';
import { CommandLine, buildCommand } from '../../support/command.ts';
import { type Installation, eventually, install } from '../../support/installation.ts';
import { HOSTILE_FILES, artwork } from '../../support/pictures.ts';

interface ListedAsset {
  readonly id: string;
  readonly title: string;
  readonly tier: string;
  readonly enabled: boolean;
  readonly references: number;
}

describe('utsushi catalogue', () => {
  let installation: Installation;
  let app: App;
  let utsushi: CommandLine;
  const at = (name: string) => join(installation.dataDir, 'pictures', name);
  const write = async (name: string, seed: number, side = 160) => {
    await mkdir(join(at(name), '..'), { recursive: true });
    await artwork(seed, side).png().toFile(at(name));
  };
  const list = async () => (await utsushi.run('catalogue', 'list', '--json')).json<ListedAsset>();
  const importing = async (...args: string[]) => {
    const ran = await utsushi.run('catalogue', 'import', ...args, '--json');
    return { ...ran, report: ran.json<ImportReport>()[0]! };
  };

  beforeAll(async () => {
    await buildCommand();
    installation = await install('postgres', { UTSUSHI_CONCURRENCY: '2' });
    app = await installation.open();
    utsushi = new CommandLine(installation.env);
    await mkdir(at(''), { recursive: true });
  });
  afterAll(async () => {
    await installation?.close();
  });

  test('says what to do while it is empty', async () => {
    const ran = await utsushi.run('catalogue', 'list');
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    expect(ran.stderr).toContain('utsushi catalogue import');
    expect(await list()).toEqual([]);
  });

  test('imports a folder; bad files are named, counted and never fatal; again, nothing changes', async () => {
    await write('folder/月うさぎ.png', 1);
    await write('folder/below/星 くじら.PNG', 2);
    await write('folder/.hidden.png', 3);
    await writeFile(at('folder/README.txt'), 'no picture');
    const pictures = HOSTILE_FILES.filter((each) => /\.(png|jpe?g|webp)$/.test(each.file));
    for (const { file, make } of pictures) await writeFile(at(`folder/${file}`), await make());
    const first = await importing(at('folder'));
    expect(first.report).toMatchObject({ total: pictures.length + 2, imported: 2, unchanged: 0 });
    expect(first.code).toBe(0);
    expect(first.report.failed.map(({ file, code }) => [file, code]).toSorted()).toEqual(
      pictures.map(({ file, code }) => [at(`folder/${file}`), code]).toSorted(),
    );
    for (const { file, code } of pictures)
      expect(first.stderr).toContain(`${at(`folder/${file}`)}: ${code}: `);

    const assets = await list();
    expect(assets.map((each) => each.title).toSorted()).toEqual(['星 くじら', '月うさぎ']);
    for (const asset of assets)
      expect(asset).toMatchObject({ tier: 'standard', enabled: true, references: 1 });

    const second = await importing(at('folder'));
    expect(second.report).toMatchObject({
      imported: 0,
      unchanged: 2,
      catalogueVersion: first.report.catalogueVersion,
    });
    expect(second.code).toBe(0);
    expect(await list()).toEqual(assets);

    const forPeople = await utsushi.run('catalogue', 'import', at('folder'));
    expect(forPeople.stdout).toContain(
      `imported 0, already there 2, failed ${pictures.length} of ${pictures.length + 2}`,
    );
  });

  test('imports a single picture with its tier', async () => {
    await write('one.png', 10);
    expect(await importing(at('one.png'), '--tier', 'high')).toMatchObject({
      code: 0,
      report: { imported: 1 },
    });
    expect(await list()).toContainEqual(expect.objectContaining({ title: 'one', tier: 'high' }));
  });

  test('imports a CSV manifest: one asset may have several pictures; a faulty row is named by its line', async () => {
    for (const seed of [20, 21, 22]) await write(`csv/${seed}.png`, seed);
    const rows = [
      'file,asset_id,title,series,aliases,right,tier,published,licences',
      '20.png,CSV-1,"雪, 狐",冬の本,Yukigitsune|Snow Fox,copyright,high,2024-01-31,"[{""licensee"":""Example K.K."",""accounts"":[""example""]}]"',
      '21.png,CSV-1,"雪, 狐",冬の本,Yukigitsune|Snow Fox,copyright,high,2024-01-31,',
      '22.png,bad id,Nobody,,,copyright,high,,',
      '22.png,CSV-2,Late,,,copyright,soon,31.1.2024,',
      'none.png,CSV-3,Missing,,,,,,',
      '22.png,CSV-4,Fine,,,,,,',
    ];
    await writeFile(at('csv/manifest.csv'), `\uFEFF${rows.join('\r\n')}\r\n`);
    const { code, report, stderr } = await importing(at('csv'), '--manifest', at('csv/manifest.csv'));
    expect(code).toBe(0);
    expect(report).toMatchObject({ total: 6, imported: 3 });
    const failed = report.failed.toSorted((a, b) => (a.file < b.file ? -1 : 1));
    expect(failed).toMatchObject([
      {
        file: `${at('csv/manifest.csv')}:4`,
        code: 'invalid_manifest',
        message: expect.stringMatching(/^line 4: asset_id/),
      },
      {
        file: `${at('csv/manifest.csv')}:5`,
        code: 'invalid_manifest',
        message: expect.stringMatching(/^line 5: tier: .*; published: /),
      },
      { file: 'none.png', code: 'file_not_found' },
    ]);
    expect(stderr).toContain('manifest.csv:4: invalid_manifest: line 4: asset_id');

    const shown = await utsushi.run('catalogue', 'show', 'CSV-1', '--json');
    expect(shown.json()).toMatchObject([
      {
        asset: {
          id: 'CSV-1',
          title: '雪, 狐',
          series: '冬の本',
          aliases: ['Yukigitsune', 'Snow Fox'],
          claim: { right: 'copyright' },
          tier: 'high',
          published: '2024-01-31',
          enabled: true,
        },
        references: [{ file: '20.png', width: 160, height: 160 }, { file: '21.png' }],
        licences: [{ licensee: 'Example K.K.', accounts: ['example'] }],
      },
    ]);
    const forPeople = await utsushi.run('catalogue', 'show', 'CSV-1');
    for (const said of ['雪, 狐', '20.png', 'Example K.K.']) expect(forPeople.stdout).toContain(said);
    expect((await importing(at('csv/manifest.csv'))).report).toMatchObject({ imported: 0, unchanged: 3 });
  });

  test('imports a JSONL manifest, whose later version changes what is said of a work', async () => {
    for (const seed of [30, 31]) await write(`jsonl/${seed}.png`, seed);
    const rows = (title: string) =>
      [
        JSON.stringify({ file: '30.png', asset_id: 'JSONL-1', title, aliases: ['a', 'b'] }),
        '{"file": "31.png", "asset_id": ',
        '',
        JSON.stringify({ file: '31.png', asset_id: 'JSONL-2' }),
      ].join('\n');
    await writeFile(at('jsonl/works.jsonl'), rows('before'));
    const { code, report } = await importing(at('jsonl/works.jsonl'), '--tier', 'high');
    expect(code).toBe(0);
    expect(report).toMatchObject({ total: 3, imported: 1 });
    expect(report.failed).toMatchObject([
      { file: `${at('jsonl/works.jsonl')}:2`, message: expect.stringMatching(/^line 2: not valid JSON/) },
      { file: `${at('jsonl/works.jsonl')}:4`, message: expect.stringMatching(/^line 4: title/) },
    ]);
    await writeFile(at('jsonl/works.jsonl'), rows('after'));
    expect((await importing(at('jsonl/works.jsonl'), '--tier', 'high')).report).toMatchObject({
      unchanged: 1,
    });
    expect(await list()).toContainEqual(
      expect.objectContaining({ id: 'JSONL-1', title: 'after', tier: 'high' }),
    );
  });

  test('exits 3 when nothing could be imported and 2 when the question makes no sense', async () => {
    await mkdir(at('bad'));
    await writeFile(at('bad/text.png'), 'no picture');
    expect(await importing(at('bad'))).toMatchObject({ code: 3, report: { imported: 0, total: 1 } });
    await writeFile(at('bad/manifest.csv'), 'file,asset_id,title\n,,\n');
    expect(await importing(at('bad/manifest.csv'))).toMatchObject({ code: 3, report: { total: 1 } });
    const wrong = [
      [],
      [at('none')],
      [at('bad'), '--manifest', at('none.jsonl')],
      [at('bad'), '--tier', 'gold'],
    ];
    for (const args of wrong) {
      const ran = await utsushi.run('catalogue', 'import', ...args);
      expect({ args, ...ran }).toMatchObject({ args, code: 2, stdout: '' });
      expect(ran.stderr).toBeTruthy();
    }
  });

  test('exits 2 for a CSV manifest that is not there', async () => {
    const ran = await utsushi.run('catalogue', 'import', at(''), '--manifest', at('none.csv'));
    expect(ran).toMatchObject({ code: 2, stdout: '' });
  });

  test('a disabled work is no longer found; enabled, it is again', async () => {
    await write('toggled.png', 40);
    await importing(at('toggled.png'));
    const { id } = await app.db
      .selectFrom('assets')
      .select('id')
      .where('title', '=', 'toggled')
      .executeTakeFirstOrThrow();
    const check = () => utsushi.run('check', at('toggled.png'), '--json');
    expect((await utsushi.run('catalogue', 'disable', id, '--json')).json()).toMatchObject([
      { id, enabled: false },
    ]);
    expect(await check()).toMatchObject({ code: 0 });
    expect(await list()).toContainEqual(expect.objectContaining({ id, enabled: false }));
    expect(await utsushi.run('catalogue', 'enable', id)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(id),
    });
    expect(await check()).toMatchObject({ code: 1 });
    for (const command of ['show', 'enable']) {
      const ran = await utsushi.run('catalogue', command, 'no-such-work');
      expect({ command, ...ran }).toMatchObject({ command, code: 3, stdout: '' });
      expect(ran.stderr).toContain('not_found');
    }
  });

  test('an import that was killed is completed by running it again, with nothing twice', async () => {
    const total = 240;
    await mkdir(at('many'));
    for (let i = 0; i < total; i++)
      await artwork(1_000 + i, 96)
        .png({ compressionLevel: 1 })
        .toFile(at(`many/${i}.png`));
    const references = async () =>
      app.db
        .selectFrom('reference_images')
        .select(['asset_id', 'file'])
        .where('file', 'like', '%/many/%')
        .execute();
    const killed = utsushi.start('catalogue', 'import', at('many'));
    await eventually('the first pictures to be stored', async () => (await references()).length > 0);
    killed.child.kill('SIGKILL');
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
    const before = (await references()).length;
    expect(before).toBeLessThan(total);

    const { code, report } = await importing(at('many'));
    expect(code).toBe(0);
    expect(report).toMatchObject({ total, imported: total - before, unchanged: before, failed: [] });
    const after = await references();
    expect(after).toHaveLength(total);
    expect(new Set(after.map((each) => each.asset_id)).size).toBe(total);
    const audited = await app.db
      .selectFrom('audit_records')
      .select('payload')
      .where('kind', '=', 'reference.imported')
      .where('payload', 'like', '%/many/%')
      .execute();
    expect(audited).toHaveLength(total);
    for (const { sha256 } of await app.db.selectFrom('reference_images').select('sha256').execute()) {
      expect((await readFile(app.checks.blobs.path(sha256))).length).toBeGreaterThan(0);
    }
    expect((await importing(at('many'))).report).toMatchObject({
      imported: 0,
      unchanged: total,
      catalogueVersion: report.catalogueVersion,
    });
  });
});
