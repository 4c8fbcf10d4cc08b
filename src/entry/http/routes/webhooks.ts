import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { App } from '../../../app.ts';
import {
  KINDS,
  SUBSCRIBABLE,
  addWebhook,
  enableWebhook,
  listDead,
  listWebhooks,
  newWebhookSchema,
  removeWebhook,
  replay,
  rotateSecret,
  sendTest,
} from '../../../features/delivery/index.ts';
import { type ApiServer, date, limit } from '../api.ts';

const webhook = z.object({
  id: z.string(),
  kind: z.enum(KINDS),
  url: z.string().describe('Of chat services without its path, which is as good as a password.'),
  events: z.array(z.string()).readonly(),
  tiers: z.array(z.enum(['high', 'standard'])).readonly(),
  digest: z.boolean(),
  artwork: z.boolean(),
  callbacks: z.boolean(),
  lang: z.enum(['ja', 'en']),
  enabled: z.boolean(),
  previousSecretUntil: date.nullable(),
  createdAt: date,
  createdBy: z.string(),
});
const listed = webhook.extend({
  deliveries: z.object({ pending: z.number(), delivered: z.number(), dead: z.number() }),
  lastError: z.string().nullable(),
});
const withSecret = webhook.extend({
  secret: z.string().nullable().describe('Shown this once; null where nothing is signed.'),
});
const deadDelivery = z.object({
  id: z.string(),
  webhookId: z.string(),
  url: z.string(),
  eventId: z.string(),
  seq: z.number(),
  type: z.string(),
  subject: z.string(),
  attempts: z.number(),
  lastError: z.string().nullable(),
  diedAt: date,
});
const webhookId = z.object({ id: z.uuid() });
const HOUR_MS = 3_600_000;

/** Where events are delivered to. Admins only. */
export function webhookRoutes(server: ApiServer, app: App): void {
  const config = { role: 'admin' } as const;
  const by = ({ actor }: FastifyRequest) => ({ actor: actor.name, at: app.checks.clock() });
  server.route({
    method: 'GET',
    url: '/webhooks',
    config,
    schema: {
      summary: 'Webhooks, and how far their deliveries have come',
      response: { 200: z.object({ webhooks: z.array(listed), eventTypes: z.array(z.string()).readonly() }) },
    },
    handler: async () => ({ webhooks: await listWebhooks(app.db), eventTypes: SUBSCRIBABLE }),
  });
  server.route({
    method: 'POST',
    url: '/webhooks',
    config,
    schema: {
      summary: 'Add a webhook; its secret is shown this once',
      body: newWebhookSchema,
      response: { 201: withSecret },
    },
    handler: async (request, reply) => {
      const { webhook, secret } = await addWebhook(app.webhooks, request.body, by(request));
      return reply.code(201).send({ ...webhook, secret });
    },
  });
  server.route({
    method: 'POST',
    url: '/webhooks/:id',
    config,
    schema: {
      summary: 'Stop deliveries to a webhook, which then wait, or let them go on',
      params: webhookId,
      body: z.strictObject({ enabled: z.boolean() }),
      response: { 200: webhook },
    },
    handler: (request) => enableWebhook(app.db, request.params.id, request.body.enabled, by(request)),
  });
  server.route({
    method: 'DELETE',
    url: '/webhooks/:id',
    config,
    schema: {
      summary: 'Remove a webhook and what waits for it',
      params: webhookId,
      response: { 204: z.null() },
    },
    handler: async (request, reply) => {
      await removeWebhook(app.db, request.params.id, by(request));
      return reply.code(204).send(null);
    },
  });
  server.route({
    method: 'POST',
    url: '/webhooks/:id/test',
    config,
    schema: {
      summary: 'Send a test now; 502 with the reason when the receiver does not take it',
      params: webhookId,
      response: { 200: z.object({ delivered: z.literal(true), id: z.string() }) },
    },
    handler: async (request) => ({
      delivered: true as const,
      ...(await sendTest(app.delivery, request.params.id, by(request))),
    }),
  });
  server.route({
    method: 'POST',
    url: '/webhooks/:id/rotate',
    config,
    schema: {
      summary: 'Give a webhook a new secret, shown this once; the one before stays valid for a while',
      params: webhookId,
      body: z
        .strictObject({
          overlapHours: z
            .number()
            .min(0)
            .max(24 * 30)
            .default(24),
        })
        .default({ overlapHours: 24 }),
      response: { 200: withSecret },
    },
    handler: async (request) => {
      const overlapMs = request.body.overlapHours * HOUR_MS;
      const { webhook, secret } = await rotateSecret(app.webhooks, request.params.id, overlapMs, by(request));
      return { ...webhook, secret };
    },
  });
  server.route({
    method: 'GET',
    url: '/webhooks/dead',
    config,
    schema: {
      summary: 'Deliveries given up after three days, newest first',
      querystring: z.object({ limit, webhookId: z.uuid().optional() }),
      response: { 200: z.object({ dead: z.array(deadDelivery) }) },
    },
    handler: async ({ query }) => ({ dead: await listDead(app.db, query) }),
  });
  server.route({
    method: 'POST',
    url: '/webhooks/dead/:id/replay',
    config,
    schema: {
      summary: 'Try a dead delivery again, for another three days, under the same idempotency key',
      params: webhookId,
      response: { 200: z.object({ replayed: z.number() }) },
    },
    handler: async (request) => ({
      replayed: await replay(app.db, { id: request.params.id }, by(request)),
    }),
  });
}
