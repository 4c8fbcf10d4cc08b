import { z } from 'zod';
import type { App } from '../../../app.ts';
import { recordAudit } from '../../../features/audit/index.ts';
import { QUEUE_NAMES } from '../../../platform/queue/jobs.ts';
import { type ApiServer, date, limit } from '../api.ts';

const named = z.object({ name: z.enum(QUEUE_NAMES) });

/** What waits, what is at work, and what was given up. */
export function queueRoutes(server: ApiServer, app: App): void {
  server.route({
    method: 'GET',
    url: '/queues',
    schema: {
      summary: 'Jobs by queue and state',
      response: {
        200: z.object({
          backend: z.enum(['postgres', 'redis']),
          queues: z.array(
            z.object({
              name: z.enum(QUEUE_NAMES),
              waiting: z.number(),
              active: z.number(),
              delayed: z.number(),
              failed: z.number(),
            }),
          ),
        }),
      },
    },
    handler: async () => {
      const counts = await (await app.queue()).counts();
      return {
        backend: app.config.queue,
        queues: QUEUE_NAMES.map((name) => {
          const n = (state: string) => counts[name][state] ?? 0;
          return {
            name,
            // Those with a priority wait just as well.
            waiting: n('waiting') + n('wait') + n('prioritized'),
            active: n('active'),
            delayed: n('delayed'),
            failed: n('failed'),
          };
        }),
      };
    },
  });
  server.route({
    method: 'GET',
    url: '/queues/:name/failed',
    config: { role: 'admin' },
    schema: {
      summary: 'Jobs that used up their attempts, newest first; kept for seven days',
      params: named,
      querystring: z.object({ limit }),
      response: {
        200: z.object({
          jobs: z.array(
            z.object({
              id: z.string(),
              name: z.string(),
              payload: z.record(z.string(), z.unknown()).readonly(),
              error: z.string(),
              attempts: z.number(),
              failedAt: date,
            }),
          ),
        }),
      },
    },
    handler: async ({ params, query }) => ({
      jobs: await (await app.queue()).failed(params.name, query.limit),
    }),
  });
  server.route({
    method: 'POST',
    url: '/queues/:name/failed/retry',
    config: { role: 'admin' },
    schema: {
      summary: 'Let failed jobs run again: those named, or all of the queue',
      description: 'What a job does twice it does once: every handler finds what is done already.',
      params: named,
      body: z.strictObject({ ids: z.array(z.string()).min(1).max(1_000).optional() }),
      response: { 200: z.object({ retried: z.number() }) },
    },
    handler: async ({ params, body, actor }) => {
      const retried = await (await app.queue()).retryFailed(params.name, body.ids);
      await recordAudit(app.db, [
        {
          at: app.checks.clock(),
          kind: 'jobs.retried',
          subject: params.name,
          payload: { actor: actor.name, ids: body.ids ?? null, retried },
        },
      ]);
      return { retried };
    },
  });
}
