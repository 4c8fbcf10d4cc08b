import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listImport } from '../../../src/features/catalogue/index.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'utsushi-manifest-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const write = async (name: string, content: string) => {
  await writeFile(join(dir, name), content);
  return join(dir, name);
};

test('reads a CSV manifest with lists, licences and a byte order mark', async () => {
  const licences = JSON.stringify([{ licensee: 'Toys', accounts: ['a'], from: '2026-01-01' }]).replaceAll(
    '"',
    '""',
  );
  const path = await write(
    'm.csv',
    `\uFEFFfile,asset_id,title,aliases,tier,right,licences\npics/a.png,moon,月のうさぎ,Moon Rabbit|tsuki no usagi,high,copyright,"${licences}"\n`,
  );
  const items = await listImport(path, undefined);
  expect(items).toEqual([
    expect.objectContaining({
      path: join(dir, 'pics/a.png'),
      file: 'pics/a.png',
      row: expect.objectContaining({
        asset_id: 'moon',
        title: '月のうさぎ',
        aliases: ['Moon Rabbit', 'tsuki no usagi'],
        characters: [],
        tier: 'high',
        right: 'copyright',
        licences: [{ licensee: 'Toys', accounts: ['a'], domains: [], territory: [], from: '2026-01-01' }],
      }),
    }),
  ]);
});

test('names a malformed row by its line and goes on with the rest', async () => {
  const path = await write(
    'm.csv',
    'file,asset_id,title,tier\na.png,ok-1,A,high\nb.png,ok-2,B,gold\nc.png,has space,C,\nd.png,ok-3,D,standard\n',
  );
  const items = await listImport(path, undefined);
  const faults = items.flatMap((item) => ('error' in item ? [item.error.message] : []));
  expect(faults).toEqual([
    expect.stringMatching(/^line 3: tier: /),
    expect.stringMatching(/^line 4: asset_id: may hold letters/),
  ]);
  expect(items.flatMap((item) => ('row' in item ? [item.file] : []))).toEqual(['a.png', 'd.png']);
});

test('a row with too few or too many columns is a fault of that row alone', async () => {
  const path = await write('m.csv', 'file,asset_id,title\na.png,a,A\nb.png,b\nc.png,c,C,extra\nd.png,d,D\n');
  const items = await listImport(path, undefined);
  expect(
    items.map((item) => ('error' in item ? item.error.message.slice(0, 7) : item.file)).toSorted(),
  ).toEqual(['a.png', 'd.png', 'line 3:', 'line 4:']);
});

test('reads JSON lines, naming the line that is no JSON', async () => {
  const path = await write(
    'm.jsonl',
    '{"file":"a.png","asset_id":"a","title":"A","aliases":["x"]}\n\nnot json\n',
  );
  const items = await listImport(path, undefined);
  expect(items[0]).toMatchObject({ file: 'a.png', row: { aliases: ['x'] } });
  expect(items[1]).toMatchObject({ error: { code: 'invalid_manifest', message: 'line 3: not valid JSON' } });
});

test('takes the pictures of a folder in name order, and leaves other and hidden files', async () => {
  await mkdir(join(dir, 'sub'));
  for (const name of ['b.PNG', 'a.jpg', 'notes.txt', '.hidden.png', 'sub/c.webp']) await write(name, '');
  expect((await listImport(dir, undefined)).map((item) => item.file)).toEqual(
    ['a.jpg', 'b.PNG', 'sub/c.webp'].map((name) => join(dir, name)),
  );
});

test('says plainly that a path does not exist', async () => {
  await expect(listImport(join(dir, 'nothing'), undefined)).rejects.toMatchObject({ code: 'usage' });
});

test('a row that says nothing of licences leaves them alone; one that says it wrongly is a fault', async () => {
  const path = await write(
    'm.csv',
    'file,asset_id,title,licences\na.png,a,A,\nb.png,b,B,not json\nc.png,c,C,[]\n',
  );
  const items = await listImport(path, undefined);
  expect(items[0]).toMatchObject({ row: { licences: undefined } });
  expect(items[1]).toMatchObject({ error: { message: expect.stringMatching(/^line 3: licences/) } });
  expect(items[2]).toMatchObject({ row: { licences: [] } });
});
