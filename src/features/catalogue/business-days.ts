import holidayJp from '@holiday-jp/holiday_jp';

const { holidays } = holidayJp;
const DAY_MS = 86_400_000;
/** Japan keeps UTC+9 all year and has not changed its clocks since 1952. */
const JST_MS = 9 * 3_600_000;

/** The last year whose holidays are known; beyond it no day is called a holiday. */
export const HOLIDAYS_UNTIL = Object.keys(holidays).toSorted().at(-1)!.slice(0, 4);

/** The calendar day in Japan at this moment, `YYYY-MM-DD`. */
export function japaneseDate(at: Date): string {
  return new Date(at.getTime() + JST_MS).toISOString().slice(0, 10);
}

/** Whether a day (`YYYY-MM-DD`, in Japan) is neither of a weekend nor a public holiday. */
export function isBusinessDay(day: string): boolean {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return weekday !== 0 && weekday !== 6 && !(day in holidays);
}

/** The same time of day in Japan, `days` working days later: weekends and Japanese public holidays do not count. */
export function addBusinessDays(from: Date, days: number): Date {
  let at = from;
  for (let left = days; left > 0;) {
    at = new Date(at.getTime() + DAY_MS);
    if (isBusinessDay(japaneseDate(at))) left -= 1;
  }
  return at;
}
