import type { Kind } from '../../vision/matching/match.ts';

/** What can happen to an alert. */
export type AlertEvent =
  | {
      readonly type: 'opened';
      readonly checkId: string;
      readonly sightingId: string | null;
      readonly kind: Kind;
      readonly confidence: number;
      /** Found because an asset was added after the output was seen. */
      readonly retroactive: boolean;
    }
  | { readonly type: 'seen'; readonly sightingId: string; readonly checkId: string };

export interface Recorded<E> {
  readonly at: Date;
  readonly actor: string;
  readonly event: E;
}

export interface AlertState {
  readonly state: 'open';
  readonly kind: Kind;
  readonly confidence: number;
  readonly checkId: string;
  /** How often the output was seen, at different places or times. */
  readonly sightings: number;
  readonly retroactive: boolean;
  readonly openedAt: Date;
  readonly lastEventAt: Date;
}

/** An alert's state is the fold of its events over this function. @throws RangeError when the first is no `opened` */
export function applyAlertEvent(
  before: AlertState | undefined,
  { at, event }: Recorded<AlertEvent>,
): AlertState {
  if (event.type === 'opened') {
    return {
      state: 'open',
      kind: event.kind,
      confidence: event.confidence,
      checkId: event.checkId,
      sightings: event.sightingId === null ? 0 : 1,
      retroactive: event.retroactive,
      openedAt: at,
      lastEventAt: at,
    };
  }
  if (before === undefined) throw new RangeError(`an alert cannot begin with '${event.type}'`);
  return { ...before, sightings: before.sightings + 1, lastEventAt: at };
}
