import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { buildServer } from '../../../src/entry/http/server.ts';
import { type Role, addUser, createToken } from '../../../src/features/people/index.ts';
import { addConfirmed, addWork } from '../../support/confirmed.ts';
import { type Installation, install } from '../../support/installation.ts';

const PROFILE =
  'name: 株式会社アケボノ動画\naddress: 東京都千代田区\nphone: +81-3-1234-5678\nemail: a@akebono.example\nsignatory: 朝日 昇\n';

let installation: Installation;
let app: App;
let api: FastifyInstance;
const tokens = {} as Record<Role, string>;
beforeAll(async () => {
  installation = await install('postgres');
  app = await installation.open();
  api = await buildServer({ app, apiToken: 'a-token-only-for-this-test' });
  await addWork(app);
  for (const role of ['viewer', 'reviewer', 'approver', 'admin'] as const) tokens[role] = await tokenOf(role);
});
afterAll(async () => {
  await api?.close();
  await installation.close();
});

async function tokenOf(role: Role): Promise<string> {
  const by = { actor: 'test', at: new Date() };
  const user = await addUser(app.db, { name: `${role}-1`, role }, by);
  return (await createToken(app.db, user, { name: 'test' }, by)).secret;
}

async function ask(
  role: Role,
  method: 'GET' | 'POST' | 'PUT',
  url: string,
  payload?: InjectOptions['payload'],
) {
  const response = await api.inject({
    method,
    url: `/api${url}`,
    headers: { authorization: `Bearer ${tokens[role]}` },
    ...(payload === undefined ? {} : { payload }),
  });
  const isJson = response.headers['content-type']?.toString().startsWith('application/json') === true;
  return {
    status: response.statusCode,
    type: response.headers['content-type'],
    raw: response.rawPayload,
    body: isJson ? response.json() : undefined,
  };
}

test('from suggestion to an approved notice and an answer, each by who may', async () => {
  const alertId = await addConfirmed(app, { pageUrl: 'https://x.com/a/status/1' });
  const { body: found } = await ask('viewer', 'GET', '/cases/suggestions');
  expect(found).toMatchObject({
    suggestions: [
      {
        alertIds: [alertId],
        alerts: [{ alertId, pageUrl: 'https://x.com/a/status/1' }],
        pages: ['https://x.com/a/status/1'],
      },
    ],
  });

  expect(await ask('viewer', 'POST', '/cases', { alertIds: [alertId] })).toMatchObject({ status: 403 });
  const opened = await ask('reviewer', 'POST', '/cases', { alertIds: [alertId], externalRef: 'CRM-1' });
  expect(opened).toMatchObject({ status: 201, body: { rung: 'platform-notice', externalRef: 'CRM-1' } });
  const at = `/cases/${opened.body.id}`;
  expect(await ask('reviewer', 'POST', '/cases', { alertIds: [alertId] })).toMatchObject({
    status: 409,
    body: { error: { code: 'conflict' } },
  });
  expect((await ask('viewer', 'GET', '/cases/suggestions')).body).toEqual({ suggestions: [] });

  expect(await ask('viewer', 'GET', `${at}/notice?form=ja-a&format=pdf`)).toMatchObject({
    status: 422,
    body: { missing: expect.arrayContaining(['claimant-name']) },
  });
  expect(await ask('approver', 'PUT', '/profile', { source: PROFILE })).toMatchObject({ status: 403 });
  expect(await ask('admin', 'PUT', '/profile', { source: PROFILE })).toMatchObject({ status: 200 });
  const draft = await ask('viewer', 'GET', `${at}/notice/draft?form=ja-a`);
  expect(draft.body).toMatchObject({ missing: [], attestations: expect.any(Array) });
  const text = await ask('viewer', 'GET', `${at}/notice?form=ja-a&format=text`);
  expect(text).toMatchObject({ status: 200, type: 'text/plain; charset=utf-8' });
  expect(text.raw.toString()).toContain('下書き');

  const attested = (draft.body.attestations as { id: string }[]).map(({ id }) => id);
  expect(await ask('reviewer', 'POST', `${at}/notice/approve`, { form: 'ja-a', attested })).toMatchObject({
    status: 403,
  });
  expect(await ask('approver', 'POST', `${at}/notice/approve`, { form: 'ja-a', attested: [] })).toMatchObject(
    {
      status: 422,
      body: { error: { code: 'notice_incomplete' } },
    },
  );

  const sent = { type: 'sent', channel: 'web-form', receipt: 'R-1', at: '2026-05-01T10:00:00+09:00' };
  expect(await ask('reviewer', 'POST', `${at}/events`, sent)).toMatchObject({
    status: 200,
    body: { seq: 2, clock: { basis: 'statutory', dueOn: '2026-05-08' } },
  });
  const stale = { type: 'reply', class: 'refused', expectedSeq: 1 };
  expect(await ask('reviewer', 'POST', `${at}/events`, stale)).toMatchObject({ status: 409 });
  const reply = { type: 'reply', class: 'refused', reason: 'no', key: 'their-1', expectedSeq: 2 };
  expect(await ask('reviewer', 'POST', `${at}/events`, reply)).toMatchObject({
    status: 200,
    body: { seq: 3 },
  });
  expect(await ask('reviewer', 'POST', `${at}/events`, { ...reply, expectedSeq: 2 })).toMatchObject({
    status: 200,
    body: { seq: 3 },
  });
  expect(await ask('reviewer', 'POST', `${at}/events`, { type: 'reply', class: 'maybe' })).toMatchObject({
    status: 400,
  });
  expect((await ask('viewer', 'GET', at)).body.events.at(-1)).toMatchObject({
    actor: 'reviewer-1',
    event: { type: 'reply' },
  });
  expect((await ask('viewer', 'GET', '/cases?externalRef=CRM-1')).body.cases).toHaveLength(1);
});

test('templates are listed, put by an admin and previewed', async () => {
  const { body } = await ask('viewer', 'GET', '/templates');
  expect(body.templates).toHaveLength(6);
  const { source } = (await ask('viewer', 'GET', '/templates/dmca/en')).body;
  expect(await ask('viewer', 'GET', '/templates/dmca/ja')).toMatchObject({ status: 400 });
  expect(await ask('approver', 'POST', '/templates', { source })).toMatchObject({ status: 403 });
  expect(await ask('admin', 'POST', '/templates', { source })).toMatchObject({
    status: 201,
    body: { version: 'own-1' },
  });
  const html = await ask('viewer', 'POST', '/templates/preview', { source });
  expect(html).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' });
  const pdf = await ask('viewer', 'POST', '/templates/preview', { source, format: 'pdf' });
  expect(pdf.raw.subarray(0, 5).toString()).toBe('%PDF-');
});
