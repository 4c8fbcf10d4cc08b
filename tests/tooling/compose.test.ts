import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SECRETS = { POSTGRES_PASSWORD: 'postgres0password', UTSUSHI_API_TOKEN: 'api0token0of0a0test' };

interface Service {
  image?: string;
  command?: string[];
  container_name?: string;
  depends_on?: Record<string, { condition: string }>;
  environment?: Record<string, string>;
  healthcheck?: { test: string[] };
  ports?: string[];
  restart?: string;
  stop_grace_period?: string;
  volumes?: string[];
}

const text = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8');
const { services, volumes } = parse(text, { merge: true }) as {
  services: Record<'redis' | 'postgres' | 'migrate' | 'api' | 'worker', Service>;
  volumes: Record<string, unknown>;
};

describe('docker-compose.yml', () => {
  it('keeps the queue through a crash and never evicts a job', () => {
    const command = services.redis.command?.join(' ');
    expect(command).toContain('--appendonly yes');
    expect(command).toContain('--appendfsync everysec');
    expect(command).toContain('--maxmemory-policy noeviction');
    expect(services.redis.volumes).toContain('redis:/data');
    expect(services.redis.healthcheck?.test).toContain('ping');
  });

  it('keeps the data in a volume and checks that PostgreSQL answers', () => {
    expect(services.postgres.image).toBe('postgres:18');
    expect(services.postgres.volumes).toContain('postgres:/var/lib/postgresql');
    expect(services.postgres.healthcheck?.test).toContain('pg_isready');
    expect(Object.keys(volumes).toSorted()).toEqual(['blobs', 'postgres', 'redis']);
  });

  it('migrates once, before anything else runs', () => {
    expect(services.migrate).toMatchObject({
      command: ['migrate'],
      restart: 'no',
      depends_on: { postgres: { condition: 'service_healthy' } },
    });
    for (const service of [services.api, services.worker]) {
      expect(service.depends_on).toEqual({
        migrate: { condition: 'service_completed_successfully' },
        redis: { condition: 'service_healthy' },
        postgres: { condition: 'service_healthy' },
      });
    }
  });

  it('serves the API without workers, and checks its health', () => {
    expect(services.api.command).toEqual(['up', '--no-workers', '--host', '0.0.0.0', '--port', '8080']);
    expect(services.api.healthcheck?.test.join(' ')).toMatch(/^CMD node --eval fetch\('.+\/healthz'\)/);
  });

  it('lets workers be scaled and finish what they are doing', () => {
    expect(services.worker).toMatchObject({ command: ['worker'], stop_grace_period: '30s' });
    expect(services.worker.container_name).toBeUndefined();
    expect(services.worker.ports).toBeUndefined();
  });

  it('shares the blobs and takes every secret from outside', () => {
    for (const service of [services.migrate, services.api, services.worker]) {
      expect(service.volumes).toEqual(['blobs:/data']);
      expect(service.environment).toMatchObject({
        UTSUSHI_DATA_DIR: '/data',
        REDIS_URL: 'redis://redis:6379',
      });
      expect(service.environment?.['UTSUSHI_API_TOKEN']).toMatch(/^\$\{UTSUSHI_API_TOKEN:\?.+\}$/);
      expect(service.environment?.['DATABASE_URL']).toMatch(/\$\{POSTGRES_PASSWORD:\?.+\}/);
    }
    expect(services.postgres.environment?.['POSTGRES_PASSWORD']).toMatch(/^\$\{POSTGRES_PASSWORD:\?.+\}$/);
  });

  it('runs as an unprivileged user', () => {
    const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
    const final = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
    expect(final).toMatch(/^USER node$/m);
    expect(final).toMatch(/^ENTRYPOINT \["node", "dist\/cli\/main.js"\]$/m);
    expect(final).toContain('npm ci --ignore-scripts --omit=dev');
  });
});

describe('docker-compose config', () => {
  const tool = findCompose();
  const name =
    tool === undefined
      ? 'NOT RUN: neither docker-compose nor the docker compose plug-in is here (Debian: apt-get install docker-compose)'
      : `is accepted by ${tool.join(' ')}`;

  it.skipIf(tool === undefined)(name, () => {
    const { status, stdout, stderr } = compose(tool, SECRETS);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const seen = parse(stdout) as { services: Record<string, Service> };
    expect(Object.keys(seen.services).toSorted()).toEqual(['api', 'migrate', 'postgres', 'redis', 'worker']);
    expect(seen.services['worker']?.environment?.['DATABASE_URL']).toBe(
      'postgres://utsushi:postgres0password@postgres:5432/utsushi',
    );
    expect(seen.services['api']?.environment?.['UTSUSHI_API_TOKEN']).toBe('api0token0of0a0test');
  });

  it.skipIf(tool === undefined).each(Object.keys(SECRETS))(`refuses to start without %s`, (secret) => {
    const { status, stderr } = compose(tool, { ...SECRETS, [secret]: '' });
    expect(status).not.toBe(0);
    expect(stderr).toContain(`set ${secret}`);
  });
});

function findCompose(): string[] | undefined {
  return [['docker-compose'], ['docker', 'compose']].find(
    ([command = '', ...args]) => spawnSync(command, [...args, 'version']).status === 0,
  );
}

function compose(tool: string[] | undefined, env: Record<string, string>) {
  const [command = '', ...args] = tool ?? [];
  return spawnSync(command, [...args, '-f', 'docker-compose.yml', 'config'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? ROOT, ...env },
  });
}
