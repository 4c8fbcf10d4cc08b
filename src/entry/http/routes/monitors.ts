import { z } from 'zod';
import type { App } from '../../../app.ts';
import {
  coverage,
  findMonitor,
  listPlaces,
  listScans,
  monitorView,
  monitorViews,
  parseMonitor,
  pauseMonitor,
  putMonitor,
  scanFailures,
  startScan,
} from '../../../features/monitoring/index.ts';
import { type ApiServer, limit } from '../api.ts';
import { coverageAnswer, monitor, monitorWithScans, place, scan } from '../schemas/monitoring.ts';

const named = z.object({ name: z.string().min(1) });
const FAILURES_SHOWN = 100;

/** Monitors and their scans. */
export function monitorRoutes(server: ApiServer, app: App): void {
  const by = (actor: { readonly name: string }) => ({ actor: actor.name, at: app.checks.clock() });
  const nextRuns = () =>
    app
      .queue()
      .then((queue) => queue.nextRuns('start-scan'))
      .catch(() => undefined);
  const view = async (name: string) => monitorView(app.db, name, app.checks.protocol, await nextRuns());
  // What is stored holds: should the queue be away, the sweeper passes the schedules on later.
  const passOn = () =>
    app
      .syncSchedules()
      .catch((error: unknown) => app.log.warn({ err: error }, 'monitor stored, not yet scheduled'));

  server.route({
    method: 'GET',
    url: '/monitors',
    schema: {
      summary: 'Monitors by name, with their schedule and last scan',
      response: { 200: z.object({ monitors: z.array(monitor) }) },
    },
    handler: async () => ({
      monitors: await monitorViews(app.db, app.checks.protocol, await nextRuns()),
    }),
  });
  server.route({
    method: 'GET',
    url: '/monitors/:name',
    schema: {
      summary: 'One monitor with its last scans, and what failed in the newest',
      params: named,
      querystring: z.object({ limit }),
      response: { 200: monitorWithScans },
    },
    handler: async ({ params, query }) => {
      const shown = await view(params.name);
      const scans = await listScans(app.db, { monitor: params.name, limit: query.limit });
      const failures = scans[0] === undefined ? [] : await scanFailures(app.db, scans[0].id, FAILURES_SHOWN);
      return { ...shown, scans, failures };
    },
  });
  server.route({
    method: 'PUT',
    url: '/monitors/:name',
    schema: {
      summary: 'Create a monitor or change it: source, schedule, tiers, assets, tags, territory, paused',
      params: named,
      body: z.record(z.string(), z.unknown()),
      response: { 200: monitor, 201: monitor },
    },
    handler: async ({ params, body, actor }, reply) => {
      const change = await putMonitor(app.db, parseMonitor(params.name, body), by(actor));
      await passOn();
      return reply.code(change.action === 'create' ? 201 : 200).send(await view(params.name));
    },
  });
  server.route({
    method: 'POST',
    url: '/monitors/:name/run',
    config: { role: 'reviewer' },
    schema: {
      summary: 'Scan now; answers with the scan that runs, a new one or the one that ran already',
      params: named,
      response: { 202: z.object({ monitor: z.string(), scanId: z.string(), isNew: z.boolean() }) },
    },
    handler: async ({ params }, reply) => {
      const { id } = await findMonitor(app.db, params.name);
      const { scanId, isNew } = await startScan(app.db, id, 'person', app.checks.clock());
      await (
        await app.queue()
      )
        .add('scan', { scanId }, { jobId: scanId })
        .catch((error: unknown) => app.log.warn({ err: error }, 'scan stored, not yet queued'));
      return reply.code(202).send({ monitor: params.name, scanId, isNew });
    },
  });
  for (const paused of [true, false]) {
    server.route({
      method: 'POST',
      url: `/monitors/:name/${paused ? 'pause' : 'resume'}`,
      schema: {
        summary: paused ? 'Stop running it on schedule' : 'Run it on schedule again',
        params: named,
        response: { 200: monitor },
      },
      handler: async ({ params, actor }) => {
        await pauseMonitor(app.db, params.name, paused, by(actor));
        await passOn();
        return view(params.name);
      },
    });
  }
  server.route({
    method: 'GET',
    url: '/scans',
    schema: {
      summary: 'Scans, newest first',
      querystring: z.object({ limit, monitor: z.string().optional() }),
      response: { 200: z.object({ scans: z.array(scan) }) },
    },
    handler: async ({ query }) => ({ scans: await listScans(app.db, query) }),
  });
  server.route({
    method: 'GET',
    url: '/coverage',
    schema: {
      summary: 'What was looked at under the protocol, by asset, tier and source, and what is overdue',
      response: { 200: coverageAnswer },
    },
    handler: () => coverage(app.db, app.checks.protocol, app.checks.clock()),
  });
  server.route({
    method: 'GET',
    url: '/places',
    schema: {
      summary: 'Where alerted outputs were seen, and whether they are still there',
      querystring: z.object({ limit, alertId: z.uuid().optional() }),
      response: { 200: z.object({ places: z.array(place) }) },
    },
    handler: async ({ query }) => ({ places: await listPlaces(app.db, query) }),
  });
}
