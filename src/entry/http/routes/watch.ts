import { z } from 'zod';
import type { App } from '../../../app.ts';
import { listWatch, reviewWatch, showWatch } from '../../../features/alerts/index.ts';
import { type ApiServer, date, limit } from '../api.ts';

const state = z.enum(['open', 'dismissed', 'promoted']);
const entry = z.object({
  id: z.string(),
  outputId: z.string(),
  outputSha256: z.string(),
  assetId: z.string(),
  title: z.string(),
  state,
  terms: z.array(z.object({ assetId: z.string(), term: z.string(), where: z.string() })).readonly(),
  sightings: z.number(),
  pageUrl: z.string().nullable(),
  account: z.string().nullable(),
  openedAt: date,
  lastEventAt: date,
  lastSeq: z.number(),
});
const withEvents = entry.extend({
  events: z.array(
    z.object({
      seq: z.number(),
      type: z.enum(['opened', 'seen', 'dismissed', 'promoted', 'reopened', 'noted']),
      actor: z.string(),
      at: date,
      body: z.record(z.string(), z.unknown()).readonly(),
    }),
  ),
});

/** The watch queue: outputs that name a work which they do not resemble. */
export function watchRoutes(server: ApiServer, app: App): void {
  server.route({
    method: 'GET',
    url: '/watch',
    schema: {
      summary: 'Outputs whose prompt or page names a work, without resembling it; newest first',
      querystring: z.object({
        state: state.optional(),
        assetId: z.string().optional(),
        limit,
        after: z.uuid().optional(),
      }),
      response: {
        200: z.object({ watch: z.array(entry), total: z.number(), next: z.string().nullable() }),
      },
    },
    handler: async ({ query }) => {
      const { entries, total, next } = await listWatch(app.db, query, query);
      return { watch: entries, total, next };
    },
  });
  server.route({
    method: 'GET',
    url: '/watch/:id',
    schema: {
      summary: 'One entry of the watch queue with its events',
      params: z.object({ id: z.uuid() }),
      response: { 200: withEvents },
    },
    handler: ({ params }) => showWatch(app.db, params.id),
  });
  server.route({
    method: 'POST',
    url: '/watch/:id/events',
    config: { role: 'reviewer' },
    schema: {
      summary: 'Dismiss, promote, reopen or note; promoting makes no claim of similarity',
      params: z.object({ id: z.uuid() }),
      body: z.object({
        type: z.enum(['dismiss', 'promote', 'reopen', 'note']),
        reason: z.string().min(1).max(10_000),
        expectedSeq: z.number().int().min(1).optional(),
      }),
      response: { 200: withEvents },
    },
    handler: ({ params, body, actor }) =>
      reviewWatch(app.db, params.id, body, body.expectedSeq, { actor, at: app.checks.clock() }),
  });
}
