/** Who comes in, and as what: sessions, links, tokens and roles, through the API on a real PostgreSQL. */
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROLES, type Role, firstAdminLink, makeLink } from '../../../src/features/people/index.ts';
import { announce } from '../../../src/platform/storage/live.ts';
import { eventually } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';
import { ReviewRoom, TOKEN } from '../../support/review.ts';

const PASSWORD = 'correct horse battery staple';
const OWN_PAGE = { 'sec-fetch-site': 'same-origin' };

describe('access', () => {
  let room: ReviewRoom;
  let clock = new Date('2026-03-01T00:00:00Z');
  const tokens = {} as Record<Role, string>;
  beforeAll(async () => {
    room = await ReviewRoom.open([0], { app: { clock: () => clock } });
    for (const role of ROLES) tokens[role] = await room.person(`a-${role}`, role);
  });
  afterAll(() => room?.close());

  const browser = (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object, headers = {}) =>
    room.api.inject({
      method,
      url: `/api${url}`,
      headers: { ...OWN_PAGE, ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
  const cookieOf = (answer: { cookies: { name: string; value: string }[] }) => {
    const { name, value } = answer.cookies[0]!;
    return { cookie: `${name}=${value}` };
  };

  test('nothing is open: every route asks who is there, but for signing in', async () => {
    const openapi = (await room.api.inject({ url: '/openapi.json' })).json<{
      paths: Record<string, Record<string, unknown>>;
    }>();
    const open: string[] = [];
    let asked = 0;
    for (const [path, methods] of Object.entries(openapi.paths)) {
      for (const method of Object.keys(methods)) {
        asked += 1;
        const answer = await room.api.inject({
          method: method.toUpperCase() as 'GET',
          url: path.replaceAll(/\{\w+\}/g, '0192f0c1-5b7e-4c9c-9a0e-2f6c1f7b6d11'),
          headers: OWN_PAGE,
        });
        if (answer.statusCode !== 401) open.push(`${method} ${path}`);
      }
    }
    expect(asked).toBeGreaterThan(30);
    // A sign-in without a body is refused for that.
    expect(open.toSorted()).toEqual([
      'delete /api/session',
      'get /api/session',
      'post /api/session',
      'post /api/session/link',
    ]);
  });

  test.each([
    ['GET', '/alerts', 'viewer'],
    ['GET', '/users', 'viewer'],
    ['POST', '/checks', 'reviewer'],
    ['POST', '/alerts/decide', 'reviewer'],
    ['POST', '/alerts/0192f0c1-5b7e-4c9c-9a0e-2f6c1f7b6d11/events', 'reviewer'],
    ['POST', '/rules', 'approver'],
    ['DELETE', '/rules/tolerance:1', 'approver'],
    ['POST', '/users', 'admin'],
  ] as const)('%s %s needs the role %s', async (method, url, least) => {
    for (const role of ROLES) {
      const answer = await room.ask(method, url, method === 'GET' ? undefined : {}, tokens[role]);
      const mayPass = ROLES.indexOf(role) >= ROLES.indexOf(least);
      expect({ role, refused: answer.statusCode === 403 }).toEqual({ role, refused: !mayPass });
    }
  });

  test('a first start makes one link for the admin; it works once, sets a password and opens a session', async () => {
    const first = (await firstAdminLink(room.app.db, clock))!;
    expect(first.name).toBe('a-admin');
    expect((await browser('GET', '/session')).json()).toMatchObject({ user: null, setup: true, demo: false });
    const again = (await firstAdminLink(room.app.db, clock))!;
    const used = (secret: string, password?: string) =>
      browser('POST', '/session/link', { token: secret, ...(password === undefined ? {} : { password }) });
    expect((await used(first.secret, PASSWORD)).json()).toMatchObject({ error: { code: 'sign_in_failed' } });
    expect((await used(again.secret, 'short')).json()).toMatchObject({ error: { code: 'usage' } });
    const answer = await used(again.secret, PASSWORD);
    expect(answer.json()).toMatchObject({ user: { name: 'a-admin', role: 'admin' }, setup: false });
    expect(answer.cookies[0]).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' });
    expect((await used(again.secret)).statusCode).toBe(401);
    expect(await firstAdminLink(room.app.db, clock)).toBeUndefined();
    const stored = await room.app.pool.query('select * from users, sessions, sign_in_links');
    expect(JSON.stringify(stored.rows)).not.toContain(again.secret);
    expect(
      (await room.app.db
        .selectFrom('users')
        .select('password_hash')
        .where('name', '=', 'a-admin')
        .executeTakeFirst())!.password_hash,
    ).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  test('a session comes from name and password, counts for our own pages only, and ends', async () => {
    const wrong = await browser('POST', '/session', { name: 'a-admin', password: 'wrong' });
    const nobody = await browser('POST', '/session', { name: 'nobody', password: 'wrong' });
    expect(wrong.json()).toEqual(nobody.json());
    expect(wrong.statusCode).toBe(401);
    const signedIn = cookieOf(await browser('POST', '/session', { name: 'a-admin', password: PASSWORD }));
    expect((await browser('GET', '/session', undefined, signedIn)).json()).toMatchObject({
      user: { name: 'a-admin' },
    });
    const foreign: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      {},
    ];
    for (const headers of foreign) {
      const answer = await room.api.inject({
        method: 'POST',
        url: '/api/views',
        headers: { ...signedIn, ...headers },
        payload: { name: 'x', query: '' },
      });
      expect({ headers, status: answer.statusCode }).toEqual({ headers, status: 403 });
    }
    expect((await browser('POST', '/views', { name: 'x', query: 'state=open' }, signedIn)).statusCode).toBe(
      200,
    );
    const start = clock;
    clock = new Date(start.getTime() + 4 * 86_400_000);
    expect((await browser('GET', '/session', undefined, signedIn)).json()).toMatchObject({ user: null });
    clock = start;
    await browser('DELETE', '/session', undefined, signedIn);
    expect((await browser('GET', '/alerts', undefined, signedIn)).statusCode).toBe(401);
  });

  test('guessing is slowed down', async () => {
    const codes: number[] = [];
    for (let i = 0; i < 12; i++)
      codes.push(
        (await browser('POST', '/session', { name: 'a-victim', password: `guess ${i}` })).statusCode,
      );
    expect(codes.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 401));
    expect(codes.slice(10)).toEqual([429, 429]);
    expect((await browser('POST', '/session', { name: 'a-admin', password: PASSWORD })).statusCode).toBe(200);
  });

  test('an admin adds people, who set their own password; nobody sets another one’s', async () => {
    const { user, link } = await room.post<{ user: { id: string }; link: { token: string } }>(
      '/users',
      { name: '花子', role: 'reviewer' },
      tokens.admin,
    );
    expect(
      (await room.ask('POST', '/users', { name: '花子', role: 'viewer' }, tokens.admin)).statusCode,
    ).toBe(409);
    expect(
      (await room.ask('POST', '/users', { name: 'utsushi', role: 'viewer' }, tokens.admin)).statusCode,
    ).toBe(400);
    const joined = await browser('POST', '/session/link', { token: link.token, password: PASSWORD });
    const signedIn = cookieOf(joined);
    const change = (token: string, body: object) => room.ask('POST', `/users/${user.id}`, body, token);
    expect((await change(tokens.admin, { password: 'chosen by another' })).statusCode).toBe(403);
    expect((await change(tokens.approver, { role: 'admin' })).statusCode).toBe(403);
    expect((await browser('POST', `/users/${user.id}`, { role: 'admin' }, signedIn)).statusCode).toBe(403);
    expect((await browser('POST', `/users/${user.id}`, { locale: 'en' }, signedIn)).json()).toMatchObject({
      user: { locale: 'en' },
    });
    const disabled = await change(tokens.admin, { enabled: false });
    expect(disabled.json()).toMatchObject({ user: { enabled: false } });
    expect((await browser('GET', '/alerts', undefined, signedIn)).statusCode).toBe(401);
    expect((await browser('POST', '/session', { name: '花子', password: PASSWORD })).statusCode).toBe(401);
  });

  test('the last admin stays one', async () => {
    const { users } = await room.get<{ users: { id: string; name: string }[] }>('/users');
    const admin = users.find(({ name }) => name === 'a-admin')!;
    for (const body of [{ role: 'viewer' }, { enabled: false }]) {
      expect((await room.ask('POST', `/users/${admin.id}`, body)).json()).toMatchObject({
        error: { code: 'usage' },
      });
    }
  });

  test('a token is shown once, does what its person may, and stops when deleted', async () => {
    const { token, secret } = await room.post<{ token: { id: string }; secret: string }>(
      '/tokens',
      { name: 'export', expiresAt: '2026-03-02T00:00:00Z' },
      tokens.reviewer,
    );
    expect((await room.get<{ tokens: unknown[] }>('/tokens', secret)).tokens).toHaveLength(2);
    expect((await room.ask('DELETE', `/tokens/${token.id}`, undefined, tokens.viewer)).statusCode).toBe(404);
    const start = clock;
    clock = new Date('2026-03-02T00:00:01Z');
    expect((await room.ask('GET', '/alerts', undefined, secret)).statusCode).toBe(401);
    clock = start;
    expect((await room.ask('DELETE', `/tokens/${token.id}`, undefined, secret)).statusCode).toBe(204);
    expect((await room.ask('GET', '/alerts', undefined, secret)).statusCode).toBe(401);
    expect((await room.ask('POST', '/tokens', { name: 'x' }, TOKEN)).statusCode).toBe(403);
  });

  test('a link is over after a day', async () => {
    const { id } = (await room.get<{ users: { id: string; name: string }[] }>('/users')).users.find(
      ({ name }) => name === 'a-viewer',
    )!;
    const { secret } = await makeLink(room.app.db, id, { actor: 'test', at: clock });
    const start = clock;
    clock = new Date(start.getTime() + 86_400_000);
    expect((await browser('POST', '/session/link', { token: secret, password: PASSWORD })).statusCode).toBe(
      401,
    );
    clock = start;
  });

  test('what changes is told to whoever listens, once it is committed', async () => {
    const address = await room.api.listen({ host: '127.0.0.1', port: 0 });
    const stop = new AbortController();
    const stream = await fetch(`${address}/api/live`, {
      headers: { authorization: `Bearer ${tokens.viewer}` },
      signal: stop.signal,
    });
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    let heard = '';
    void (async () => {
      for await (const chunk of stream.body!) heard += Buffer.from(chunk).toString();
    })().catch(() => {});
    const [id] = await room.see(await artwork(0).resize(200).jpeg().toBuffer());
    await eventually('the alert to be told', async () =>
      heard.includes(JSON.stringify({ type: 'alert', id })),
    );
    await room.app.db
      .transaction()
      .execute(async (tx) => {
        await tx.updateTable('alerts').set({ priority: 1 }).execute();
        await announce(tx, 'alert', 'rolled-back');
        throw new Error('no');
      })
      .catch(() => {});
    await sleep(200);
    expect(heard).not.toContain('rolled-back');
    stop.abort();
  });
});

describe('demo mode', () => {
  let room: ReviewRoom;
  let address: string;
  beforeAll(async () => {
    room = await ReviewRoom.open([0], { demo: true });
    address = await room.api.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(() => room?.close());

  test('is open to this machine only, and says so', async () => {
    const ask = (headers: Record<string, string> = {}, host?: string) =>
      room.api.inject({
        url: '/api/session',
        headers: { host: host ?? new URL(address).host, ...headers },
        remoteAddress: '127.0.0.1',
      });
    expect((await ask()).json()).toMatchObject({ user: { name: 'demo', role: 'admin' }, demo: true });
    const port = (room.api.server.address() as AddressInfo).port;
    for (const answer of [
      await ask({ 'x-forwarded-for': '203.0.113.7' }),
      await ask({}, `evil.example:${port}`),
      await room.api.inject({ url: '/api/session', remoteAddress: '203.0.113.7' }),
    ]) {
      expect(answer.json()).toMatchObject({ user: null, demo: true });
    }
    const foreign = await fetch(`${address}/api/views`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'sec-fetch-site': 'cross-site' },
      body: JSON.stringify({ name: 'x', query: '' }),
    });
    expect(foreign.status).toBe(403);
  });
});

interface AlertSeen {
  readonly decision: string | null;
  readonly events: readonly { readonly actor: string; readonly event: object }[];
}

describe('a second reviewer', () => {
  let room: ReviewRoom;
  beforeAll(async () => {
    room = await ReviewRoom.open([0, 1, 2], { environment: { UTSUSHI_SECOND_REVIEWER: 'confirm' } });
  });
  afterAll(() => room?.close());

  test('must confirm too, and be another person; where the two differ an approver decides', async () => {
    const [one, two, approver] = await Promise.all([
      room.person('one', 'reviewer'),
      room.person('two', 'reviewer'),
      room.person('chief', 'approver'),
    ]);
    const confirm = { type: 'decide', decision: 'confirm', reason: 'same' };
    const ids: string[] = [];
    for (const seed of [0, 1, 2])
      ids.push(...(await room.see(await artwork(seed).resize(300).png().toBuffer())));
    const act = (id: string, body: object, token: string) =>
      room.ask('POST', `/alerts/${id}/events`, body, token);
    for (const id of ids)
      expect((await act(id, confirm, one)).json()).toMatchObject({ state: 'second-review' });
    // Whoever comes second does not know what the first one said, wherever they look.
    const seenBy = (token: string) => room.get<AlertSeen>(`/alerts/${ids[0]}`, token);
    expect(await seenBy(one)).toMatchObject({ decision: 'confirm', decidedBy: 'one' });
    for (const token of [two, approver]) {
      const seen = await seenBy(token);
      expect(seen).toMatchObject({ state: 'second-review', decision: null, decidedBy: null });
      expect(seen.events.at(-1)).toMatchObject({ actor: '', event: { type: 'decided', veiled: true } });
      expect(JSON.stringify(seen)).not.toMatch(/confirm|"same"|"one"/);
    }
    const listed = await room.get<{ alerts: AlertSeen[]; counts: { decision: object } }>('/alerts', two);
    expect(listed.alerts.map(({ decision }) => decision)).toEqual([null, null, null]);
    expect(listed.counts.decision).toEqual({ none: 3 });
    expect(await room.get('/alerts?decision=confirm', two)).toMatchObject({ alerts: [], total: 0 });
    expect(await room.get('/alerts?decision=confirm&assetId=work-0', two)).toMatchObject({ total: 0 });
    const late = await act(ids[0]!, { ...confirm, expectedSeq: 1 }, two);
    expect(late.statusCode).toBe(409);
    expect(late.body).not.toMatch(/"confirm"|"same"|"one"/);
    expect((await act(ids[0]!, confirm, one)).statusCode).toBe(403);
    expect((await act(ids[0]!, confirm, two)).json()).toMatchObject({
      state: 'decided',
      decision: 'confirm',
      decidedBy: 'two',
    });
    expect((await act(ids[2]!, confirm, two)).json()).toMatchObject({ state: 'decided' });
    const not = { type: 'decide', decision: 'not-similar', reason: 'another drawing' };
    expect((await act(ids[1]!, not, two)).json()).toMatchObject({ state: 'escalated', decision: 'escalate' });
    expect((await act(ids[1]!, not, one)).statusCode).toBe(403);
    expect((await act(ids[1]!, not, approver)).json()).toMatchObject({
      state: 'decided',
      decision: 'not-similar',
    });
    const { overall } = await room.get<{
      overall: {
        agreement: { alerts: number; observed: number; kappa: number };
        drawn: { alerts: number };
      };
    }>('/reports/reviewers');
    // Two agree on confirm, one not: chance alone would give 1 * 2/3.
    expect(overall.agreement.alerts).toBe(3);
    expect(overall.agreement.observed).toBeCloseTo(2 / 3);
    expect(overall.agreement.kappa).toBeCloseTo(0);
    expect(overall.drawn.alerts).toBe(0);
    expect(await seenBy(two)).toMatchObject({ decision: 'confirm', decidedBy: 'two' });
  });
});

describe('double review of alerts that are drawn', () => {
  let room: ReviewRoom;
  beforeAll(async () => {
    room = await ReviewRoom.open([0, 1], { environment: { UTSUSHI_DOUBLE_REVIEW: '1' } });
  });
  afterAll(() => room?.close());

  test('asks for a second person whatever the first one says, and tells how far people agree', async () => {
    const [one, two] = await Promise.all([room.person('one', 'reviewer'), room.person('two', 'approver')]);
    const [first, second] = await Promise.all(
      [0, 1].map(async (seed) => (await room.see(await artwork(seed).resize(300).png().toBuffer()))[0]!),
    );
    const decide = (id: string, decision: string, token: string) =>
      room.post<AlertSeen>(`/alerts/${id}/events`, { type: 'decide', decision, reason: 'looked' }, token);
    expect(await decide(first!, 'not-similar', one)).toMatchObject({ state: 'second-review' });
    expect(await decide(second!, 'confirm', one)).toMatchObject({ state: 'second-review' });
    expect(await decide(first!, 'not-similar', two)).toMatchObject({ state: 'decided' });
    // Also an approver learns first that the two differ, and then settles it.
    expect(await decide(second!, 'not-similar', two)).toMatchObject({ state: 'escalated' });
    expect(await decide(second!, 'confirm', two)).toMatchObject({ state: 'decided', decision: 'confirm' });
    const { overall } = await room.get<{ overall: { drawn: { alerts: number; observed: number } } }>(
      '/reports/reviewers',
    );
    expect(overall.drawn).toMatchObject({ alerts: 2, observed: 0.5 });
  });
});
