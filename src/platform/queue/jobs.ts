import { z } from 'zod';

/**
 * Every kind of job: the queue it travels in and its payload. Payloads are ids, never pictures: what a job needs is in
 * the database, so a lost queue loses nothing.
 */
export const JOBS = {
  'check-sighting': { queue: 'checks', payload: z.object({ sightingId: z.uuid() }) },
  'match-retroactively': { queue: 'upkeep', payload: z.object({}) },
  sweep: { queue: 'upkeep', payload: z.object({}) },
  tidy: { queue: 'upkeep', payload: z.object({}) },
} as const;

export type JobName = keyof typeof JOBS;
export type QueueName = (typeof JOBS)[JobName]['queue'];
export type JobPayload<N extends JobName> = z.infer<(typeof JOBS)[N]['payload']>;

export const QUEUE_NAMES = ['checks', 'upkeep'] as const satisfies readonly QueueName[];

/** What a handler may know of the job that runs it. */
export interface JobContext {
  /** Whether a failure now is final: no attempt is left after this one. */
  readonly lastAttempt: boolean;
}

/** One handler a job; the compiler checks that none is missing. */
export type Handlers = {
  readonly [N in JobName]: (payload: JobPayload<N>, context: JobContext) => Promise<void>;
};
