/** Signing in through a real OpenID provider on this machine. */
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addUser } from '../../../src/features/people/index.ts';
import { ReviewRoom } from '../../support/review.ts';

const CLIENT = { client_id: 'utsushi', client_secret: 'a-secret-only-for-this-test' };

/** Accounts by the login the provider is told. */
const ACCOUNTS: Record<string, { email: string; email_verified: boolean }> = {
  hana: { email: 'hana@example.jp', email_verified: true },
  stranger: { email: 'stranger@example.jp', email_verified: true },
  impostor: { email: 'hana@example.jp', email_verified: false },
};

let provider: Server;
let room: ReviewRoom;
let base: string;

beforeAll(async () => {
  // The API's port is not known before it listens, and the provider must know where to send people back to.
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const port = (probe.address() as AddressInfo).port;
  await new Promise((resolve) => probe.close(resolve));
  base = `http://127.0.0.1:${port}`;

  provider = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => provider.once('listening', resolve));
  const issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const oidc = new Provider(issuer, {
    clients: [{ ...CLIENT, redirect_uris: [`${base}/api/session/oidc/callback`] }],
    claims: { email: ['email', 'email_verified'] },
    conformIdTokenClaims: true,
    pkce: { required: () => true },
    cookies: { keys: ['a key only for this test'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...ACCOUNTS[id]! }) }),
  });
  provider.on('request', oidc.callback());

  room = await ReviewRoom.open([], {
    environment: {
      UTSUSHI_PUBLIC_URL: base,
      UTSUSHI_OIDC_ISSUER: issuer,
      UTSUSHI_OIDC_CLIENT_ID: CLIENT.client_id,
      UTSUSHI_OIDC_CLIENT_SECRET: CLIENT.client_secret,
    },
  });
  await addUser(
    room.app.db,
    { name: 'hana@example.jp', role: 'reviewer' },
    { actor: 'test', at: new Date() },
  );
  await room.api.listen({ host: '127.0.0.1', port });
});
afterAll(async () => {
  await room?.close();
  provider?.closeAllConnections();
  provider?.close();
});

/** A browser that keeps cookies, follows redirects, and fills in the provider's development forms. */
class Visitor {
  readonly #cookies = new Map<string, Map<string, string>>();

  async go(url: string, login: string): Promise<Response> {
    let next: { url: string; form?: URLSearchParams } = { url };
    for (let step = 0; step < 20; step++) {
      const answer = await this.request(next.url, next.form);
      const location = answer.headers.get('location');
      if (location !== null) {
        const target = new URL(location, next.url).href;
        if (target === `${base}/`) return answer;
        next = { url: target };
        continue;
      }
      const page = await answer.clone().text();
      const action = /<form[^>]+action="([^"]+)"/.exec(page)?.[1];
      if (action === undefined) return answer;
      const prompt = /name="prompt" value="(\w+)"/.exec(page)![1]!;
      next = {
        url: new URL(action, next.url).href,
        form: new URLSearchParams(prompt === 'login' ? { prompt, login, password: 'any' } : { prompt }),
      };
    }
    throw new Error('too many redirects');
  }

  async request(url: string, form?: URLSearchParams): Promise<Response> {
    const jar = this.#cookies.get(new URL(url).host) ?? new Map<string, string>();
    this.#cookies.set(new URL(url).host, jar);
    const answer = await fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { body: form }),
    });
    for (const each of answer.headers.getSetCookie()) {
      const [name, value] = each.split(';')[0]!.split('=', 2) as [string, string];
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  }

  async whoAmI(): Promise<unknown> {
    return (await this.request(`${base}/api/session`)).json();
  }
}

test('somebody who was added by e-mail address comes in, and is known again by the provider’s own id', async () => {
  const visitor = new Visitor();
  expect(await visitor.whoAmI()).toMatchObject({ user: null, oidc: true });
  await visitor.go(`${base}/api/session/oidc`, 'hana');
  expect(await visitor.whoAmI()).toMatchObject({ user: { name: 'hana@example.jp', role: 'reviewer' } });
  ACCOUNTS['hana'] = { email: 'hana@new.example.jp', email_verified: true };
  const again = new Visitor();
  await again.go(`${base}/api/session/oidc`, 'hana');
  expect(await again.whoAmI()).toMatchObject({ user: { name: 'hana@example.jp' } });
});

test.each(['stranger', 'impostor'])('a %s does not', async (login) => {
  const visitor = new Visitor();
  const answer = await visitor.go(`${base}/api/session/oidc`, login);
  expect(await answer.json()).toMatchObject({ error: { code: 'sign_in_failed' } });
  expect(await visitor.whoAmI()).toMatchObject({ user: null });
});

test('an answer of the provider that this browser did not ask for is refused', async () => {
  const answer = await new Visitor().request(`${base}/api/session/oidc/callback?code=stolen&state=guessed`);
  expect(answer.status).toBe(401);
});
