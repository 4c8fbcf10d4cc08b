/**
 * What `docker compose up` would run, run without Docker: the commands and environments that docker-compose.yml and the
 * Dockerfile give, with the services' host names, the API's port and the volume mapped to this machine.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { AlertSummary } from '../../../src/features/alerts/index.ts';
import type { RecordedAnswer } from '../../../src/features/checks/index.ts';
import {
  type EmbeddedPostgres,
  acquireEmbeddedPostgres,
} from '../../../src/platform/storage/embedded/index.ts';
import { REPOSITORY, buildCommand } from '../../support/command.ts';
import { eventually } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';
import { type TestRedis, startRedis } from '../../support/redis.ts';

interface Service {
  readonly image: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly healthcheck: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
}

const TOKEN = 'a-token-only-for-this-test';
const WORKS = 5;
/** docker-compose's own, where the file names none. */
const DEFAULT_GRACE_MS = 10_000;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly ms: number;
}

interface Started {
  readonly child: ChildProcess;
  output(): string;
  readonly ended: Promise<Omit<Ended, 'ms'>>;
}

describe('the services of docker-compose.yml', () => {
  let services: Record<'redis' | 'postgres' | 'migrate' | 'api' | 'worker', Service>;
  let entrypoint: readonly string[];
  let directory: string;
  let redis: TestRedis;
  let postgres: EmbeddedPostgres;
  let port: number;
  const started: Started[] = [];

  beforeAll(async () => {
    await buildCommand();
    directory = await mkdtemp(join(tmpdir(), 'utsushi-compose-'));
    // Or root's database would be put where nobody removes it.
    await chmod(directory, 0o755);
    for (const part of ['data', 'home', 'postgres', 'works']) await mkdir(join(directory, part));
    postgres = await acquireEmbeddedPostgres({ dataDir: join(directory, 'postgres') });
    const given = {
      POSTGRES_PASSWORD: new URL(postgres.connectionString).password,
      UTSUSHI_API_TOKEN: TOKEN,
    };
    const file = await readFile(join(REPOSITORY, 'docker-compose.yml'), 'utf8');
    services = (parse(interpolate(file, given), { merge: true }) as { services: typeof services }).services;
    redis = await startRedis({ args: services.redis.command.slice(1) });
    port = await freePort();
    const dockerfile = await readFile(join(REPOSITORY, 'Dockerfile'), 'utf8');
    entrypoint = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)![1]!) as string[];
    for (let seed = 0; seed < WORKS; seed++)
      await artwork(seed)
        .png()
        .toFile(join(directory, 'works', `work-${seed}.png`));
  });
  afterAll(async () => {
    for (const { child } of started) if (child.exitCode === null) child.kill('SIGKILL');
    await Promise.all(started.map((each) => each.ended));
    await postgres?.close();
    await redis?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  /** What the containers see under their names, as this machine has it. */
  function mapped(text: string): string {
    return text
      .replace('@postgres:5432/', `@${new URL(postgres.connectionString).host}/`)
      .replace('redis://redis:6379', redis.url)
      .replace(/^\/data$/, join(directory, 'data'))
      .replace(/^8080$/, String(port))
      .replace('127.0.0.1:8080', `127.0.0.1:${port}`);
  }

  /** Starts a service by the file's command, or by another as `docker compose run SERVICE COMMAND` does. */
  function start(name: 'migrate' | 'api' | 'worker', command?: readonly string[]): Started {
    const { environment, command: own } = services[name];
    const [program, ...args] = [...entrypoint, ...(command ?? own)].map(mapped);
    const child = spawn(program!, args, {
      cwd: REPOSITORY,
      env: {
        PATH: process.env['PATH'],
        HOME: join(directory, 'home'),
        NODE_ENV: 'production',
        ...Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, mapped(value)])),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    const ended = once(child, 'exit').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }));
    const one = { child, output: () => output, ended };
    started.push(one);
    return one;
  }

  async function stop({ child, ended }: Started): Promise<Ended> {
    const since = performance.now();
    child.kill('SIGTERM');
    const result = await ended;
    return { ...result, ms: performance.now() - since };
  }

  const ask = async <T>(path: string, init: RequestInit = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    return { status: answer.status, body: (await answer.json()) as T };
  };

  async function upload(seed: number, page: string): Promise<string> {
    const form = new FormData();
    form.append('pageUrl', page);
    form.append(
      'file',
      new Blob([new Uint8Array(await artwork(seed).resize(260).jpeg().toBuffer())]),
      'a.jpg',
    );
    const { status, body } = await ask<{ id: string }>('/api/checks', { method: 'POST', body: form });
    expect(status).toBe(202);
    return body.id;
  }

  test('Redis keeps the queue as the file says, and both servers are of the versions it names', async () => {
    const client = new Redis(redis.url);
    try {
      const config = async (name: string) => (await client.config('GET', name)) as string[];
      expect(await config('appendonly')).toEqual(['appendonly', 'yes']);
      expect(await config('appendfsync')).toEqual(['appendfsync', 'everysec']);
      expect(await config('maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
      expect(await client.ping()).toBe('PONG');
      const version = /redis_version:(\d+)/.exec(await client.info('server'))![1];
      expect(services.redis.image).toBe('redis:7');
      expect(Number(version)).toBeGreaterThanOrEqual(7);
    } finally {
      client.disconnect();
    }
    const database = new pg.Client({ connectionString: postgres.connectionString });
    await database.connect();
    try {
      const { rows } = await database.query<{ server_version: string }>('show server_version');
      expect(`postgres:${Number.parseInt(rows[0]!.server_version, 10)}`).toBe(services.postgres.image);
    } finally {
      await database.end();
    }
  });

  test('before migrate, API and worker refuse and say what to do', async () => {
    for (const service of ['api', 'worker'] as const) {
      const refused = start(service);
      expect({ service, ...(await refused.ended) }).toMatchObject({ service, code: 3 });
      expect(refused.output()).toContain('the tables are not up to date');
      expect(refused.output()).toContain('run utsushi migrate');
    }
  });

  test('migrate, then one API and two workers: an upload becomes an alert', async () => {
    const migrate = start('migrate');
    expect({ ...(await migrate.ended), said: migrate.output() }).toMatchObject({ code: 0 });
    const importing = start('api', ['catalogue', 'import', join(directory, 'works'), '--tier', 'high']);
    expect({ ...(await importing.ended), said: importing.output() }).toMatchObject({ code: 0 });

    const api = start('api');
    const workers = [start('worker'), start('worker')];
    const [kind, program, ...args] = services.api.healthcheck.test.map(mapped);
    expect(kind).toBe('CMD');
    await eventually(
      'the API’s health check to pass',
      async () => {
        const check = spawn(program!, args, { stdio: 'ignore' });
        return ((await once(check, 'exit')) as [number])[0] === 0;
      },
      60_000,
    );
    for (const worker of workers) {
      await eventually('a worker to be up', async () => worker.output().includes('worker is up'));
    }
    expect((await fetch(`http://127.0.0.1:${port}/api/alerts`)).status).toBe(401);

    const ids = await Promise.all(
      Array.from({ length: WORKS }, (_, seed) => upload(seed, `https://service.example/${seed}`)),
    );
    ids.push(await upload(500, 'https://service.example/different'));
    const answers = await Promise.all(
      ids.map((id) =>
        eventually(`check ${id}`, async () => {
          const { body } = await ask<RecordedAnswer>(`/api/checks/${id}`);
          return body.state !== 'pending' && body;
        }),
      ),
    );
    expect(answers.map((each) => each.check?.verdict)).toEqual([
      ...Array<string>(WORKS).fill('candidate'),
      'no-candidate',
    ]);
    const { alerts } = (await ask<{ alerts: AlertSummary[] }>('/api/alerts')).body;
    expect(alerts.map((alert) => alert.title).toSorted()).toEqual(
      Array.from({ length: WORKS }, (_, seed) => `work-${seed}`),
    );
    expect(alerts.every((alert) => alert.tier === 'high' && alert.sightings === 1)).toBe(true);
    const detail = await ask<{ seenAt: { pageUrl: string }[] }>(`/api/alerts/${alerts[0]!.id}`);
    expect(detail.body.seenAt[0]!.pageUrl).toMatch(/^https:\/\/service\.example\/\d$/);

    // The jobs went through Redis, and what is kept went to the shared volume.
    const client = new Redis(redis.url);
    expect((await client.keys('utsushi:*')).length).toBeGreaterThan(0);
    client.disconnect();
    expect(await readdir(join(directory, 'data', 'blobs'))).not.toEqual([]);

    const [apiEnd, ...workerEnds] = await Promise.all([stop(api), ...workers.map(stop)]);
    for (const [service, end] of [
      ['api', apiEnd!] as const,
      ...workerEnds.map((each) => ['worker', each] as const),
    ]) {
      expect({ service, ...end }).toMatchObject({ service, code: 0, signal: null });
      expect(end.ms).toBeLessThan(graceOf(services[service]));
    }
    for (const each of started) expect(each.output()).not.toContain(TOKEN);
  });

  test('a worker that is stopped with work in hand lets the other one finish it', async () => {
    const api = start('api');
    const workers = [start('worker'), start('worker')];
    await eventually(
      'everything to be up',
      async () => [api, ...workers].every((each) => /(Utsushi|worker) is up/.test(each.output())),
      60_000,
    );
    const ids = await Promise.all(
      Array.from({ length: 24 }, (_, i) => upload(i, 'https://service.example/many')),
    );
    const first = await stop(workers[0]!);
    expect(first).toMatchObject({ code: 0, signal: null });
    expect(first.ms).toBeLessThan(graceOf(services.worker));
    for (const id of ids) {
      const { state } = await eventually(`check ${id}`, async () => {
        const { body } = await ask<RecordedAnswer>(`/api/checks/${id}`);
        return body.state !== 'pending' && body;
      });
      expect(state).toBe('done');
    }
    expect([await stop(workers[1]!), await stop(api)]).toMatchObject([{ code: 0 }, { code: 0 }]);
  });
});

/** `${NAME:?message}` and `${NAME:-default}`, as docker-compose reads them. */
function interpolate(text: string, given: Record<string, string>): string {
  return text.replaceAll(/\$\{(\w+)(?::([?-])([^}]*))?\}/g, (_, name: string, how?: string, rest = '') => {
    const value = given[name];
    if (value === undefined && how !== '-') throw new Error(`${name}: ${rest}`);
    return value ?? (rest as string);
  });
}

function graceOf(service: Service): number {
  const seconds = /^(\d+)s$/.exec(service.stop_grace_period ?? '')?.[1];
  return seconds === undefined ? DEFAULT_GRACE_MS : Number(seconds) * 1_000;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
