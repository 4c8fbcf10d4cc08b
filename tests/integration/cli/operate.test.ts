/** What every command promises, and the commands that run and examine an installation, on real processes. */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { sealAudit } from '../../../src/features/audit/index.ts';
import {
  type EmbeddedPostgres,
  acquireEmbeddedPostgres,
} from '../../../src/platform/storage/embedded/index.ts';
import { CommandLine, REPOSITORY, buildCommand } from '../../support/command.ts';
import { type Installation, install } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';
import { processesOf } from '../../support/processes.ts';

let installation: Installation;
let app: App;
let utsushi: CommandLine;
const at = (name: string) => join(installation.dataDir, name);

beforeAll(async () => {
  await buildCommand();
  installation = await install('postgres', { UTSUSHI_CONCURRENCY: '1' });
  app = await installation.open();
  utsushi = new CommandLine(installation.env);
});
afterAll(async () => {
  await installation?.close();
});

describe('every command', () => {
  test('has a help with an example', async () => {
    const ran = await utsushi.run('--help');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/\nExamples:\n(.*\n)*? .*utsushi check/);
  });

  test.concurrent.each([
    [['catalogue', 'nonsense']],
    [['check', 'a.png', '--nonsense']],
    [['alerts', 'list', '--limit', 'many']],
    [['up', '--port', 'http']],
    [[]],
  ])('exits 2 for %j', async (args) => {
    const ran = await utsushi.run(...args);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('--help');
  });

  test('an invalid configuration is refused with all its faults at once', async () => {
    const ran = await utsushi
      .with({
        UTSUSHI_CONCURRENCY: '0',
        UTSUSHI_LOG_LEVEL: 'loud',
        UTSUSHI_API_TOKEN: 'secret-but-short'.slice(0, 12),
        DATABASE_URL: 'mysql://someone:passw0rd@localhost/x',
        REDIS_URL: 'nowhere',
      })
      .run('check', 'a.png', '--json');
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('invalid_config');
    for (const variable of [
      'UTSUSHI_CONCURRENCY',
      'UTSUSHI_LOG_LEVEL',
      'UTSUSHI_API_TOKEN',
      'DATABASE_URL',
      'REDIS_URL',
    ]) {
      expect(ran.stderr).toContain(`${variable}: `);
    }
    expect(ran.stderr).not.toMatch(/passw0rd|secret-but/);
  });
});

describe('utsushi doctor and migrate, with a database of one’s own', () => {
  const token = 'a-token-that-nobody-may-see';
  let server: EmbeddedPostgres;
  let external: CommandLine;
  let password: string;

  beforeAll(async () => {
    await mkdir(at('server'));
    server = await acquireEmbeddedPostgres({ dataDir: at('server') });
    password = new URL(server.connectionString).password;
    external = utsushi.with({
      DATABASE_URL: server.connectionString,
      UTSUSHI_DATA_DIR: at('external'),
      UTSUSHI_API_TOKEN: token,
      UTSUSHI_LOG_LEVEL: 'debug',
    });
  });
  afterAll(async () => {
    await server?.close();
  });

  test('before migration, doctor says what to do; migrate twice; then all is well, and no secret is shown', async () => {
    const before = await external.run('doctor');
    expect(before.code).toBe(3);
    expect(before.stdout).toMatch(/WRONG +database .*run utsushi migrate/);
    const refused = await external.run('check', 'a.png', '--json');
    expect(refused).toMatchObject({ code: 3, stdout: '' });
    expect(refused.stderr).toContain('run utsushi migrate');

    const first = await external.run('migrate');
    const second = await external.run('migrate');
    expect([first, second]).toMatchObject([{ code: 0 }, { code: 0 }]);

    const after = await external.run('doctor', '--json');
    expect(after.code).toBe(0);
    expect(after.json()).toMatchObject([
      {
        config: { database: 'external', queue: 'postgres' },
        secrets: { databaseUrl: '(set)', redisUrl: 'not set', apiToken: '(set)' },
        findings: expect.arrayContaining([
          { what: 'database', ok: true, detail: expect.stringMatching(/^PostgreSQL 18\.\d+, external$/) },
          { what: 'disk', ok: true, detail: expect.any(String) },
        ]),
      },
    ]);
    for (const ran of [before, refused, first, second, after]) {
      expect(ran.stdout + ran.stderr).not.toContain(password);
      expect(ran.stdout + ran.stderr).not.toContain(token);
    }
  });

  test('a database that cannot be reached is said without its password', async () => {
    const url = new URL(server.connectionString);
    url.port = '1';
    const away = await external.with({ DATABASE_URL: url.href }).run('doctor');
    url.port = new URL(server.connectionString).port;
    url.password = 'wrong-but-secret';
    const wrong = await external.with({ DATABASE_URL: url.href }).run('doctor', '--json');
    for (const ran of [away, wrong]) {
      expect(ran.code).toBe(3);
      expect(ran.stdout).toContain('database_unavailable');
      expect(ran.stdout + ran.stderr).not.toContain(password);
      expect(ran.stdout + ran.stderr).not.toContain('wrong-but-secret');
    }
  });
});

