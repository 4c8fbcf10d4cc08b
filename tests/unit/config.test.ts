import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { UtsushiError } from '../../src/errors.ts';

describe('loadConfig', () => {
  test('reports every faulty variable at once', () => {
    const load = () =>
      loadConfig(
        {},
        {
          DATABASE_URL: 'mysql://x',
          UTSUSHI_PORT: '99999',
          UTSUSHI_CONCURRENCY: '0',
          UTSUSHI_API_TOKEN: 'short',
        },
      );
    expect(load).toThrow(UtsushiError);
    expect(load).toThrow(/DATABASE_URL.*UTSUSHI_API_TOKEN.*UTSUSHI_PORT.*UTSUSHI_CONCURRENCY/s);
  });

  test('takes an empty variable for one that is not set', () => {
    const { config, secrets } = loadConfig({}, { REDIS_URL: '', UTSUSHI_PORT: '' });
    expect(config.queue).toBe('postgres');
    expect(config.port).toBe(8080);
    expect(secrets.redisUrl).toBeUndefined();
  });

  test('keeps secrets out of the part that may be shown', () => {
    const env = {
      DATABASE_URL: 'postgres://me:pgsecret@db/x',
      REDIS_URL: 'redis://:redissecret@cache',
      UTSUSHI_API_TOKEN: 'tokensecret-tokensecret',
      UTSUSHI_SECRET_CIVITAI: 'a secret',
      https_proxy: 'http://me:proxysecret@proxy:3128',
    };
    const { config, secrets } = loadConfig({}, env);
    expect(JSON.stringify(config)).not.toMatch(/\wsecret|a secret/);
    expect(secrets).toEqual({
      databaseUrl: env.DATABASE_URL,
      redisUrl: env.REDIS_URL,
      apiToken: env.UTSUSHI_API_TOKEN,
      httpsProxy: env.https_proxy,
      named: { UTSUSHI_SECRET_CIVITAI: 'a secret' },
    });
    expect(config).toMatchObject({ database: 'external', queue: 'redis' });
  });

  test('lets the command line win, and freezes the result', () => {
    const { config } = loadConfig({ dataDir: '/b', port: 2 }, { UTSUSHI_DATA_DIR: '/a', UTSUSHI_PORT: '1' });
    expect(config).toMatchObject({ dataDir: '/b', port: 2 });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('finds its data below the data home of the user', () => {
    expect(loadConfig({}, { XDG_DATA_HOME: '/home/me/share' }).config.dataDir).toBe('/home/me/share/utsushi');
  });
});
