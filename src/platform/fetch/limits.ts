import { UtsushiError } from '../../errors.ts';
import type { HostLimit } from '../storage/host-turns.ts';

/** How often each host may be asked: by name, and `*` for the rest. */
export type HostLimits = ReadonlyMap<string, HostLimit>;

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
// Requests set out this much further apart than the limit says, so that the delays of a network, which let some arrive
// closer together than they set out, never add up to more than the limit at the host.
const MARGIN = 1.1;

/**
 * Reads `HOST=RATE[:AT_ONCE], …`, e.g. `*=1/s:2, images.example=10/s:4, slow.example:8080=20/m`. A host with a port
 * other than its scheme's own is named with it.
 *
 * @throws UtsushiError `invalid_config`
 */
export function parseLimits(text: string): HostLimits {
  const limits = new Map<string, HostLimit>();
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    const found = /^\s*([^\s=]+)=(\d+(?:\.\d+)?)\/([smh])(?::(\d+))?\s*$/.exec(part);
    const rate = Number(found?.[2]);
    const atOnce = Number(found?.[4] ?? 1);
    if (found === null || rate === 0 || atOnce === 0) {
      throw new UtsushiError(
        'invalid_config',
        `UTSUSHI_FETCH_LIMITS: ${part.trim()} is not like images.example=2/s:4 (host, requests per s, m or h, at once)`,
      );
    }
    const intervalMs = (UNIT_MS[found[3] as keyof typeof UNIT_MS] / rate) * MARGIN;
    limits.set(found[1]!.toLowerCase(), { intervalMs, atOnce });
  }
  return limits;
}
