import { CronExpressionParser } from 'cron-parser';
import { z } from 'zod';
import type { Tier } from '../../vision/matching/policy.ts';
import { type Protocol, duration, showDuration } from '../catalogue/index.ts';

/** Where the rights holders are, and so their clocks. */
const DEFAULT_ZONE = 'Asia/Tokyo';

/** When a monitor runs: every so often, or by the clock of a place. */
export type Schedule = { readonly everyMs: number } | { readonly cron: string; readonly tz: string };

const clock = z
  .strictObject({ cron: z.string().min(1), tz: z.string().min(1).default(DEFAULT_ZONE) })
  .superRefine(({ cron, tz }, context) => {
    try {
      void new Intl.DateTimeFormat('en', { timeZone: tz });
    } catch {
      context.addIssue({ code: 'custom', path: ['tz'], message: `${tz} is not a time zone like Asia/Tokyo` });
      return;
    }
    try {
      CronExpressionParser.parse(cron, { tz }).next();
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      context.addIssue({ code: 'custom', path: ['cron'], message: `is no cron expression: ${why}` });
    }
  });
const interval = z
  .strictObject({ every: duration })
  .transform(({ every }): { everyMs: number } => ({ everyMs: every }));

/** A schedule as people write it: `{ every: 6h }`, or `{ cron: '0 3 * * *', tz: Asia/Tokyo }`. */
export const scheduleSpec = z.union([interval, clock], {
  error: "must be like { every: 6h } or { cron: '0 3 * * *', tz: Asia/Tokyo }",
});

/** What is stored of a schedule, read back. */
export const storedSchedule = z.union([
  z.object({ everyMs: z.number() }),
  z.object({ cron: z.string(), tz: z.string() }),
]);

/** The schedule that holds: the monitor's own, or else the protocol's cadence for the tier it watches. */
export function effectiveSchedule(own: Schedule | null, tier: Tier, protocol: Protocol): Schedule {
  return own ?? { everyMs: protocol[tier].cadenceMs };
}

/** The time between two runs; for a clock, the longest one among the next few. Milliseconds. */
export function periodOf(schedule: Schedule, from: Date): number {
  if ('everyMs' in schedule) return schedule.everyMs;
  const runs = CronExpressionParser.parse(schedule.cron, { tz: schedule.tz, currentDate: from });
  const times = Array.from({ length: 8 }, () => runs.next().getTime());
  return Math.max(...times.slice(1).map((time, at) => time - times[at]!));
}

/** As people write it. */
export function showSchedule(schedule: Schedule): string {
  return 'everyMs' in schedule
    ? `every ${showDuration(schedule.everyMs)}`
    : `${schedule.cron} (${schedule.tz})`;
}
