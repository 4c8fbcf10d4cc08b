import type { Language } from './index.tsx';

const JST = 'Asia/Tokyo';
const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: Language, timeZone: string, options: Intl.DateTimeFormatOptions) {
  const key = JSON.stringify([language, timeZone, options]);
  let made = formats.get(key);
  if (made === undefined) {
    made = new Intl.DateTimeFormat(language === 'ja' ? 'ja-JP' : 'en-GB', { ...options, timeZone });
    formats.set(key, made);
  }
  return made;
}

const FULL: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
};
const DAY: Intl.DateTimeFormatOptions = { month: 'short', day: 'numeric' };

/** `2026/11/23 15:04 JST` */
export function inJst(language: Language, at: string): string {
  return `${format(language, JST, FULL).format(new Date(at))} JST`;
}

/** `2026/11/23 06:04 UTC` */
export function inUtc(language: Language, at: string): string {
  return `${format(language, 'UTC', FULL).format(new Date(at))} UTC`;
}

/** `11月23日`, in Japan */
export function dayInJst(language: Language, at: string): string {
  return format(language, JST, DAY).format(new Date(at));
}

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

/** `3 日前`, `in 2 hours` */
export function fromNow(language: Language, at: string, now = Date.now()): string {
  const ms = new Date(at).getTime() - now;
  const [unit, length] = UNITS.find(([, each]) => Math.abs(ms) >= each) ?? (['minute', 60_000] as const);
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(Math.round(ms / length), unit);
}
