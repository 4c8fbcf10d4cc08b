import { z } from 'zod';

/**
 * Every kind of job: the queue it travels in and its payload. Payloads are ids, never pictures: what a job needs is in
 * the database, so a lost queue loses nothing.
 */
export const JOBS = {
  'check-sighting': { queue: 'checks', payload: z.object({ sightingId: z.uuid() }) },
  /** A monitor's time has come; the scan itself is a job of its own, by the scan's id. */
  'start-scan': { queue: 'scans', payload: z.object({ monitorId: z.uuid() }) },
  scan: { queue: 'scans', payload: z.object({ scanId: z.uuid() }) },
  /** Goes again to where alerted outputs were seen. */
  'revisit-places': { queue: 'scans', payload: z.object({}) },
  /** A candidate was found on the page of this sighting. */
  'capture-page': { queue: 'captures', payload: z.object({ sightingId: z.uuid() }) },
  'match-retroactively': { queue: 'upkeep', payload: z.object({}) },
  sweep: { queue: 'upkeep', payload: z.object({}) },
  'attend-cases': { queue: 'upkeep', payload: z.object({}) },
  /** What is overdue under the protocol becomes an incident. */
  'supervise-coverage': { queue: 'upkeep', payload: z.object({}) },
  tidy: { queue: 'upkeep', payload: z.object({}) },
  /** What is due to one webhook; what that is, the database says. */
  deliver: { queue: 'delivery', payload: z.object({ webhookId: z.uuid() }) },
} as const;

export type JobName = keyof typeof JOBS;
export type QueueName = (typeof JOBS)[JobName]['queue'];
export type JobPayload<N extends JobName> = z.infer<(typeof JOBS)[N]['payload']>;

export const QUEUE_NAMES = [
  'checks',
  'scans',
  'captures',
  'delivery',
  'upkeep',
] as const satisfies readonly QueueName[];

/** What a handler may know of the job that runs it. */
export interface JobContext {
  /** Whether a failure now is final: no attempt is left after this one. */
  readonly lastAttempt: boolean;
  /** Aborted when this process is to end. A handler that then throws the signal's reason gives its job back. */
  readonly signal: AbortSignal;
  /** Says how far the job has come, for whoever looks at the queue. */
  readonly progress: (value: Readonly<Record<string, number>>) => Promise<void>;
}

/** When a job runs by itself, again and again. */
export type Recurrence =
  | { readonly everyMs: number; /** Not before; at once when left out. */ readonly startAt?: Date }
  | { readonly cron: string; /** IANA time zone. */ readonly tz: string };

/** One handler a job; the compiler checks that none is missing. */
export type Handlers = {
  readonly [N in JobName]: (payload: JobPayload<N>, context: JobContext) => Promise<void>;
};
