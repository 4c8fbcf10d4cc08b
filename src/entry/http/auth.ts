import { createHash, timingSafeEqual } from 'node:crypto';
import { Readable } from 'node:stream';
import cookie from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../../app.ts';
import { UtsushiError } from '../../errors.ts';
import { signerOf } from '../../features/delivery/index.ts';
import {
  type Actor,
  type Role,
  type Session,
  type User,
  requireRole,
  sessionUser,
  tokenUser,
} from '../../features/people/index.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. On routes for `anyone` it may be nobody: ask `visitor()`. */
    actor: Actor;
  }
  interface FastifyContextConfig {
    /** The least role that may use this route. Left out: viewer to read, admin for everything else. */
    role?: Role | 'anyone';
    /** Also open to whoever signs with a webhook's secret; they act as a reviewer. */
    signed?: true;
  }
}

export interface AuthOptions {
  readonly app: App;
  /** Acts as the admin `api`. */
  readonly apiToken: string;
  /** Whoever comes from this machine is the admin `demo`. */
  readonly demo: boolean;
}

const COOKIE = 'utsushi_session';
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const LOOPBACK_ADDRESS = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/;
const LOOPBACK_HOST = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i;

/** Puts a guard before every route that is registered on `server` after this. */
export async function guard(server: FastifyInstance, options: AuthOptions): Promise<void> {
  await server.register(cookie);
  server.decorateRequest('actor', null as unknown as Actor);
  server.addHook('onRequest', async (request) => {
    // A signature is over the body, which is not here yet: see below.
    if (isSigned(request)) return;
    const actor = await identify(request, options);
    if (actor !== undefined) request.actor = actor;
    const least = request.routeOptions.config.role ?? (SAFE.has(request.method) ? 'viewer' : 'admin');
    if (least === 'anyone') return;
    if (actor === undefined) throw new UtsushiError('unauthorized', 'this needs a sign-in or a bearer token');
    requireRole(actor, least);
  });
  server.addHook('preParsing', async (request, _reply, payload) => {
    if (!isSigned(request)) return payload;
    const body = await readBody(payload, request.routeOptions.bodyLimit);
    request.actor = await signer(request, options.app, body);
    return Readable.from([body]);
  });
}

function isSigned({ headers, routeOptions }: FastifyRequest): boolean {
  return (
    routeOptions.config.signed === true &&
    headers.authorization === undefined &&
    headers['webhook-signature'] !== undefined
  );
}

async function signer(request: FastifyRequest, app: App, body: Buffer): Promise<Actor> {
  const text = (name: string) => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : '';
  };
  const headers = {
    webhook: text('utsushi-webhook'),
    id: text('webhook-id'),
    timestamp: text('webhook-timestamp'),
    signature: text('webhook-signature'),
  };
  const webhook = await signerOf(app.webhooks, headers, body, app.checks.clock());
  if (webhook === undefined) {
    throw new UtsushiError(
      'unauthorized',
      'the signature is not genuine, older than five minutes, or of a webhook that may not report',
    );
  }
  return { id: null, name: `webhook ${webhook.id}`, role: 'reviewer' };
}

async function readBody(payload: AsyncIterable<unknown>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of payload) {
    chunks.push(Buffer.from(chunk as Uint8Array));
    length += chunks.at(-1)!.length;
    if (length > limit) throw new UtsushiError('invalid_request', `the body has more than ${limit} bytes`);
  }
  return Buffer.concat(chunks);
}

/** Who asks, or nobody. */
export function visitor(request: FastifyRequest): Actor | null {
  return (request.actor as Actor | null) ?? null;
}

export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  app: App,
  { secret, expiresAt }: Session,
): void {
  void reply.setCookie(COOKIE, secret, { ...cookieOptions(request, app), expires: expiresAt });
}

/** @returns the session's secret, if there was one */
export function clearSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  app: App,
): string | undefined {
  void reply.clearCookie(COOKIE, cookieOptions(request, app));
  return request.cookies[COOKIE];
}

function cookieOptions(request: FastifyRequest, app: App) {
  return {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: (app.config.publicUrl ?? `${request.protocol}:`).startsWith('https:'),
  } as const;
}

async function identify(
  request: FastifyRequest,
  { app, apiToken, demo }: AuthOptions,
): Promise<Actor | undefined> {
  const at = app.checks.clock();
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const given = /^Bearer (.+)$/i.exec(authorization)?.[1] ?? '';
    if (equal(given, apiToken)) return { id: null, name: 'api', role: 'admin' };
    const user = await tokenUser(app.db, given, at);
    if (user === undefined) throw new UtsushiError('unauthorized', 'the bearer token is not valid');
    return actorOf(user);
  }
  // From here on a browser may have been made to ask by another site's page; a bearer token it cannot add.
  if (!SAFE.has(request.method)) requireSameOrigin(request, app);
  const secret = request.cookies[COOKIE];
  const user = secret === undefined ? undefined : await sessionUser(app.db, secret, at);
  if (user !== undefined) return actorOf(user);
  return demo && isLocal(request) ? { id: null, name: 'demo', role: 'admin' } : undefined;
}

export function actorOf(user: User): Actor {
  return { id: user.id, name: user.name, role: user.role };
}

/** Every browser says where a request that changes something comes from, in one of these two headers. */
function requireSameOrigin(request: FastifyRequest, app: App): void {
  const site = request.headers['sec-fetch-site'];
  if (site === 'same-origin') return;
  const { origin } = request.headers;
  if (site === undefined && origin !== undefined && URL.canParse(origin)) {
    const own = [
      request.host,
      ...(app.config.publicUrl === undefined ? [] : [new URL(app.config.publicUrl).host]),
    ];
    if (own.includes(new URL(origin).host)) return;
  }
  if (site === undefined && origin === undefined && request.cookies[COOKIE] === undefined) return;
  throw new UtsushiError('forbidden', 'this request comes from another site, or does not say from where');
}

/** From this machine, through no proxy, and meant for it: a page that resolves its name to 127.0.0.1 is not. */
function isLocal(request: FastifyRequest): boolean {
  return (
    LOOPBACK_ADDRESS.test(request.socket.remoteAddress ?? '') &&
    LOOPBACK_HOST.test(request.headers.host ?? '') &&
    request.headers['x-forwarded-for'] === undefined &&
    request.headers.forwarded === undefined
  );
}

/** In time that does not depend on where they differ. */
function equal(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
