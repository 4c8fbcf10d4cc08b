import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { App } from '../../../app.ts';
import {
  createToleranceRule,
  endToleranceRule,
  listLicences,
  listToleranceRules,
  replaceToleranceRule,
} from '../../../features/alerts/index.ts';
import { type ApiServer, date, limit } from '../api.ts';

const texts = z.array(z.string().trim().min(1).max(500));
const applied = z.object({
  id: z.string(),
  name: z.string(),
  accounts: z.array(z.string()).readonly(),
  domains: z.array(z.string()).readonly(),
  validFrom: z.string().nullable(),
  validUntil: z.string().nullable(),
  territory: z.array(z.string()).readonly(),
  /** Alerts that stand under it now. */
  alerts: z.number(),
});
const licence = applied.extend({ assetId: z.string(), title: z.string() });
const rule = applied.extend({
  assetId: z.string().nullable(),
  series: z.string().nullable(),
  reason: z.string(),
  createdBy: z.string(),
  createdAt: date,
  endedBy: z.string().nullable(),
  endedAt: date.nullable(),
});

const newRule = z.object({
  name: z.string().trim().min(1).max(200),
  assetId: z.string().optional(),
  series: z.string().optional(),
  accounts: texts.default([]),
  domains: texts.default([]),
  validFrom: z.iso.date().optional(),
  validUntil: z.iso.date().optional(),
  territory: texts.default([]),
  reason: z.string().trim().min(1).max(10_000),
});

/** Tolerance rules: use that the rights holder puts up with. Licences come with the catalogue. */
export function ruleRoutes(server: ApiServer, app: App): void {
  const by = (request: FastifyRequest) => ({ actor: request.actor.name, at: app.checks.clock() });
  server.route({
    method: 'GET',
    url: '/rules',
    schema: {
      summary: 'Tolerance rules in force; with ended=true also those that were',
      querystring: z.object({ assetId: z.string().optional(), ended: z.stringbool().default(false) }),
      response: { 200: z.object({ rules: z.array(rule) }) },
    },
    handler: async ({ query }) => ({ rules: await listToleranceRules(app.db, query) }),
  });
  server.route({
    method: 'POST',
    url: '/rules',
    config: { role: 'approver' },
    schema: {
      summary: 'Tolerate use of a work or a series at named accounts or domains',
      description:
        'Open alerts whose every place the rule covers stand under it at once (`applied`), in sight; what is seen elsewhere stays an alert.',
      body: newRule,
      response: { 201: z.object({ rule, applied: z.number() }) },
    },
    handler: async (request, reply) =>
      reply.code(201).send(await createToleranceRule(app.db, request.body, by(request))),
  });
  server.route({
    method: 'PUT',
    url: '/rules/:id',
    config: { role: 'approver' },
    schema: {
      summary: 'Put a rule in the place of another one, which is ended; the new one has an id of its own',
      description:
        'Alerts that stood under the one before are open again (`reopened`); those that the new one covers stand under it (`applied`).',
      params: z.object({ id: z.string() }),
      body: newRule,
      response: { 200: z.object({ rule, applied: z.number(), reopened: z.number() }) },
    },
    handler: (request) => replaceToleranceRule(app.db, request.params.id, request.body, by(request)),
  });
  server.route({
    method: 'GET',
    url: '/licences',
    schema: {
      summary: 'Licences by their end, with the alerts that stand under each; they come with the catalogue',
      querystring: z.object({ assetId: z.string().optional(), limit }),
      response: { 200: z.object({ licences: z.array(licence) }) },
    },
    handler: async ({ query }) => ({ licences: await listLicences(app.db, query) }),
  });
  server.route({
    method: 'DELETE',
    url: '/rules/:id',
    config: { role: 'approver' },
    schema: {
      summary: 'End a tolerance rule; alerts that stood under it are open again',
      params: z.object({ id: z.string() }),
      response: { 200: z.object({ reopened: z.number() }) },
    },
    handler: async (request) => ({
      reopened: await endToleranceRule(app.db, request.params.id, by(request)),
    }),
  });
}
