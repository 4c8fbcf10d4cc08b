import { z } from 'zod';
import type { App } from '../../../app.ts';
import { publishAll, readEvents, toMessage } from '../../../features/delivery/index.ts';
import { type ApiServer, limit } from '../api.ts';

const message = z.object({
  id: z.string(),
  type: z.string(),
  seq: z.number(),
  at: z.string(),
  subject: z.string(),
  tier: z.enum(['high', 'standard']).nullable(),
  link: z.string(),
  data: z.unknown().describe('By type: docs/events has the JSON Schema of each.'),
});

const LONGEST_WAIT_S = 30;

/** The feed of events, for systems that ask instead of being told. */
export function eventRoutes(server: ApiServer, app: App): void {
  const { db, delivery, checks, config, live } = app;
  server.route({
    method: 'GET',
    url: '/events',
    schema: {
      summary: 'Events in order after a place in the feed',
      description:
        'Ask again with after=next. An event once passed never comes later: places are given after the commit. With wait, an empty answer comes only after so many seconds. Events are kept for a time: after=0 begins with the oldest there is, and a place whose next event is gone is refused with 410 `events_removed`, which says where to go on.',
      querystring: z.object({
        after: z.coerce.number().int().min(0).default(0),
        limit,
        wait: z.coerce.number().int().min(0).max(LONGEST_WAIT_S).default(0),
      }),
      response: {
        200: z.object({ events: z.array(message), next: z.number(), oldest: z.number().nullable() }),
      },
    },
    handler: async (request) => {
      const { after, wait, ...query } = request.query;
      const look = async () => {
        // Also where no worker delivers.
        await publishAll(db, { now: checks.clock(), digestMs: config.delivery.digestMs });
        return readEvents(db, { after, limit: query.limit });
      };
      let page = await look();
      if (page.events.length === 0 && wait > 0) {
        let tell = () => {};
        const told = new Promise<void>((resolve) => (tell = resolve));
        const stop = await live.subscribe(() => tell());
        const timer = setTimeout(() => tell(), wait * 1_000);
        request.raw.once('close', () => tell());
        try {
          // Between the first look and listening something may have come.
          page = await look();
          if (page.events.length === 0) await told;
        } finally {
          clearTimeout(timer);
          stop();
        }
        if (page.events.length === 0) page = await look();
      }
      const { events, oldest } = page;
      return {
        events: events.map((event) => toMessage(event, delivery.publicUrl)),
        next: events.at(-1)?.seq ?? after,
        oldest,
      };
    },
  });
}
