import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';

export type Language = 'ja' | 'en';

/** The language of the user's locale; Japanese or else English. */
export function localLanguage(): Language {
  return new Intl.DateTimeFormat().resolvedOptions().locale.startsWith('ja') ? 'ja' : 'en';
}

let muted = false;

/** From now on nothing is printed: the process is on its way out. */
export function mute(): void {
  muted = true;
}

/** Data goes to stdout and nothing else does. A reader who has gone (`| head`) is no error. */
export function print(text: string): void {
  if (!muted) process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

/** What people read beside the data. */
export function say(text: string): void {
  if (!muted) process.stderr.write(`${text}\n`);
}

export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const plain = { head: [], border: [], 'padding-left': 0, 'padding-right': 2 };
  const noLines = Object.fromEntries(
    [
      'top',
      'top-mid',
      'top-left',
      'top-right',
      'bottom',
      'bottom-mid',
      'bottom-left',
      'bottom-right',
      'left',
      'left-mid',
      'mid',
      'mid-mid',
      'right',
      'right-mid',
      'middle',
    ].map((part) => [part, '']),
  );
  const drawn = new Table({ head: [...head], style: plain, chars: noLines });
  drawn.push(...rows.map((row) => row.map(String)));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** A progress bar on a terminal, nothing elsewhere. */
export function progressBar(what: string): { update(done: number, total: number): void; stop(): void } {
  if (!process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  const bar = new SingleBar({
    format: `${what} [{bar}] {value}/{total}  {eta_formatted} left`,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  });
  let started = false;
  return {
    update: (done, total) => {
      if (!started) bar.start(total, done);
      started = true;
      bar.setTotal(total);
      bar.update(done);
    },
    stop: () => {
      if (started) bar.stop();
    },
  };
}
