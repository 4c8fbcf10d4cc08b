import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { recordAudit, sealAudit, verifyAudit } from '../../../src/features/audit/index.ts';
import { type Installation, install } from '../../support/installation.ts';

let installation: Installation;
let app: App;
beforeAll(async () => {
  installation = await install('postgres');
  app = await installation.open();
});
afterAll(() => installation.close());

const event = (n: number) => ({
  at: new Date(1_700_000_000_000 + n),
  kind: 'test.happened',
  subject: `subject-${n}`,
  payload: { n, person: 'reviewer@example.jp', nested: { b: 1, a: [n, null] } },
});

test('sealing chains every record once, also when several seal at the same time', async () => {
  for (let n = 0; n < 30; n++) await recordAudit(app.db, [event(n)]);
  expect(await verifyAudit(app.db)).toMatchObject({ sealed: 0, unsealed: 30 });
  const sealed = await Promise.all([sealAudit(app.db), sealAudit(app.db), sealAudit(app.db)]);
  await sealAudit(app.db);
  expect(sealed.reduce((a, b) => a + b)).toBe(30);
  const report = await verifyAudit(app.db);
  expect(report).toMatchObject({ sealed: 30, unsealed: 0, purged: 0 });
  expect(report.head).toMatch(/^[0-9a-f]{64}$/);
});

test('a record that is rolled back leaves no trace', async () => {
  await expect(
    app.db.transaction().execute(async (tx) => {
      await recordAudit(tx, [event(99)]);
      throw new Error('undo');
    }),
  ).rejects.toThrow('undo');
  expect(await verifyAudit(app.db)).toMatchObject({ sealed: 30, unsealed: 0 });
});

test('purging a payload with its salt leaves the chain valid', async () => {
  await sql`update audit_records set payload = null, salt = null where subject = 'subject-3'`.execute(app.db);
  expect(await verifyAudit(app.db)).toMatchObject({ sealed: 30, purged: 1 });
});

test('the chain itself cannot be changed by SQL', async () => {
  await expect(sql`update audit_chain set hash = '\\x00' where seq = 1`.execute(app.db)).rejects.toThrow(
    'append-only',
  );
  await expect(sql`delete from audit_chain where seq = 30`.execute(app.db)).rejects.toThrow('append-only');
  await expect(sql`truncate audit_chain`.execute(app.db)).rejects.toThrow('append-only');
});

/** Changes something as somebody with full power over the database could, verifies, and puts it back. */
async function tampered(change: string): Promise<unknown> {
  const rollback = Symbol('rollback');
  let outcome: unknown;
  await app.db
    .transaction()
    .execute(async (tx) => {
      await sql`alter table audit_chain disable trigger audit_chain_append_only`.execute(tx);
      await sql.raw(change).execute(tx);
      outcome = await verifyAudit(tx).catch((error: unknown) => error);
      throw rollback;
    })
    .catch((thrown: unknown) => {
      if (thrown !== rollback) throw thrown;
    });
  return outcome;
}

test.each([
  [
    `update audit_records set payload = replace(payload, 'reviewer', 'somebody') where subject = 'subject-5'`,
    'entry 6: the payload',
  ],
  [
    `update audit_records set subject = 'other' where subject = 'subject-5'`,
    'entry 6: does not match its record',
  ],
  [
    `update audit_records set at = at + interval '1 hour' where subject = 'subject-0'`,
    'entry 1: does not match its record',
  ],
  [`delete from audit_records where subject = 'subject-7'`, 'entry 8: its record is gone'],
  [`delete from audit_chain where seq = 12`, 'entry 12: missing'],
  [`update audit_chain set hash = sha256('x') where seq = 20`, 'entry 20: does not match'],
  [`update audit_chain set record_id = -record_id where seq in (4, 5)`, 'entry 4: its record is gone'],
])('finds: %s', async (change, message) => {
  expect(await tampered(change)).toMatchObject({
    code: 'audit_broken',
    message: expect.stringContaining(message),
  });
});

test('is intact again after all that', async () => {
  expect(await verifyAudit(app.db)).toMatchObject({ sealed: 30, purged: 1 });
});
