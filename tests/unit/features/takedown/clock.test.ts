import { expect, test } from 'vitest';
import { japaneseDate } from '../../../../src/features/catalogue/index.ts';
import { type ClockRule, dueAfter } from '../../../../src/features/takedown/clock.ts';

const rule = (days: number, counting: ClockRule['counting'], more: Partial<ClockRule> = {}): ClockRule => ({
  days,
  counting,
  rollForward: false,
  closedDays: [],
  ...more,
});
const TURN_OF_THE_YEAR = ['12-29', '12-30', '12-31', '01-01', '01-02', '01-03'];

test.each([
  // 2026: 29 April is a Wednesday; 3, 4, 5 May are holidays (Sunday to Tuesday), 6 May replaces the Sunday.
  ['7 calendar days run through Golden Week', '2026-04-28T03:00:00Z', rule(7, 'calendar'), '2026-05-05'],
  [
    '… and end on the next business day if they roll',
    '2026-04-28T03:00:00Z',
    rule(7, 'calendar', { rollForward: true }),
    '2026-05-07',
  ],
  ['7 business days do not', '2026-04-28T03:00:00Z', rule(7, 'business'), '2026-05-13'],
  [
    'the turn of the year, with closed days',
    '2026-12-25T03:00:00Z',
    rule(5, 'business', { closedDays: TURN_OF_THE_YEAR }),
    '2027-01-07',
  ],
  [
    '… and without: only New Year’s Day is a holiday',
    '2026-12-25T03:00:00Z',
    rule(5, 'business'),
    '2027-01-04',
  ],
  [
    'a day sandwiched between holidays (22 September 2026)',
    '2026-09-18T03:00:00Z',
    rule(1, 'business'),
    '2026-09-24',
  ],
  ['one calendar day', '2026-06-01T00:00:00Z', rule(1, 'calendar'), '2026-06-02'],
])('%s', (_, from, by, on) => {
  expect(dueAfter(new Date(from), by)).toEqual({ on, at: new Date(`${on}T23:59:59+09:00`) });
});

test('the day is the one in Japan, whatever the machine’s time zone', () => {
  expect(japaneseDate(new Date('2026-05-01T14:59:59Z'))).toBe('2026-05-01');
  expect(japaneseDate(new Date('2026-05-01T15:00:00Z'))).toBe('2026-05-02');
  expect(dueAfter(new Date('2026-06-01T15:30:00Z'), rule(1, 'calendar')).on).toBe('2026-06-03');
});

test('refuses to count business days where no holidays are known', () => {
  expect(() => dueAfter(new Date('2050-12-30T00:00:00Z'), rule(3, 'business'))).toThrow(RangeError);
});
