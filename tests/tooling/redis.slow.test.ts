import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { startRedis, type TestRedis } from '../support/redis.ts';

const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUp.splice(0).toReversed()) await undo();
});

async function server(options?: Parameters<typeof startRedis>[0]): Promise<TestRedis> {
  const redis = await startRedis(options);
  cleanUp.push(() => redis.stop());
  return redis;
}

function client(url: string): Redis {
  const redis = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
  redis.on('error', () => {}); // the server is killed on purpose
  cleanUp.push(() => redis.disconnect());
  return redis;
}

describe('the Redis that the tests run against', () => {
  it('is a real one, private and empty', async () => {
    const [one, other] = await Promise.all([server(), server()]);
    expect(one.version).toMatch(/^\d+\.\d+/);
    expect(one.url).not.toBe(other.url);
    await client(one.url).set('key', 'value');
    expect(await client(other.url).dbsize()).toBe(0);
  });

  it('survives kill -9 with what it had flushed, when asked for an append-only file', async () => {
    const redis = await server({ appendonly: true, args: ['--appendfsync', 'always'] });
    const connection = client(redis.url);
    await connection.set('key', 'value');
    const before = redis.pid;
    await redis.kill9();
    await redis.restart();
    expect(redis.pid).not.toBe(before);
    expect(await connection.get('key')).toBe('value');
  });
});
