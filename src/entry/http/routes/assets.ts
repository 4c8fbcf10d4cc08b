import { z } from 'zod';
import type { App } from '../../../app.ts';
import { listAssets, showAsset } from '../../../features/catalogue/index.ts';
import { type ApiServer, anything, limit } from '../api.ts';

/** The catalogue. */
export function assetRoutes(server: ApiServer, app: App): void {
  server.route({
    method: 'GET',
    url: '/assets',
    schema: {
      summary: 'Assets by id',
      querystring: z.object({ limit, after: z.string().optional() }),
      response: { 200: anything },
    },
    handler: async ({ query }) => ({ assets: await listAssets(app.db, query) }),
  });
  server.route({
    method: 'GET',
    url: '/assets/:id',
    schema: {
      summary: 'One asset with its reference images and licences',
      params: z.object({ id: z.string() }),
      response: { 200: anything },
    },
    handler: ({ params }) => showAsset(app.db, params.id),
  });
}
