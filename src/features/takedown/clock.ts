import holidayJp from '@holiday-jp/holiday_jp';
import { z } from 'zod';

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

const { holidays } = holidayJp;
const DAY_MS = 86_400_000;
/** Japan keeps UTC+9 all year and has not changed its clocks since 1952. */
const JST_MS = 9 * 3_600_000;
/** The table of holidays ends here; a year beyond it would silently have none. */
const HOLIDAYS_UNTIL = Object.keys(holidays).toSorted().at(-1)!.slice(0, 4);

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
    if (rule.counting === 'calendar' || isBusinessDay(day, rule)) counted += 1;
  }
  if (rule.rollForward) while (!isBusinessDay(day, rule)) day = nextDay(day);
  return { on: day, at: new Date(Date.parse(`${day}T23:59:59+09:00`)) };
}

/** The calendar day in Japan at this moment, `YYYY-MM-DD`. */
export function japaneseDate(at: Date): string {
  return new Date(at.getTime() + JST_MS).toISOString().slice(0, 10);
}

function isBusinessDay(day: string, rule: ClockRule): boolean {
  if (day.slice(0, 4) > HOLIDAYS_UNTIL)
    throw new RangeError(`holidays after ${HOLIDAYS_UNTIL} are not known`);
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  if (weekday === 0 || weekday === 6) return false;
  return !(day in holidays) && !rule.closedDays.includes(day.slice(5));
}

function nextDay(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10);
}
