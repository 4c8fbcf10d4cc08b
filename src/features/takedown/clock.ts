import { z } from 'zod';
import { HOLIDAYS_UNTIL, isBusinessDay, japaneseDate } from '../catalogue/index.ts';

const monthDay = z.string().regex(/^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'must be MM-DD, like 12-29');

/** How long a recipient has to answer, and how the days are counted. */
export const clockRule = z.object({
  days: z.int().min(1).max(365),
  /** `business`: Saturdays, Sundays, holidays of Japan and the closed days below do not count. */
  counting: z.enum(['calendar', 'business']),
  /** A term that would end on a day that is no business day ends on the next one (cf. Civil Code art. 142). */
  rollForward: z.boolean().default(false),
  /** Days of each year on which nobody works, e.g. the turn of the year. */
  closedDays: z.array(monthDay).default([]),
});
export type ClockRule = z.infer<typeof clockRule>;

export interface Due {
  /** The last day of the term, in Japan: `YYYY-MM-DD`. */
  readonly on: string;
  /** The last second of that day. */
  readonly at: Date;
}

const DAY_MS = 86_400_000;

/**
 * When a term that something on the day of `from` sets running is over. That day itself does not count (Civil Code
 * art. 140).
 *
 * @throws RangeError beyond the years whose holidays are known
 */
export function dueAfter(from: Date, rule: ClockRule): Due {
  let day = japaneseDate(from);
  for (let counted = 0; counted < rule.days;) {
    day = nextDay(day);
    if (rule.counting === 'calendar' || isOpen(day, rule)) counted += 1;
  }
  if (rule.rollForward) while (!isOpen(day, rule)) day = nextDay(day);
  return { on: day, at: new Date(Date.parse(`${day}T23:59:59+09:00`)) };
}

function isOpen(day: string, rule: ClockRule): boolean {
  if (day.slice(0, 4) > HOLIDAYS_UNTIL)
    throw new RangeError(`holidays after ${HOLIDAYS_UNTIL} are not known`);
  return isBusinessDay(day) && !rule.closedDays.includes(day.slice(5));
}

function nextDay(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10);
}
