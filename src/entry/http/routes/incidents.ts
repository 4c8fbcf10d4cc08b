import { z } from 'zod';
import type { App } from '../../../app.ts';
import { ASSET_FLOOD, liftQuarantine } from '../../../features/alerts/index.ts';
import { handleIncident, listIncidents } from '../../../features/incidents/index.ts';
import { type ApiServer, date, limit, sentence } from '../api.ts';

const incident = z.object({
  id: z.string(),
  kind: z.string(),
  subject: z.string(),
  severity: z.enum(['warning', 'critical']),
  message: sentence,
  details: z.record(z.string(), z.unknown()).readonly(),
  openedAt: date,
  lastSeenAt: date,
  acknowledgedAt: date.nullable(),
  acknowledgedBy: z.string().nullable(),
  closedAt: date.nullable(),
  closedBy: z.string().nullable(),
});

/** Operational warnings: what keeps Utsushi from doing its work. */
export function incidentRoutes(server: ApiServer, app: App): void {
  server.route({
    method: 'GET',
    url: '/incidents',
    schema: {
      summary: 'Operational warnings, newest first',
      querystring: z.object({ limit, state: z.enum(['open', 'closed', 'all']).default('open') }),
      response: { 200: z.object({ incidents: z.array(incident) }) },
    },
    handler: async ({ query }) => ({ incidents: await listIncidents(app.db, query) }),
  });
  server.route({
    method: 'POST',
    url: '/incidents/:id/events',
    config: { role: 'reviewer' },
    schema: {
      summary: 'Say that an incident is known, or over; it comes back while its cause remains',
      description:
        'Closing an asset-flood ends the quarantine: the findings held back become alerts (`release`), or stay recorded matches without an alert (`discard`).',
      params: z.object({ id: z.uuid() }),
      body: z.object({
        type: z.enum(['acknowledge', 'close']),
        note: z.string().max(2_000).optional(),
        held: z.enum(['release', 'discard']).default('release'),
      }),
      response: { 200: incident },
    },
    handler: async ({ params, body, actor }) => {
      const by = { actor: actor.name, at: app.checks.clock() };
      const handled = await handleIncident(
        app.db,
        params.id,
        { type: body.type, note: body.note ?? null },
        by,
      );
      if (handled.kind === ASSET_FLOOD && body.type === 'close') {
        await liftQuarantine(app.db, handled.subject, body.held, { ...by, protocol: app.checks.protocol });
      }
      return handled;
    },
  });
}
