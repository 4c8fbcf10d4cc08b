import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { watchDirectory } from '../../../../src/features/sources/watch.ts';

const FOLDERS = 3;
const FILES = 300;
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'utsushi-watch-'));
  for (let nth = 0; nth < FILES; nth++) {
    const folder = join(root, String(nth % FOLDERS));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${nth}.jpg`), 'x');
  }
});
afterAll(() => rm(root, { recursive: true }));

/** What the kernel watches for this process. */
async function watches(): Promise<number> {
  const files = await readdir('/proc/self/fdinfo');
  const texts = await Promise.all(
    files.map((file) => readFile(`/proc/self/fdinfo/${file}`, 'utf8').catch(() => '')),
  );
  return texts.join('\n').match(/^inotify wd/gm)?.length ?? 0;
}

test.skipIf(process.platform !== 'linux')('tells of any file, and watches folders alone', async () => {
  const before = await watches();
  const stop = new AbortController();
  const changes = watchDirectory(root, stop.signal);
  const afterwards = async (act: () => Promise<unknown>) => {
    const change = changes.next();
    // The first one begins to watch.
    await sleep(500);
    await act();
    return (await change).done;
  };
  expect(await afterwards(() => writeFile(join(root, '1', 'new.jpg'), 'x'))).toBe(false);
  expect((await watches()) - before).toBeLessThanOrEqual(FOLDERS + 1);
  expect(await afterwards(() => writeFile(join(root, '2', '2.jpg'), 'changed'))).toBe(false);
  const fresh = join(root, 'fresh');
  expect(await afterwards(() => mkdir(fresh))).toBe(false);
  expect(await afterwards(() => writeFile(join(fresh, 'a.jpg'), 'x'))).toBe(false);
  const nothing = changes.next();
  // What is being written lies hidden until it is whole.
  await writeFile(join(root, '0', '.part'), 'x');
  expect(await Promise.race([nothing, sleep(1_500, 'nothing')])).toBe('nothing');
  stop.abort();
  expect((await nothing).done).toBe(true);
});
