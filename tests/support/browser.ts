/** A real browser for tests: Debian's Chromium, or whichever is named. Nothing is downloaded. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** Where the browser is; undefined when there is none. UTSUSHI_BROWSER or CHROMIUM names another. */
export function findBrowser(): string | undefined {
  const named = process.env['UTSUSHI_BROWSER'] ?? process.env['CHROMIUM'];
  if (named !== undefined) return existsSync(named) ? named : undefined;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

export const NO_BROWSER =
  'no browser: install chromium (apt-get install chromium fonts-noto-cjk) or name one in UTSUSHI_BROWSER';

export async function launchBrowser(): Promise<Browser> {
  const executablePath = findBrowser();
  if (executablePath === undefined) throw new Error(NO_BROWSER);
  return chromium.launch({
    executablePath,
    // Root may not use Chromium's sandbox, and containers have small /dev/shm; only our own pages are opened.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
  });
}