describe('utsushi alerts and audit', () => {
  let alertId: string;

  beforeAll(async () => {
    await mkdir(at('works'));
    await artwork(1).png().toFile(at('works/月うさぎ.png'));
    await artwork(1).resize(250).jpeg().toFile(at('copy.jpg'));
    await utsushi.run('catalogue', 'import', at('works'));
    const page = 'https://service.example/post/1';
    const ran = await utsushi.run('check', at('copy.jpg'), '--record', '--page-url', page, '--json');
    [alertId] = ran.json<{ alertIds: [string] }>()[0]!.alertIds;
  });

  test('alerts are listed and shown', async () => {
    const listed = await utsushi.run('alerts', 'list', '--json');
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.json()).toMatchObject([
      { id: alertId, title: '月うさぎ', kind: 'reproduction', sightings: 1 },
    ]);
    expect((await utsushi.run('alerts', 'list')).stdout).toMatch(
      new RegExp(`^ALERT.*\n${alertId} .*月うさぎ`),
    );
    const shown = await utsushi.run('alerts', 'show', alertId, '--json');
    expect(shown.json()).toMatchObject([
      {
        id: alertId,
        events: [{ event: { type: 'opened' } }],
        seenAt: [{ pageUrl: 'https://service.example/post/1', acquisition: 'uploaded' }],
        match: { title: '月うさぎ' },
      },
    ]);
    const forPeople = await utsushi.with({ LANG: 'ja_JP.UTF-8' }).run('alerts', 'show', alertId);
    for (const said of ['月うさぎ', '複製型の候補', '作品の約', 'https://service.example/post/1']) {
      expect(forPeople.stdout).toContain(said);
    }
    const ofAnother = await utsushi.run('alerts', 'list', '--asset', 'another', '--json');
    expect(ofAnother).toMatchObject({ code: 0, stdout: '' });
  });

  test.each(['4f6b6b0e-5b5e-4b5e-8b5e-5b5e5b5e5b5e', 'nonsense'])('no alert is called %s', async (id) => {
    const ran = await utsushi.run('alerts', 'show', id, '--json');
    expect(ran).toMatchObject({ code: 3, stdout: '' });
    expect(ran.stderr).toContain(`not_found: no alert has the id ${id}`);
  });

  test('audit verify sees the chain intact, and names the entry that was tampered with', async () => {
    await sealAudit(app.db);
    const intact = await utsushi.run('audit', 'verify', '--json');
    expect(intact.code).toBe(0);
    const [report] = intact.json<{ sealed: number; unsealed: number; head: string }>();
    expect(report).toMatchObject({ unsealed: 0, purged: 0, head: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(report!.sealed).toBeGreaterThanOrEqual(3);
    expect((await utsushi.run('audit', 'verify')).stdout).toContain(`intact: ${report!.sealed} entries`);

    const { record_id, seq } = await app.db
      .selectFrom('audit_chain')
      .innerJoin('audit_records', 'audit_records.id', 'audit_chain.record_id')
      .select(['record_id', 'seq'])
      .where('kind', '=', 'alert.opened')
      .executeTakeFirstOrThrow();
    const tampered = await app.db
      .updateTable('audit_records')
      .set({ payload: '{"nothing":"happened"}' })
      .where('id', '=', record_id)
      .executeTakeFirstOrThrow();
    expect(tampered.numUpdatedRows).toBe(1n);
    const broken = await utsushi.run('audit', 'verify', '--json');
    expect(broken).toMatchObject({ code: 3, stdout: '' });
    expect(broken.stderr).toContain(`audit_broken: entry ${seq}: `);
    const doctor = await utsushi.run('doctor');
    expect(doctor.code).toBe(3);
    expect(doctor.stdout).toMatch(/WRONG +audit chain +audit_broken/);
  });
});

describe('utsushi up', () => {
  let other: Server;
  beforeAll(async () => {
    other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    other?.close();
  });

  test('says that its port is taken', async () => {
    const { port } = other.address() as AddressInfo;
    const ran = await utsushi.run('up', '--no-workers', '--port', String(port));
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain(`127.0.0.1:${port}`);
    expect(ran.stderr).toContain('--port');
  });
});

describe('what is left behind', () => {
  test('an interrupted command stops the server that it started', async () => {
    await mkdir(at('interrupted'));
    await writeFile(at('output.png'), await artwork(3).png().toBuffer());
    const running = utsushi.with({ UTSUSHI_DATA_DIR: at('interrupted') }).start('check', '-', '--json');
    running.child.stdin!.write(`${at('output.png')}\n`);
    await running.line();
    const { port } = JSON.parse(await readFile(at('interrupted/instance.json'), 'utf8')) as { port: number };
    expect(await listens(port)).toBe(true);
    running.child.kill('SIGINT');
    expect(await running.ended).toMatchObject({
      signal: 'SIGINT',
      stderr: expect.not.stringContaining('error'),
    });
    expect(await listens(port)).toBe(false);
    expect(await processesOf(at('interrupted'))).toEqual([]);
  });

  test('demo prints its table and leaves no process and no file', async () => {
    await mkdir(at('temporary'), { mode: 0o755 });
    const ran = await utsushi
      .with({
        TMPDIR: at('temporary'),
        LANG: 'ja_JP.UTF-8',
        DATABASE_URL: 'postgres://nobody:x@127.0.0.1:1/x',
      })
      .run('demo');
    expect(ran).toMatchObject({ code: 0, signal: null });
    const fixtures = (await readdir(join(REPOSITORY, 'fixtures', 'outputs'))).filter(
      (name) => !name.endsWith('.jsonl'),
    );
    expect(ran.stdout).toMatch(/^SCORE +KIND +WORK +OUTPUT +WHY\n/);
    expect(ran.stdout).toMatch(/\n[01]\.\d{3} +複製型の候補 +灯籠坂の夜 朱里 +r01-akari-recoded\.jpg /);
    expect(ran.stdout).toContain('法的評価ではありません');
    expect(ran.stdout).toMatch(
      new RegExp(`${fixtures.length} outputs checked against 37 reference images: \\d+ alerts, 0 failed`),
    );
    expect(await readdir(at('temporary'))).toEqual([]);
    expect(await processesOf(at('temporary'))).toEqual([]);
  });
});

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
