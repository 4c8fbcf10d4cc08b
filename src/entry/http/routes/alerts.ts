import { z } from 'zod';
import type { App } from '../../../app.ts';
import { listAlerts, showAlert } from '../../../features/alerts/index.ts';
import { type ApiServer, anything, limit } from '../api.ts';

/** Alerts, for review. */
export function alertRoutes(server: ApiServer, app: App): void {
  server.route({
    method: 'GET',
    url: '/alerts',
    schema: {
      summary: 'Alerts, newest first',
      querystring: z.object({ limit, assetId: z.string().optional() }),
      response: { 200: anything },
    },
    handler: async ({ query }) => ({ alerts: await listAlerts(app.db, query) }),
  });
  server.route({
    method: 'GET',
    url: '/alerts/:id',
    schema: {
      summary: 'One alert with its events, sightings and match',
      params: z.object({ id: z.uuid() }),
      response: { 200: anything },
    },
    handler: ({ params }) => showAlert(app.db, params.id),
  });
}
