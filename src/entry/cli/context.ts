import { userInfo } from 'node:os';
import { Option } from 'commander';
import { type App, openApp } from '../../app.ts';
import { loadConfig } from '../../config.ts';

/** What the contract says of a command's exit code. */
export const EXIT = { ok: 0, candidates: 1, usage: 2, failed: 3 } as const;

export interface CommonOptions {
  readonly dataDir?: string;
  readonly json?: boolean;
}

export const dataDirOption = () =>
  new Option(
    '--data-dir <dir>',
    'where Utsushi keeps its data (default: under your data home, or UTSUSHI_DATA_DIR)',
  );

export const jsonOption = () => new Option('--json', 'print JSON, one line a record');

/** Opens the app for one command and closes it afterwards, also when the command fails. */
export async function withApp<T>(
  options: CommonOptions,
  name: string,
  use: (app: App) => Promise<T>,
): Promise<T> {
  const { config, secrets } = loadConfig({ dataDir: options.dataDir });
  await using app = await openApp({ config, secrets, name });
  return await use(app);
}

/** Who acts, for the audit chain: the operating system's user. */
export function actor(): string {
  return userInfo().username;
}
