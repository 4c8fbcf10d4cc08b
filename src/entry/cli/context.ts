import { userInfo } from 'node:os';
import { InvalidArgumentError, Option } from 'commander';
import { type App, openApp } from '../../app.ts';
import { loadConfig } from '../../config.ts';
import { mute } from './output.ts';

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
  using _ = closeWhenInterrupted(app.close);
  return await use(app);
}

/** Lets Ctrl-C leave no database server behind: `close` is called, then the signal has its usual effect. */
export function closeWhenInterrupted(close: () => Promise<void>): Disposable {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const stop = (signal: NodeJS.Signals) => {
    // What is cut off now must not be reported as if it had failed by itself.
    mute();
    void close().finally(() => process.kill(process.pid, signal));
  };
  for (const signal of signals) process.once(signal, stop);
  return {
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, stop);
    },
  };
}

/** Who acts, for the audit chain: the operating system's user, by number where it has no name (as in a container). */
export function actor(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** Parses an option's value as a whole number in a range. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`must be a whole number from ${least} to ${most}`);
    return value;
  };
}
