import { z } from 'zod';
import type { App } from '../../../app.ts';
import { deleteView, listViews, saveView } from '../../../features/alerts/index.ts';
import { type ApiServer, date } from '../api.ts';

const view = z.object({
  id: z.string(),
  owner: z.string(),
  name: z.string(),
  shared: z.boolean(),
  query: z.string(),
  createdAt: date,
});

/** Saved views of the inbox. */
export function viewRoutes(server: ApiServer, app: App): void {
  server.route({
    method: 'GET',
    url: '/views',
    schema: {
      summary: 'One’s own saved views, and those others share',
      response: { 200: z.object({ views: z.array(view) }) },
    },
    handler: async ({ actor }) => ({ views: await listViews(app.db, actor.name) }),
  });
  server.route({
    method: 'POST',
    url: '/views',
    config: { role: 'viewer' },
    schema: {
      summary: 'Save a view; one’s own of the same name is replaced',
      body: z.object({
        name: z.string().trim().min(1).max(100),
        query: z.string().max(2_000),
        shared: z.boolean().default(false),
      }),
      response: { 200: view },
    },
    handler: ({ actor, body }) => saveView(app.db, { ...body, owner: actor.name }, app.checks.clock()),
  });
  server.route({
    method: 'DELETE',
    url: '/views/:id',
    config: { role: 'viewer' },
    schema: {
      summary: 'Delete one’s own saved view',
      params: z.object({ id: z.uuid() }),
      response: { 204: z.null() },
    },
    handler: async ({ actor, params }, reply) => {
      await deleteView(app.db, params.id, actor.name);
      return reply.code(204).send(null);
    },
  });
}
