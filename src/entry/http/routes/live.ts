import type { App } from '../../../app.ts';
import type { ApiServer } from '../api.ts';

/** Proxies close what is silent for a minute. */
const HEARTBEAT_MS = 20_000;

/** What changes, as it happens. */
export function liveRoutes(server: ApiServer, app: App): void {
  const ends = new Set<() => void>();
  server.addHook('preClose', async () => {
    for (const end of ends) end();
  });
  server.route({
    method: 'GET',
    url: '/live',
    schema: {
      summary: 'Server-sent events: {"type","id"} of every record that changed',
      description:
        'Type `resync` says that changes may have been missed: read again what is shown. Records are alert, watch, incident and what other rooms announce.',
      produces: ['text/event-stream'],
    },
    handler: async (request, reply) => {
      const stop = await app.live.subscribe((change) => {
        reply.raw.write(`data: ${JSON.stringify(change)}\n\n`);
      });
      reply.hijack();
      reply.raw.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        // nginx would hold the events back to fill its buffer.
        'x-accel-buffering': 'no',
      });
      reply.raw.write('retry: 3000\n\n');
      const heartbeat = setInterval(() => reply.raw.write(': still here\n\n'), HEARTBEAT_MS);
      const end = () => {
        ends.delete(end);
        clearInterval(heartbeat);
        stop();
        reply.raw.end();
      };
      ends.add(end);
      request.raw.on('close', end);
    },
  });
}
