import { z } from 'zod';
import { EVENTS, type EventType, type PublishedEvent } from './events.ts';

/** Where the console shows what an event is about. */
export function linkTo(
  publicUrl: string,
  { type, subject }: Pick<PublishedEvent, 'type' | 'subject'>,
): string {
  const page = type === 'webhook.test' ? '' : `${type.startsWith('case.') ? 'cases' : 'alerts'}/${subject}`;
  return new URL(`/${page}`, publicUrl).href;
}

/** An event as programs get it, from the feed and by webhook. */
export interface EventMessage {
  readonly id: string;
  readonly type: EventType;
  readonly seq: number;
  readonly at: string;
  readonly subject: string;
  readonly tier: 'high' | 'standard' | null;
  readonly link: string;
  readonly data: unknown;
  readonly artwork?: { readonly mediaType: 'image/jpeg'; readonly base64: string };
}

/** @param artwork a small JPEG of the output, for webhooks that may have it */
export function toMessage(event: PublishedEvent, publicUrl: string, artwork?: Uint8Array): EventMessage {
  const { id, type, seq, at, subject, tier, data } = event;
  return {
    id,
    type,
    seq,
    at: at.toISOString(),
    subject,
    tier,
    link: linkTo(publicUrl, event),
    data,
    ...(artwork === undefined
      ? {}
      : {
          artwork: { mediaType: 'image/jpeg' as const, base64: Buffer.from(artwork).toString('base64') },
        }),
  };
}

/** The JSON Schema (draft 2020-12) of an event's message. */
export function messageSchema(type: EventType): unknown {
  const message = z
    .object({
      id: z.uuid().describe('The event. The header webhook-id names its delivery.'),
      type: z.literal(type),
      seq: z
        .int()
        .describe('Place in the feed; 0 for a test. Rises; of one subject events come in this order.'),
      at: z.iso.datetime(),
      subject: z.string().describe('What has to arrive in order: the alert or case.'),
      tier: z.enum(['high', 'standard']).nullable(),
      link: z.url().describe('Where the console shows it.'),
      data: EVENTS[type],
      artwork: z
        .object({ mediaType: z.literal('image/jpeg'), base64: z.base64() })
        .optional()
        .describe('A small picture of the output, for webhooks that may have it; never in the feed.'),
    })
    .describe(`Utsushi event ${type}. Fields may be added: ignore those you do not know.`);
  // As a reader sees it: what is not described may be there one day.
  return z.toJSONSchema(message, { io: 'input' });
}
