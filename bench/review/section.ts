/** How long a reviewer waits, with many alerts in the database: at the API, and in a real browser. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { openApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { buildServer } from '../../src/entry/http/server.ts';
import { removeEmbeddedPostgres } from '../../src/platform/storage/embedded/index.ts';
import { NO_BROWSER, findBrowser } from '../../tests/support/browser.ts';
import { build } from '../../tests/support/processes.ts';
import type { BenchOptions, Section } from '../support/section.ts';
import { apiTable } from './api.ts';
import { browserTable } from './browser.ts';
import { fill } from './fill.ts';

const TOKEN = 'a-token-only-for-this-bench';

export async function reviewSection({ small, fixtures, items }: BenchOptions): Promise<Section> {
  const alerts = items ?? (small ? 300 : 50_000);
  const rounds = small ? 3 : 60;
  const withBrowser = !small && findBrowser() !== undefined;
  // The server reads the bundle's names when it starts.
  if (withBrowser) await build();
  const dataDir = await mkdtemp(join(tmpdir(), 'utsushi-bench-'));
  try {
    await using app = await openApp({
      ...loadConfig({ dataDir }, {}),
      name: 'bench',
      log: pino({ level: 'silent' }),
    });
    await fill(app, alerts, fixtures);
    await using server = await buildServer({ app, apiToken: TOKEN, demo: true });
    // Browser first: the API's part decides alerts, and each has its own order anyway.
    const browser = small ? '' : await inBrowser();
    return {
      file: 'review.md',
      title: 'Reviewing',
      note: `What a reviewer waits for with ${alerts.toLocaleString('en')} alerts; API, PostgreSQL and browser on one machine.`,
      body: `${await apiTable(server, TOKEN, rounds)}${browser}`,
    };

    async function inBrowser(): Promise<string> {
      if (!withBrowser) return `\n\nNot measured in a browser: ${NO_BROWSER}.`;
      const url = await server.listen({ host: '127.0.0.1', port: 0 });
      app.checks.compute.warm();
      return `\n\n${await browserTable(url)}`;
    }
  } finally {
    await removeEmbeddedPostgres(dataDir);
    await rm(dataDir, { recursive: true, force: true });
  }
}
