/** A real `utsushi up` with works and alerts, for tests that look at its console. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { Processes, build, mustSucceed } from './processes.ts';

const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));
export const OUTPUTS = join(FIXTURES, 'outputs');
/** Near-copies of one output, which make a cluster. */
const COPIES = 4;

export interface ConsoleUnderTest {
  readonly url: string;
  /** With which the first admin signs in, once. */
  readonly link: string;
  /** Runs another command in the same installation. */
  readonly processes: Processes;
  readonly dataDir: string;
  close(): Promise<void>;
}

/**
 * Imports the fixtures' works, checks some of the fixtures' outputs and a cluster of near-copies, and starts the
 * server.
 *
 * @param outputs which files of the fixtures' outputs; all by default
 */
export async function startConsole(
  outputs: (files: readonly string[]) => readonly string[] = (files) => files,
): Promise<ConsoleUnderTest> {
  await build();
  const dataDir = await mkdtemp(join(tmpdir(), 'utsushi-console-'));
  const processes = new Processes({
    UTSUSHI_DATA_DIR: dataDir,
    UTSUSHI_LOG_LEVEL: 'error',
    // Webhooks of tests are received on this machine.
    UTSUSHI_FETCH_ALLOWED_HOSTS: '127.0.0.1',
  });
  const close = async () => {
    await processes.endAll();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    mustSucceed(await processes.run('catalogue', 'import', join(FIXTURES, 'manifest.csv'), '--tier', 'high'));
    const files = (await readdir(OUTPUTS)).filter((name) => /\.(jpg|png|webp)$/.test(name)).toSorted();
    const copies = await nearCopies(join(OUTPUTS, files[0]!), join(dataDir, 'copies'));
    const targets = [...outputs(files).map((name) => join(OUTPUTS, name)), copies];
    const checked = await processes.run('check', ...targets, '--record', '--json');
    if (checked.code !== 1) mustSucceed({ ...checked, code: checked.code ?? 3 });
    const up = await processes.up();
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(up.output())![0];
    const link = (await up.says(/http\S+#\/link\/\S+/))[0];
    return { url, link, processes, dataDir, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function nearCopies(file: string, folder: string): Promise<string> {
  await mkdir(folder);
  for (let i = 0; i < COPIES; i++)
    await sharp(file)
      .jpeg({ quality: 90 - 8 * i })
      .toFile(join(folder, `copy-${i}.jpg`));
  return folder;
}
