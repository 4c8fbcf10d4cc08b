import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { App } from '../../../src/app.ts';
import { verifyAudit } from '../../../src/features/audit/index.ts';
import {
  ATTESTATIONS,
  type CaseReport,
  type CaseState,
  applyCaseEvent,
  approveNotice,
  attendCases,
  caseEventSchema,
  draftNotice,
  listCases,
  openCase,
  renderApproved,
  reportToCase,
  showCase,
  writeProfile,
} from '../../../src/features/takedown/index.ts';
import { addConfirmed, addWork, decide } from '../../support/confirmed.ts';
import { type Installation, install } from '../../support/installation.ts';

const GOLDEN_WEEK = new Date('2026-04-28T03:00:00Z');
const by = (at: Date) => ({ actor: 'reviewer', at });

/** Answers each path with the status set for it, 200 otherwise. */
const answers = new Map<string, number>();
const site = createServer((request, response) => {
  response.statusCode = answers.get(request.url!) ?? 200;
  response.end('<p>a page</p>');
});

let installation: Installation;
let app: App;
let origin: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const { port } = site.address() as AddressInfo;
  origin = `http://127.0.0.1:${port}`;
  installation = await install('postgres', { UTSUSHI_FETCH_ALLOWED_HOSTS: `127.0.0.1:${port}` });
  app = await installation.open();
  await addWork(app);
  await addWork(app, 'sun', '真昼の月');
});
afterAll(async () => {
  await installation.close();
  await new Promise((resolve) => site.close(resolve));
});

async function opened(options: Parameters<typeof addConfirmed>[1] = {}, at = GOLDEN_WEEK): Promise<string> {
  return (await openCase(app.db, [await addConfirmed(app, options)], by(at))).id;
}

const tell = (id: string, report: CaseReport, at = GOLDEN_WEEK) => reportToCase(app.db, id, report, by(at));
async function attend(at: Date) {
  // Nothing is asked of hosts outside this machine.
  await sql`update cases set body = body || '{"recheckAt": null}'
    where body -> 'materials' -> 0 ->> 'pageUrl' not like ${`${origin}/%`}`.execute(app.db);
  return attendCases(app.checks, at);
}

test('opens from confirmed alerts only', async () => {
  for (const decision of [null, 'not-similar'] as const) {
    const alert = await addConfirmed(app, { decision });
    await expect(openCase(app.db, [alert], by(GOLDEN_WEEK))).rejects.toMatchObject({ code: 'not_confirmed' });
  }
});

test('takes in what shares a work, a page or a poster, and nothing else; each alert is in one open case', async () => {
  const page = 'https://service.example/posts/shared';
  const a = await addConfirmed(app, { pageUrl: page });
  const b = await addConfirmed(app, { assetId: 'sun', pageUrl: page });
  const stranger = await addConfirmed(app, { assetId: 'sun', account: 'somebody' });
  const found = await openCase(app.db, [a, b], by(GOLDEN_WEEK));
  expect(found).toMatchObject({ title: '灯籠坂の夜, 真昼の月', rung: 'platform-notice' });
  await expect(openCase(app.db, [await addConfirmed(app), stranger], by(GOLDEN_WEEK))).rejects.toMatchObject({
    code: 'invalid_request',
  });
  await expect(openCase(app.db, [b, stranger], by(GOLDEN_WEEK))).rejects.toMatchObject({ code: 'conflict' });
  await tell(found.id, { type: 'close', outcome: 'withdrawn', reason: 'a mistake' });
  expect(await openCase(app.db, [b, stranger], by(GOLDEN_WEEK))).toMatchObject({ state: 'open' });
});

