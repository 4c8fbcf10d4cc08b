import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { App } from '../../../app.ts';
import { UtsushiError } from '../../../errors.ts';
import {
  type OidcJourney,
  OidcSignIn,
  findUser,
  needsSetup,
  signIn,
  signOut,
  useLink,
} from '../../../features/people/index.ts';
import type { ApiServer } from '../api.ts';
import { clearSessionCookie, setSessionCookie, visitor } from '../auth.ts';

const sessionAnswer = z.object({
  user: z
    .object({
      id: z.string().nullable(),
      name: z.string(),
      role: z.enum(['viewer', 'reviewer', 'approver', 'admin']),
      locale: z.enum(['ja', 'en']).nullable(),
    })
    .nullable(),
  /** Open to whoever sits at this machine. */
  demo: z.boolean(),
  /** People can sign in through the OpenID provider. */
  oidc: z.boolean(),
  /** Nobody can sign in yet: the first admin's link has not been used. */
  setup: z.boolean(),
});

/** Signing in and out. */
export function sessionRoutes(server: ApiServer, app: App, options: { readonly demo: boolean }): void {
  const answerFor = async (user: z.input<typeof sessionAnswer>['user']) => ({
    user,
    demo: options.demo,
    oidc: app.config.oidc !== undefined,
    setup: await needsSetup(app.db),
  });
  if (app.config.oidc !== undefined) oidcRoutes(server, app, app.config.oidc);
  void server.register(async (plain) => {
    await plain.register(rateLimit, { global: false });
    const limited = plain as unknown as ApiServer;
    // Guessing one person's password from one place, and from many.
    const nearby = limited.createRateLimit({
      max: 10,
      timeWindow: '15 minutes',
      keyGenerator: (request) => `${request.ip} ${nameIn(request)}`,
    });
    const everywhere = limited.createRateLimit({
      max: 60,
      timeWindow: '15 minutes',
      keyGenerator: (request) => nameIn(request),
    });
    const requireFewTries = async (request: FastifyRequest) => {
      for (const limiter of [nearby, everywhere]) {
        const count = await limiter(request);
        if (!count.isAllowed && count.isExceeded)
          throw new UtsushiError('too_many_requests', 'too many attempts to sign in');
      }
    };
    limited.route({
      method: 'GET',
      url: '/session',
      config: { role: 'anyone' },
      schema: { summary: 'Who is signed in', response: { 200: sessionAnswer } },
      handler: async (request) => {
        const actor = visitor(request);
        const locale = actor?.id == null ? null : (await findUser(app.db, { id: actor.id })).locale;
        return answerFor(actor === null ? null : { ...actor, locale });
      },
    });
    limited.route({
      method: 'POST',
      url: '/session',
      config: { role: 'anyone' },
      schema: {
        summary: 'Sign in; sets the session cookie',
        body: z.object({ name: z.string().min(1).max(64), password: z.string().min(1).max(1_024) }),
        response: { 200: sessionAnswer },
      },
      handler: async (request, reply) => {
        await requireFewTries(request);
        const session = await signIn(app.db, request.body.name, request.body.password, app.checks.clock());
        setSessionCookie(request, reply, app, session);
        return answerFor(session.user);
      },
    });
    limited.route({
      method: 'POST',
      url: '/session/link',
      config: { role: 'anyone' },
      schema: {
        summary: 'Sign in by a one-time link, and set a password',
        body: z.object({
          token: z.string().min(1).max(128),
          password: z.string().min(1).max(1_024).optional(),
        }),
        response: { 200: sessionAnswer },
      },
      handler: async (request, reply) => {
        await requireFewTries(request);
        const { token, password } = request.body;
        const session = await useLink(app.db, token, password, app.checks.clock());
        setSessionCookie(request, reply, app, session);
        return answerFor(session.user);
      },
    });
    limited.route({
      method: 'DELETE',
      url: '/session',
      config: { role: 'anyone' },
      schema: { summary: 'Sign out', response: { 204: z.null() } },
      handler: async (request, reply) => {
        const secret = clearSessionCookie(request, reply, app);
        if (secret !== undefined) await signOut(app.db, secret);
        return reply.code(204).send(null);
      },
    });
  });
}

const JOURNEY_COOKIE = 'utsushi_oidc';
const JOURNEY_SECONDS = 600;
const journeySchema = z.object({ state: z.string(), nonce: z.string(), verifier: z.string() });

/** Signing in through the OpenID provider: away, and back. */
function oidcRoutes(
  server: ApiServer,
  app: App,
  provider: { readonly issuer: string; readonly clientId: string },
): void {
  const base = app.config.publicUrl!;
  const signInBy = new OidcSignIn({
    ...provider,
    clientSecret: app.secrets.oidcClientSecret!,
    redirectUri: new URL('/api/session/oidc/callback', base).href,
  });
  const cookie = {
    path: '/api/session/oidc',
    httpOnly: true,
    // The way back comes from the provider's site.
    sameSite: 'lax',
    secure: base.startsWith('https:'),
  } as const;
  server.route({
    method: 'GET',
    url: '/session/oidc',
    config: { role: 'anyone' },
    schema: { summary: 'Sign in through the OpenID provider: sends the browser there' },
    handler: async (_, reply) => {
      const { url, journey } = await signInBy.begin();
      void reply.setCookie(JOURNEY_COOKIE, Buffer.from(JSON.stringify(journey)).toString('base64url'), {
        ...cookie,
        maxAge: JOURNEY_SECONDS,
      });
      return reply.redirect(url);
    },
  });
  server.route({
    method: 'GET',
    url: '/session/oidc/callback',
    config: { role: 'anyone' },
    schema: { summary: 'Where the OpenID provider sends the browser back to' },
    handler: async (request, reply) => {
      void reply.clearCookie(JOURNEY_COOKIE, cookie);
      const session = await signInBy.finish(
        app.db,
        new URL(request.url, base).search,
        journeyIn(request),
        app.checks.clock(),
      );
      setSessionCookie(request, reply, app, session);
      return reply.redirect('/');
    },
  });
}

/** @throws UtsushiError `sign_in_failed` */
function journeyIn(request: FastifyRequest): OidcJourney {
  try {
    const written = Buffer.from(request.cookies[JOURNEY_COOKIE] ?? '', 'base64url').toString();
    return journeySchema.parse(JSON.parse(written));
  } catch (cause) {
    throw new UtsushiError('sign_in_failed', 'this browser did not begin to sign in, or too long ago', {
      cause,
    });
  }
}

function nameIn(request: FastifyRequest): string {
  const body = request.body as { name?: unknown } | undefined;
  return typeof body?.name === 'string' ? body.name.normalize('NFKC').toLowerCase() : 'link';
}
