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
