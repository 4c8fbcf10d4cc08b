/** Monitors, their scans and what they cover; the compiler holds each schema to the type it describes. */
import { z } from 'zod';
import type { Coverage, MonitorView, Place, ScanSummary } from '../../../features/monitoring/index.ts';
import { date } from '../api.ts';

const tier = z.enum(['high', 'standard']);
const failure = z.object({ code: z.string(), message: z.string() });

export const scan: z.ZodType<ScanSummary> = z.object({
  id: z.string(),
  monitor: z.string(),
  state: z.enum(['running', 'done', 'failed']),
  trigger: z.enum(['schedule', 'person']),
  startedAt: date,
  finishedAt: date.nullable(),
  seen: z.number().describe('Items that the source named.'),
  new: z.number(),
  skipped: z.number().describe('Known before.'),
  checked: z.number(),
  candidates: z.number(),
  failed: z.number(),
  stoppedShort: z.string().nullable().describe('Why the list ended although the source has more.'),
  error: failure.nullable(),
});

const view = {
  name: z.string(),
  source: z
    .looseObject({ kind: z.string() })
    .describe('As it was described: see docs/sources.md.') as unknown as z.ZodType<MonitorView['source']>,
  scope: z.object({
    tiers: z.array(tier).readonly(),
    assets: z.array(z.string()).readonly(),
    tags: z.array(z.string()).readonly(),
  }),
  tier,
  schedule: z.union([z.object({ everyMs: z.number() }), z.object({ cron: z.string(), tz: z.string() })]),
  scheduleText: z.string(),
  territory: z.string().nullable(),
  paused: z.boolean(),
  lastScan: scan.nullable(),
  nextRunAt: date.nullable(),
};
export const monitor: z.ZodType<MonitorView> = z.object(view);
export const monitorWithScans = z.object({
  ...view,
  scans: z.array(scan),
  failures: z.array(failure.extend({ item: z.string() })).describe('Of the newest scan.'),
});

export const coverageAnswer: z.ZodType<Coverage> = z.object({
  at: date,
  overdue: z.number().describe('Assets that are overdue.'),
  tiers: z.array(
    z.object({
      tier,
      assets: z.number(),
      overdue: z.number(),
      unwatched: z.number(),
      cadenceMs: z.number(),
    }),
  ),
  assets: z.array(
    z.object({
      assetId: z.string(),
      title: z.string(),
      tier,
      lastLookedAt: date.nullable(),
      dueAt: date,
      overdue: z.boolean(),
      monitors: z.array(z.string()),
      outputs: z.number(),
      failures: z.number(),
    }),
  ),
  sources: z.array(
    z.object({
      monitor: z.string(),
      kind: z.string(),
      paused: z.boolean(),
      lastScanAt: date.nullable(),
      overdue: z.boolean(),
      failing: z.string().nullable(),
      stoppedShort: z.string().nullable(),
      trend: z.object({
        state: z.enum(['steady', 'shrinking', 'silent']),
        scans: z.number(),
        seen: z.number(),
        expected: z.number(),
      }),
      scans: z.number(),
      seen: z.number(),
      outputs: z.number(),
      failures: z.number(),
    }),
  ),
  catalogue: z.object({ version: z.number(), matchedVersion: z.number() }),
});

export const place: z.ZodType<Place> = z.object({
  sightingId: z.string(),
  url: z.string(),
  pageUrl: z.string().nullable(),
  outputSha256: z.string(),
  seenAt: date,
  lastVisit: z
    .object({
      at: date,
      result: z.enum(['up', 'changed', 'gone', 'unreachable']),
      detail: z.string().nullable(),
      page: z
        .enum(['shows', 'silent', 'gone', 'unreachable'])
        .nullable()
        .describe('Of the page that showed it.'),
      hashDistance: z.number().nullable().describe('Of what is up now from what was seen, bits of 256.'),
    })
    .nullable(),
});
