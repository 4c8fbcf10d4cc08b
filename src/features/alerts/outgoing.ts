import type { OutgoingEvent } from '../delivery/index.ts';
import type { AlertEvent, AlertState, Recorded } from './alert.ts';

/** What other systems are told of an event; nothing of looks, notes, assignments and half a confirmation. */
export function outgoing(
  alert: {
    readonly id: string;
    readonly asset_id: string;
    readonly output_id: string;
    readonly tier: 'high' | 'standard';
  },
  { at, actor, event }: Recorded<AlertEvent>,
  after: AlertState,
): OutgoingEvent[] {
  const envelope = { subject: alert.id, tier: alert.tier, at };
  const subject = { alertId: alert.id, assetId: alert.asset_id, outputId: alert.output_id };
  switch (event.type) {
    case 'opened': {
      const { checkId, kind, confidence, retroactive } = event;
      const data = { ...subject, checkId, tier: alert.tier, kind, confidence, retroactive };
      return [{ ...envelope, type: 'alert.opened', data }];
    }
    case 'seen': {
      const data = { ...subject, sightingId: event.sightingId, reopened: event.reopens };
      return [{ ...envelope, type: 'alert.seen', data }];
    }
    case 'decided':
    case 'ruled':
    case 'inherited': {
      if (after.state === 'second-review') return [];
      const data = {
        ...subject,
        decision: after.decision!,
        rule: after.rule?.id ?? null,
        reason: event.type === 'decided' ? event.reason : null,
        actor,
      };
      return [{ ...envelope, type: 'alert.decided', data }];
    }
    case 'undone':
    case 'reopened':
      if (after.state === 'decided') return [];
      return [{ ...envelope, type: 'alert.reopened', data: { ...subject, reason: event.reason, actor } }];
    case 'viewed':
    case 'assigned':
    case 'noted':
      return [];
  }
}
