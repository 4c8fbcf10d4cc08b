export type { EventType, OutgoingEvent } from './events.ts';
export { type PublishedEvent, emit, publish, readEvents } from './outbox.ts';
