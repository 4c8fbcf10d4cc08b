import holidays from '@holiday-jp/holiday_jp';

const DAY_MS = 86_400_000;
/** Japan Standard Time has no summer time. */
const JST_MS = 9 * 3_600_000;

/** The same time of day in Japan, `days` working days later: weekends and Japanese public holidays do not count. */
export function addBusinessDays(from: Date, days: number): Date {
  let at = from.getTime();
  for (let left = days; left > 0;) {
    at += DAY_MS;
    if (isBusinessDay(at)) left -= 1;
  }
  return new Date(at);
}

function isBusinessDay(at: number): boolean {
  const inJapan = new Date(at + JST_MS);
  const weekday = inJapan.getUTCDay();
  return weekday !== 0 && weekday !== 6 && !holidays.isHoliday(inJapan.toISOString().slice(0, 10));
}
