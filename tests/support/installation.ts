/** A whole Utsushi for a test: a data directory of its own, and the app on the backend that the test names. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { type App, type AppOptions, openApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { type TestRedis, startRedis } from './redis.ts';

export type Backend = 'postgres' | 'redis';
export const BACKENDS: readonly Backend[] = ['postgres', 'redis'];

export interface Installation {
  readonly dataDir: string;
  readonly redis: TestRedis | undefined;
  /** The environment a child process needs to join this installation. */
  readonly env: Record<string, string>;
  /** Opens the app in this process; closed with the installation if not before. */
  open(options?: Partial<AppOptions>): Promise<App>;
  close(): Promise<void>;
}

/** @param kept a data directory that stays when the installation is closed, and may be there already */
export async function install(
  backend: Backend,
  environment: Record<string, string> = {},
  kept?: string,
): Promise<Installation> {
  const dataDir = kept ?? (await mkdtemp(join(tmpdir(), 'utsushi-test-')));
  const redis = backend === 'redis' ? await startRedis({ appendonly: true }) : undefined;
  const env = {
    UTSUSHI_DATA_DIR: dataDir,
    UTSUSHI_LOG_LEVEL: 'error',
    ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
    ...environment,
  };
  const apps: App[] = [];
  return {
    dataDir,
    redis,
    env,
    open: async (options = {}) => {
      const app = await openApp({
        ...loadConfig({}, env),
        name: 'test',
        log: pino({ level: 'silent' }),
        ...options,
      });
      apps.push(app);
      return app;
    },
    close: async () => {
      for (const app of apps.splice(0).toReversed()) await app.close();
      await redis?.stop();
      if (kept === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Waits until `probe` answers something truthy, and returns it. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    await sleep(50);
  }
}
