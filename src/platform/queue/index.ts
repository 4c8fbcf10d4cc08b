export { type AddOptions, JobQueue, type QueueBackend, type RunningWorkers } from './queue.ts';
export {
  type Handlers,
  type JobContext,
  type JobName,
  type JobPayload,
  type QueueName,
  type Recurrence,
} from './jobs.ts';
