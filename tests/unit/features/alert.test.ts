import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AlertEvent, type AlertState, applyAlertEvent } from '../../../src/features/alerts/index.ts';

const opened: AlertEvent = {
  type: 'opened',
  checkId: 'c1',
  sightingId: 's0',
  kind: 'reproduction',
  confidence: 0.9,
  retroactive: false,
};
const fold = (events: readonly { at: Date; event: AlertEvent }[]) =>
  events.reduce<AlertState | undefined>(
    (state, each) => applyAlertEvent(state, { ...each, actor: 'a' }),
    undefined,
  );

test('counts sightings and keeps what opened it, however often the output is seen', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 1e9 }), { maxLength: 30 }), (times) => {
      const seen = times.map((t, i) => ({
        at: new Date(t),
        event: { type: 'seen', sightingId: `s${i + 1}`, checkId: 'c2', reopens: false } as const,
      }));
      const state = fold([{ at: new Date(7), event: opened }, ...seen])!;
      expect(state.sightings).toBe(times.length + 1);
      expect(state).toMatchObject({
        checkId: 'c1',
        kind: 'reproduction',
        confidence: 0.9,
        openedAt: new Date(7),
      });
      expect(state.lastEventAt).toEqual(new Date(times.at(-1) ?? 7));
    }),
  );
});

test('a retroactive alert begins without a sighting of its own', () => {
  expect(
    fold([{ at: new Date(0), event: { ...opened, sightingId: null, retroactive: true } }]),
  ).toMatchObject({
    sightings: 0,
    retroactive: true,
  });
});

test('cannot begin with anything but opened', () => {
  expect(() =>
    fold([{ at: new Date(0), event: { type: 'seen', sightingId: 's', checkId: 'c', reopens: false } }]),
  ).toThrow(RangeError);
});
