import { parse } from 'yaml';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { recordAudit } from '../audit/index.ts';
import { type ClockRule, clockRule } from './clock.ts';
import { lazyData } from './data.ts';
import { sentence } from './ladder.ts';

const text = z.string().trim().min(1);
/** One text for both languages, or one for each. */
const bilingual = z.union([
  text,
  z.object({ ja: text.optional(), en: text.optional() }).refine((each) => each.ja ?? each.en, 'is empty'),
]);
type Bilingual = z.infer<typeof bilingual>;

const host = z
  .string()
  .toLowerCase()
  .regex(/^[a-z0-9.-]+\.[a-z0-9-]+$/, 'must be a host like service.example');

const recipientSchema = z.object({
  id: text,
  name: sentence,
  /** Hosts it answers for, their subdomains included. */
  hosts: z.array(host),
  /** The day it was designated under the Information Distribution Platform Act. */
  designated: z.iso.date().optional(),
  /** Its own term, where it states one. */
  clock: clockRule.optional(),
});
export type Recipient = z.infer<typeof recipientSchema>;

const policySchema = z.object({
  clocks: z.object({ statutory: clockRule, policy: clockRule }),
  reminders: z.object({ dueSoonDays: z.int().min(0).max(60) }),
  recheck: z.object({
    everyHours: z
      .int()
      .min(1)
      .max(24 * 90),
  }),
  logs: z.object({ assumedDays: z.int().min(1).max(3650), warnDays: z.int().min(0).max(3650) }),
});
export type TakedownPolicy = z.infer<typeof policySchema>;

export const profileSchema = z.strictObject({
  /** The name under which the claims are made. */
  name: bilingual.optional(),
  address: bilingual.optional(),
  phone: text.optional(),
  email: z.email().optional(),
  /** The person who signs, with the title if any. */
  signatory: bilingual.optional(),
  recipients: z.array(recipientSchema).default([]),
  policy: z
    .strictObject({
      clocks: z.strictObject({ statutory: clockRule.optional(), policy: clockRule.optional() }).optional(),
      reminders: policySchema.shape.reminders.partial().optional(),
      recheck: policySchema.shape.recheck.partial().optional(),
      logs: policySchema.shape.logs.partial().optional(),
    })
    .optional(),
});
/** Who makes the claims, and what the user set in place of Utsushi's proposals. Everything may still be missing. */
export type Profile = z.infer<typeof profileSchema>;

const shipped = { version: z.int(), date: z.iso.date(), source: z.string() };
const shippedPolicy = lazyData('policy.yml', policySchema.extend(shipped));
const shippedRecipients = lazyData(
  'recipients.yml',
  z.object({ ...shipped, recipients: z.array(recipientSchema) }),
);

/** The newest profile; an empty one where none was set. */
export async function readProfile(db: Executor): Promise<Profile> {
  const row = await db
    .selectFrom('organisation_profiles')
    .select('body')
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return profileSchema.parse(row?.body ?? {});
}

/**
 * Puts a profile in force, whole: what it leaves out is missing from then on.
 *
 * @param source YAML, or JSON, which is YAML too
 * @throws UtsushiError `invalid_request` naming every fault
 */
export async function writeProfile(
  db: Database,
  source: string,
  by: { readonly actor: string; readonly at: Date },
): Promise<Profile> {
  const profile = parseYaml('the profile', source, profileSchema);
  await db.transaction().execute(async (tx) => {
    const { version } = await tx
      .insertInto('organisation_profiles')
      .values({ body: JSON.stringify(profile), actor: by.actor, created_at: by.at })
      .returning('version')
      .executeTakeFirstOrThrow();
    await recordAudit(tx, [
      {
        at: by.at,
        kind: 'profile.set',
        subject: `profile ${version}`,
        payload: { ...profile, actor: by.actor },
      },
    ]);
  });
  return profile;
}

/** @throws UtsushiError `invalid_request` naming every fault of a YAML document that a user wrote */
export function parseYaml<S extends z.ZodType>(what: string, source: string, schema: S): z.infer<S> {
  let value: unknown;
  try {
    value = parse(source) ?? {};
  } catch (cause) {
    throw new UtsushiError('invalid_request', `${what} is no YAML: ${(cause as Error).message}`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || what}: ${message}`);
  throw new UtsushiError('invalid_request', faults.join('; '));
}

/** A text in this language, or in the one there is. */
export function inLanguage(value: Bilingual | undefined, lang: 'ja' | 'en'): string {
  if (value === undefined || typeof value === 'string') return value ?? '';
  return value[lang] ?? value.ja ?? value.en ?? '';
}

/** How long recipients get, and when to remind: the profile's where it says so, else Utsushi's proposal. */
export function policyOf(profile: Profile): TakedownPolicy {
  const base = shippedPolicy();
  const own = profile.policy;
  return {
    clocks: {
      statutory: own?.clocks?.statutory ?? base.clocks.statutory,
      policy: own?.clocks?.policy ?? base.clocks.policy,
    },
    reminders: { ...base.reminders, ...defined(own?.reminders) },
    recheck: { ...base.recheck, ...defined(own?.recheck) },
    logs: { ...base.logs, ...defined(own?.logs) },
  };
}

/** Drops keys whose value is undefined, so that they do not cover a default. */
function defined<T extends object>(value: T | undefined): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(value ?? {}).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** Who answers for a host; undefined where nobody is on record. */
export function recipientOf(profile: Profile, url: string): Recipient | undefined {
  const { hostname } = new URL(url);
  const replaced = new Set(profile.recipients.map(({ id }) => id));
  const known = [
    ...profile.recipients,
    ...shippedRecipients().recipients.filter(({ id }) => !replaced.has(id)),
  ];
  return known.find(({ hosts }) => hosts.some((each) => hostname === each || hostname.endsWith(`.${each}`)));
}

/** Why a term counts as it does. */
export interface Term {
  readonly basis: 'statutory' | 'recipient' | 'policy';
  readonly rule: ClockRule;
}

/** The term of a recipient: its own, the statute's where it is designated by then, else the user's policy. */
export function termOf(
  recipient: Pick<Recipient, 'clock' | 'designated'> | undefined,
  policy: TakedownPolicy,
  day: string,
): Term {
  if (recipient?.clock !== undefined) return { basis: 'recipient', rule: recipient.clock };
  if (recipient?.designated !== undefined && recipient.designated <= day)
    return { basis: 'statutory', rule: policy.clocks.statutory };
  return { basis: 'policy', rule: policy.clocks.policy };
}