test('two that open a case from one alert at once: one gets it', async () => {
  const alert = await addConfirmed(app);
  const tries = await Promise.allSettled(
    Array.from({ length: 4 }, () => openCase(app.db, [alert], by(GOLDEN_WEEK))),
  );
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('begins with the poster where an account is known, and says why where not', async () => {
  const known = await showCase(app.db, await opened({ account: '@poster' }));
  expect(known.rung).toBe('poster-contact');
  const unknown = await showCase(app.db, await opened());
  expect(unknown.events[0]!.event).toMatchObject({
    skipped: [{ rung: 'poster-contact', reason: 'no account of the poster is known' }],
  });
});

test.each([
  // From 28 April: the Act's 7 calendar days end within Golden Week; the policy's 10 business days step over it.
  ['a designated platform', 'https://x.com/a/status/1', 'statutory', '2026-05-05'],
  ['its subdomain', 'https://m.youtube.com/watch?v=1', 'statutory', '2026-05-05'],
  ['no designated platform', 'https://www.pixiv.net/artworks/1', 'policy', '2026-05-18'],
  ['a host that only ends alike', 'https://notx.com/a', 'policy', '2026-05-18'],
])('the clock of %s', async (_, pageUrl, basis, dueOn) => {
  const found = await tell(await opened({ pageUrl }), { type: 'sent', channel: 'web-form', receipt: 'R-1' });
  expect(found).toMatchObject({ clock: { basis, dueOn }, nextAction: 'await-reply' });
});

test('the turn of the year, and a policy of the user’s own', async () => {
  const sentAt = new Date('2026-12-25T03:00:00Z');
  const pageUrl = 'https://service.example/posts/year-end';
  const id = await opened({ pageUrl, seenAt: sentAt }, sentAt);
  expect(await tell(id, { type: 'sent', channel: 'post' }, sentAt)).toMatchObject({
    clock: { dueOn: '2027-01-15' },
  });
  const policy = { clocks: { policy: { days: 3, counting: 'calendar' } } };
  const recipients = [
    {
      id: 'own',
      name: { ja: '自社指定', en: 'Own' },
      hosts: ['own.example'],
      clock: { days: 1, counting: 'business' },
    },
  ];
  await writeProfile(app.db, JSON.stringify({ policy, recipients }), by(sentAt));
  expect(await tell(id, { type: 'sent', channel: 'post' }, sentAt)).toMatchObject({
    clock: { dueOn: '2026-12-28' },
  });
  const other = await opened({ pageUrl: 'https://img.own.example/1', seenAt: sentAt }, sentAt);
  expect(await tell(other, { type: 'sent', channel: 'post' }, sentAt)).toMatchObject({
    clock: { basis: 'recipient', dueOn: '2026-12-28' },
  });
  await writeProfile(app.db, '{}', by(sentAt));
});

test('no rung is skipped or taken early without a reason', async () => {
  const id = await opened({ pageUrl: 'https://service.example/posts/ladder' });
  await expect(tell(id, { type: 'advance' })).rejects.toMatchObject({ code: 'rung_locked' });
  await expect(tell(id, { type: 'sent', channel: 'post', rung: 'injunction' })).rejects.toMatchObject({
    code: 'rung_locked',
  });
  await tell(id, { type: 'sent', channel: 'web-form' });
  await tell(id, { type: 'reply', class: 'refused', reason: 'not our service' });
  expect(await tell(id, { type: 'advance' })).toMatchObject({ rung: 'repeat-notice', clock: null });
  await expect(tell(id, { type: 'advance', to: 'sender-disclosure' })).rejects.toMatchObject({
    code: 'rung_locked',
  });
  const found = await tell(id, {
    type: 'advance',
    to: 'sender-disclosure',
    reason: 'the logs expire in May',
  });
  expect(found).toMatchObject({ rung: 'sender-disclosure', nextAction: 'send' });
  expect((await showCase(app.db, id)).events.at(-1)!.event).toMatchObject({
    skipped: ['generator-notice'],
    reason: 'the logs expire in May',
  });
  await expect(tell(id, { type: 'advance', to: 'platform-notice', reason: 'back' })).rejects.toMatchObject({
    code: 'invalid_request',
  });
});

test('removed, looked at, closed; back again, and it says so', async () => {
  const pageUrl = `${origin}/post-1`;
  const id = await opened({ pageUrl });
  await tell(id, { type: 'sent', channel: 'web-form' });
  await tell(id, { type: 'reply', class: 'removed' });
  const day = (n: number) => new Date(GOLDEN_WEEK.getTime() + n * 86_400_000 + 1);
  await attend(day(1));
  expect(await showCase(app.db, id)).toMatchObject({
    urls: { [pageUrl]: { outcome: 'present' } },
    unlockedBy: 'still-there',
    nextAction: 'advance',
  });
  answers.set('/post-1', 410);
  await attend(day(2));
  expect(await showCase(app.db, id)).toMatchObject({
    urls: { [pageUrl]: { outcome: 'gone' } },
    nextAction: 'close',
  });
  expect(await tell(id, { type: 'close', outcome: 'removed' }, day(2))).toMatchObject({ state: 'closed' });
  await expect(tell(id, { type: 'reply', class: 'refused' }, day(3))).rejects.toMatchObject({
    code: 'conflict',
  });

  // The same file at another place, then a near-copy of it.
  const { materials } = await showCase(app.db, id);
  const { alertId } = materials[0]!;
  await sql`insert into sightings (id, state, acquisition, page_url, seen_at, output_id, check_id, finished_at)
    select gen_random_uuid(), 'done', 'fetched', ${`${origin}/post-2`}, ${day(3)}, output_id, check_id, ${day(3)}
      from alerts where id = ${alertId}`.execute(app.db);
  const copy = await addConfirmed(app, { pageUrl: `${origin}/post-3`, seenAt: day(3), decision: null });
  await sql`update alerts set cluster_id = (select cluster_id from alerts where id = ${alertId}) where id = ${copy}`.execute(
    app.db,
  );
  expect(await attend(day(3))).toMatchObject({ reuploads: 2 });
  expect(await attend(day(3))).toMatchObject({ reuploads: 0 });
  expect(await showCase(app.db, id)).toMatchObject({ state: 'closed', reuploads: 2, nextAction: 'reopen' });
  await tell(id, { type: 'reopen', reason: 'it is back' }, day(3));
  // Nobody has reviewed the near-copy yet, so no notice speaks of it.
  const urls = async () =>
    (await draftNotice(app.db, id, { form: 'dmca' }, day(3))).facts.materials.map(({ url }) => url);
  expect((await urls()).toSorted()).toEqual([pageUrl, `${origin}/post-2`]);
  await decide(app, copy, 'confirm', day(3));
  expect((await urls()).toSorted()).toEqual([pageUrl, `${origin}/post-2`, `${origin}/post-3`]);
});

test('reminds before the term ends, notes its end once, and warns before logs expire', async () => {
  const pageUrl = 'https://x.com/a/status/9';
  const id = await opened({ pageUrl, seenAt: new Date('2026-04-20T03:00:00Z') });
  await tell(id, { type: 'sent', channel: 'web-form' });
  const typesAfter = async (at: string) => {
    await attend(new Date(at));
    await attend(new Date(at));
    return (await showCase(app.db, id)).events
      .slice(2)
      .map(({ event }) => ('what' in event ? event.what : event.type));
  };
  expect(await typesAfter('2026-05-02T00:00:00Z')).toEqual([]);
  expect(await typesAfter('2026-05-03T15:00:00Z')).toEqual(['due-soon']);
  expect(await typesAfter('2026-05-05T14:59:58Z')).toEqual(['due-soon']);
  expect(await typesAfter('2026-05-05T15:00:00Z')).toEqual(['due-soon', 'deadline-passed']);
  expect(await showCase(app.db, id)).toMatchObject({ unlockedBy: 'deadline-passed', nextAction: 'advance' });
  // 90 days after 20 April, 45 days ahead.
  expect(await typesAfter('2026-06-04T03:00:00Z')).toEqual(['due-soon', 'deadline-passed', 'logs-expire']);
});

test('an approved notice is kept as it was, and is what is sent next', async () => {
  await writeProfile(
    app.db,
    'name: 株式会社アケボノ動画\naddress: 東京都\nphone: "03"\nemail: a@akebono.example\nsignatory: 朝日 昇\n',
    by(GOLDEN_WEEK),
  );
  const id = await opened({ pageUrl: 'https://x.com/a/status/10', account: '@poster' });
  const notices = { ...app.notices, drawEvidence: async () => Buffer.from('a picture') };
  const request = { form: 'ja-a', attested: [...ATTESTATIONS] } as const;
  await expect(
    approveNotice(notices, id, { ...request, attested: ATTESTATIONS.slice(1) }, by(GOLDEN_WEEK)),
  ).rejects.toMatchObject({ code: 'notice_incomplete', message: expect.stringContaining(ATTESTATIONS[0]) });
  const { noticeId } = await approveNotice(notices, id, request, { actor: 'approver', at: GOLDEN_WEEK });
  const before = (await renderApproved(notices, id, { noticeId }, 'text')).toString();
  expect(before).not.toContain('下書き');
  await writeProfile(app.db, 'name: 別の会社\n', by(GOLDEN_WEEK));
  await sql`update assets set title = '別の題' where id = 'moon'`.execute(app.db);
  expect((await renderApproved(notices, id, { form: 'ja-a' }, 'text')).toString()).toBe(before);
  await sql`update assets set title = '灯籠坂の夜' where id = 'moon'`.execute(app.db);
  await writeProfile(app.db, '{}', by(GOLDEN_WEEK));
  // It belongs to a rung above the present one, which has not been tried.
  await expect(tell(id, { type: 'sent', channel: 'web-form' })).rejects.toMatchObject({
    code: 'rung_locked',
  });
  const sent = await tell(id, {
    type: 'sent',
    channel: 'web-form',
    reason: 'the account is closed to messages',
  });
  expect(sent).toMatchObject({ rung: 'platform-notice', approved: null, clock: { basis: 'statutory' } });
  expect((await showCase(app.db, id)).events.at(-1)!.event).toMatchObject({ noticeId, form: 'ja-a' });
});

test('the other party’s news come in once, in order, or not at all', async () => {
  const id = await opened({ pageUrl: 'https://service.example/posts/callback' });
  const sent: CaseReport = { type: 'sent', channel: 'api', receipt: 'T-1' };
  const [one, again] = [
    await reportToCase(app.db, id, sent, { ...by(GOLDEN_WEEK), key: 'event-1' }),
    await reportToCase(app.db, id, sent, { ...by(GOLDEN_WEEK), key: 'event-1' }),
  ];
  expect(again.seq).toBe(one.seq);
  await expect(
    reportToCase(
      app.db,
      id,
      { type: 'note', text: 'late' },
      { ...by(GOLDEN_WEEK), expectedSeq: one.seq - 1 },
    ),
  ).rejects.toMatchObject({ code: 'conflict' });
  await expect(
    tell(id, { type: 'reply', class: 'removed', at: '2026-05-30T00:00:00Z' }),
  ).rejects.toMatchObject({ code: 'invalid_request' });
  await tell(id, { type: 'external-ref', externalRef: 'CRM-7' });
  const limit = 10;
  expect(await listCases(app.db, { externalRef: 'CRM-7', limit })).toMatchObject([{ id }]);
});

test('a watch entry that was promoted makes a case that claims no similarity', async () => {
  const alert = await addConfirmed(app, { decision: null });
  const { rows } = await sql<{
    id: string;
  }>`insert into watch_entries (id, output_id, asset_id, state, terms, sightings,
      opened_at, last_event_at, last_seq)
    select gen_random_uuid(), output_id, 'sun', 'promoted', '[]', 1, ${GOLDEN_WEEK}, ${GOLDEN_WEEK}, 1 from alerts
     where id = ${alert} returning id`.execute(app.db);
  const { id } = await openCase(app.db, [rows[0]!.id], by(GOLDEN_WEEK));
  const draft = await draftNotice(app.db, id, { form: 'dmca' }, GOLDEN_WEEK);
  expect(draft.facts).toMatchObject({ similarity: [], figures: [] });
  expect(draft.lint.missing.map(({ element }) => element)).toContain('claim-basis');
});

test('every case is the fold of its events, is in the audit chain, and was told to the outside', async () => {
  const cases = await listCases(app.db, { limit: 1_000 });
  expect(cases.length).toBeGreaterThan(10);
  for (const { id, seq } of cases) {
    const { events, notices: _, id: _id, seq: _seq, ...state } = await showCase(app.db, id);
    const folded = events.reduce<CaseState | undefined>(applyCaseEvent, undefined);
    // That time was taken out of some projections, to stay on this machine.
    expect({ ...folded, recheckAt: null }).toEqual({ ...state, recheckAt: null });
    for (const table of ['audit_records', 'outbox'])
      expect(
        (
          await sql<{
            n: number;
          }>`select count(*)::int as n from ${sql.table(table)} where subject = ${id}`.execute(app.db)
        ).rows[0]!.n,
      ).toBe(seq);
  }
  await expect(verifyAudit(app.db)).resolves.toMatchObject({ unsealed: expect.any(Number) });
});

test('the events have a JSON Schema', () => {
  expect(JSON.stringify(z.toJSONSchema(caseEventSchema))).toContain('"deadline-passed"');
});
