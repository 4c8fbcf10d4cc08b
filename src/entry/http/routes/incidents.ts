import { z } from 'zod';
import type { App } from '../../../app.ts';
import { handleIncident, listIncidents } from '../../../features/incidents/index.ts';
import { type ApiServer, anything, limit } from '../api.ts';

/** Operational warnings: what keeps Utsushi from doing its work. */
export function incidentRoutes(server: ApiServer, app: App): void {
  server.route({
    method: 'GET',
    url: '/incidents',
    schema: {
      summary: 'Operational warnings, newest first',
      querystring: z.object({ limit, state: z.enum(['open', 'closed', 'all']).default('open') }),
      response: { 200: anything },
    },
    handler: async ({ query }) => ({ incidents: await listIncidents(app.db, query) }),
  });
  server.route({
    method: 'POST',
    url: '/incidents/:id/events',
    schema: {
      summary: 'Say that an incident is known, or over; it comes back while its cause remains',
      params: z.object({ id: z.uuid() }),
      body: z.object({ type: z.enum(['acknowledge', 'close']), note: z.string().max(2_000).optional() }),
      response: { 200: anything },
    },
    handler: ({ params, body }) =>
      handleIncident(
        app.db,
        params.id,
        { type: body.type, note: body.note ?? null },
        { actor: 'api', at: app.checks.clock() },
      ),
  });
}
