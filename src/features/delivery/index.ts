export { EVENTS, type EventType, type OutgoingEvent, type PublishedEvent } from './events.ts';
export { type FeedPage, emit, publish, readEvents } from './outbox.ts';
export { type DeadDelivery, listDead, replay } from './deliveries.ts';
export { type DeliveryDependencies, type DeliveryReport, deliverDue, sendTest } from './deliver.ts';
export { type EventMessage, messageSchema, toMessage } from './message.ts';
export { publishAll, startRelay } from './relay.ts';
export { removeOldEvents } from './retention.ts';
export {
  KINDS,
  SUBSCRIBABLE,
  type Kind,
  type ListedWebhook,
  type NewWebhook,
  type Webhook,
  type WebhookContext,
  addWebhook,
  enableWebhook,
  listWebhooks,
  newWebhookSchema,
  removeWebhook,
  rotateSecret,
  signerOf,
} from './webhooks.ts';
export type { Facts } from './wording.ts';
