/**
 * How long a server asks to wait (RFC 9110, section 10.2.3: seconds, or a date), in milliseconds; undefined when it does
 * not say, or not so that it can be understood.
 */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}
