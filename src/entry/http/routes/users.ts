import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { App } from '../../../app.ts';
import { UtsushiError } from '../../../errors.ts';
import {
  ROLES,
  addUser,
  changeUser,
  createToken,
  deleteToken,
  findUser,
  hasRole,
  listTokens,
  listUsers,
  makeLink,
  setPassword,
} from '../../../features/people/index.ts';
import { type ApiServer, date } from '../api.ts';

const role = z.enum(ROLES);
const locale = z.enum(['ja', 'en']);
const user = z.object({
  id: z.string(),
  name: z.string(),
  role,
  locale,
  enabled: z.boolean(),
  signIn: z.enum(['password', 'oidc', 'none']),
  createdAt: date,
  lastSignInAt: date.nullable(),
});
const token = z.object({
  id: z.string(),
  user: z.string(),
  name: z.string(),
  createdAt: date,
  expiresAt: date.nullable(),
  lastUsedAt: date.nullable(),
});
const link = z.object({ token: z.string(), expiresAt: date });

/** People and their tokens. */
export function userRoutes(server: ApiServer, app: App): void {
  const by = (request: FastifyRequest) => ({ actor: request.actor.name, at: app.checks.clock() });
  server.route({
    method: 'GET',
    url: '/users',
    schema: { summary: 'Users by name', response: { 200: z.object({ users: z.array(user) }) } },
    handler: async () => ({ users: await listUsers(app.db) }),
  });
  server.route({
    method: 'POST',
    url: '/users',
    config: { role: 'admin' },
    schema: {
      summary: 'Add a user; the answer holds the one-time link by which the person first signs in',
      body: z.object({ name: z.string(), role, locale: locale.optional() }),
      response: { 201: z.object({ user, link }) },
    },
    handler: async (request, reply) => {
      const added = await addUser(app.db, request.body, by(request));
      const { secret, expiresAt } = await makeLink(app.db, added.id, by(request));
      return reply.code(201).send({ user: added, link: { token: secret, expiresAt } });
    },
  });
  server.route({
    method: 'POST',
    url: '/users/:id',
    config: { role: 'viewer' },
    schema: {
      summary:
        'Change a user: one’s own language and password, or as an admin anybody’s role, state and link',
      params: z.object({ id: z.uuid() }),
      body: z.object({
        role: role.optional(),
        locale: locale.optional(),
        enabled: z.boolean().optional(),
        password: z.string().max(1_024).optional(),
        link: z.literal(true).optional(),
      }),
      response: { 200: z.object({ user, link: link.optional() }) },
    },
    handler: async (request) => {
      const { params, body, actor } = request;
      const { role: newRole, enabled, locale: newLocale, password } = body;
      const concernsOthers = newRole !== undefined || enabled !== undefined || body.link === true;
      if (!hasRole(actor, 'admin') && (actor.id !== params.id || concernsOthers)) {
        throw new UtsushiError('forbidden', 'only an admin can change other people, roles and links');
      }
      await findUser(app.db, params);
      // Whoever sets another person's password could act as that person; a link tells the person.
      if (password !== undefined && actor.id !== params.id) {
        throw new UtsushiError('forbidden', 'nobody can set another person’s password; make a link instead');
      }
      const changed = await changeUser(
        app.db,
        params.id,
        { role: newRole, enabled, locale: newLocale },
        by(request),
      );
      if (password !== undefined) await setPassword(app.db, params.id, password, by(request));
      if (body.link !== true) return { user: changed };
      const { secret, expiresAt } = await makeLink(app.db, params.id, by(request));
      return { user: changed, link: { token: secret, expiresAt } };
    },
  });
  server.route({
    method: 'GET',
    url: '/tokens',
    schema: {
      summary: 'One’s own API tokens; an admin sees everybody’s',
      response: { 200: z.object({ tokens: z.array(token) }) },
    },
    handler: async ({ actor }) => ({ tokens: await listTokens(app.db, ownerOf(actor)) }),
  });
  server.route({
    method: 'POST',
    url: '/tokens',
    config: { role: 'viewer' },
    schema: {
      summary: 'Make an API token for oneself; its secret is shown this once',
      body: z.object({
        name: z.string().min(1).max(100),
        expiresAt: z.iso.datetime({ offset: true }).optional(),
      }),
      response: { 201: z.object({ token, secret: z.string() }) },
    },
    handler: async (request, reply) => {
      const { id, name } = request.actor;
      if (id === null) throw new UtsushiError('forbidden', `${name} is no person; sign in to make a token`);
      const { name: label, expiresAt } = request.body;
      const made = await createToken(
        app.db,
        { id, name },
        { name: label, expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt) },
        by(request),
      );
      return reply.code(201).send(made);
    },
  });
  server.route({
    method: 'DELETE',
    url: '/tokens/:id',
    config: { role: 'viewer' },
    schema: {
      summary: 'Delete an API token: it stops working at once',
      params: z.object({ id: z.uuid() }),
      response: { 204: z.null() },
    },
    handler: async (request, reply) => {
      await deleteToken(app.db, request.params.id, ownerOf(request.actor), by(request));
      return reply.code(204).send(null);
    },
  });
}

/** Whose records somebody may see: an admin everybody's. */
function ownerOf(actor: FastifyRequest['actor']): string | undefined {
  return hasRole(actor, 'admin') ? undefined : actor.id!;
}
