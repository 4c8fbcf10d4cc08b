import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import type { Tier } from '../../vision/matching/policy.ts';
import { addBusinessDays } from './business-days.ts';
import { duration } from './duration.ts';

/** What is owed to the works of a tier. How deep they are searched and from which score on is the policy's. */
export interface TierProtocol {
  /** A work is looked for at least this often. Milliseconds. */
  readonly cadenceMs: number;
  /** An alert is reviewed within this time. */
  readonly review: { readonly ms: number } | { readonly businessDays: number };
  /** The known places of alerted outputs are visited again this often. Milliseconds. */
  readonly recheckMs: number;
}

export type Protocol = Readonly<Record<Tier, TierProtocol>>;

const HOUR_MS = 3_600_000;

export const DEFAULT_PROTOCOL: Protocol = {
  high: { cadenceMs: 6 * HOUR_MS, review: { ms: 24 * HOUR_MS }, recheckMs: 24 * HOUR_MS },
  standard: { cadenceMs: 24 * HOUR_MS, review: { businessDays: 5 }, recheckMs: 7 * 24 * HOUR_MS },
};

const BUSINESS_DAYS = /^([1-9]\d{0,2}) business days?$/;
const review = z.union(
  [
    duration.transform((ms) => ({ ms })),
    z
      .string()
      .regex(BUSINESS_DAYS)
      .transform((text) => ({ businessDays: Number(BUSINESS_DAYS.exec(text)![1]) })),
  ],
  { error: 'must be a duration like 24h, or like 5 business days' },
);
const tierProtocol = z.strictObject({
  cadence: duration.optional(),
  review: review.optional(),
  recheck: duration.optional(),
});
const protocolFile = z.strictObject({
  tiers: z.strictObject({ high: tierProtocol.optional(), standard: tierProtocol.optional() }),
});

/**
 * Reads a protocol from YAML or JSON; what the file leaves out stays as it is by default.
 *
 * @throws UtsushiError `invalid_config` naming every fault
 */
export async function readProtocol(path: string): Promise<Protocol> {
  let written: unknown;
  try {
    // Loaded on demand: most commands read no protocol.
    const { parse } = await import('yaml');
    written = parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UtsushiError('invalid_config', `cannot read the protocol ${path}: ${why}`, { cause });
  }
  const parsed = protocolFile.safeParse(written);
  if (!parsed.success) {
    throw new UtsushiError('invalid_config', `${path}: ${z.prettifyError(parsed.error)}`);
  }
  const tier = (name: Tier): TierProtocol => {
    const own = parsed.data.tiers[name];
    const usual = DEFAULT_PROTOCOL[name];
    return {
      cadenceMs: own?.cadence ?? usual.cadenceMs,
      review: own?.review ?? usual.review,
      recheckMs: own?.recheck ?? usual.recheckMs,
    };
  };
  return { high: tier('high'), standard: tier('standard') };
}

/** By when an alert of a tier that was opened then wants its review. */
export function reviewDeadline(protocol: Protocol, tier: Tier, openedAt: Date): Date {
  const { review } = protocol[tier];
  return 'ms' in review
    ? new Date(openedAt.getTime() + review.ms)
    : addBusinessDays(openedAt, review.businessDays);
}
