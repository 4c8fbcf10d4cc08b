import type { FastifyInstance } from 'fastify';
import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import type { App } from '../../../app.ts';

/** What machines ask, without a token: the OpenAPI document, health, metrics. */
export function operationRoutes(app: App) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const jobs = new Gauge({
    name: 'utsushi_jobs',
    help: 'Jobs by queue and state.',
    labelNames: ['queue', 'state'] as const,
    registers: [],
    async collect() {
      for (const [queue, states] of Object.entries(await (await app.queue()).counts())) {
        for (const [state, count] of Object.entries(states)) this.set({ queue, state }, count);
      }
    },
  });
  registry.registerMetric(jobs);
  return async (server: FastifyInstance) => {
    server.get('/openapi.json', { schema: { hide: true } }, () => server.swagger());
    server.get('/healthz', { schema: { hide: true } }, () => ({ status: 'alive' }));
    server.get('/readyz', { schema: { hide: true } }, async () => {
      app.checks.index.requireYoungerThan(app.config.screening.indexMaxAgeMs);
      const queue = await (await app.queue()).counts();
      return {
        status: 'ready',
        catalogueVersion: app.checks.index.version,
        references: app.checks.index.size,
        queue,
      };
    });
    server.get('/metrics', { schema: { hide: true } }, async (_, reply) => {
      void reply.type(registry.contentType);
      return registry.metrics();
    });
  };
}
