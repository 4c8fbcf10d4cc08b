import { sql } from 'kysely';
import type { Executor } from '../../platform/storage/database.ts';
import type { AppliedRule, Place } from './alert.ts';

/** One sighting as far as rules care. */
export interface SightedPlace extends Place {
  readonly sightingId: string;
  /** The day on which it was posted, or else seen, in Japan: `2026-01-31`. */
  readonly day: string;
  /** ISO 3166 alpha-2; null when nobody said. */
  readonly territory: string | null;
}

/** A licence from the catalogue, or use that the rights holder tolerates. */
export interface Rule extends AppliedRule {
  readonly decision: 'licensed' | 'tolerated';
}

/** Whether a rule covers a sighting; `unknown` where the sighting does not say enough, which never counts as yes. */
export type Coverage = 'applies' | 'unknown' | 'no';

const WORLDWIDE = new Set(['*', 'WORLD', 'WORLDWIDE']);

export function coverage(rule: AppliedRule, sighting: SightedPlace): Coverage {
  const parts: Coverage[] = [
    // Without a place a rule says who may use the work, but not how to recognise that use.
    rule.accounts.length + rule.domains.length === 0 ? 'unknown' : 'applies',
    among(rule.accounts, sighting.account, (listed, seen) => accountKey(listed) === accountKey(seen)),
    among(rule.domains, sighting.domain, (listed, seen) => {
      const domain = listed.toLowerCase().replace(/^(?:\*\.|www\.)/, '');
      return seen === domain || seen.endsWith(`.${domain}`);
    }),
    (rule.validFrom !== null && sighting.day < rule.validFrom) ||
    (rule.validUntil !== null && sighting.day > rule.validUntil)
      ? 'no'
      : 'applies',
    rule.territory.some((each) => WORLDWIDE.has(each.toUpperCase()))
      ? 'applies'
      : among(rule.territory, sighting.territory, (listed, seen) => listed.toUpperCase() === seen),
  ];
  return parts.includes('no') ? 'no' : parts.includes('unknown') ? 'unknown' : 'applies';
}

/** The first rule that covers this sighting. */
export function coveringRule(rules: readonly Rule[], sighting: SightedPlace): Rule | undefined {
  return rules.find((rule) => coverage(rule, sighting) === 'applies');
}

/** Whether a decision confined to `scope` reaches this place. */
export function isWithin(scope: readonly Place[], place: Place): boolean {
  return scope.some(
    (each) =>
      each.domain === place.domain &&
      (each.account === null ? null : accountKey(each.account)) ===
        (place.account === null ? null : accountKey(place.account)),
  );
}

/** The licences and tolerance rules of an asset that are in force, licences first. */
export async function rulesOf(
  db: Executor,
  asset: { readonly id: string; readonly series: string | null },
): Promise<Rule[]> {
  const licences = await db
    .selectFrom('licences')
    .selectAll()
    .where('asset_id', '=', asset.id)
    .orderBy('id')
    .execute();
  const tolerated = await db
    .selectFrom('tolerance_rules')
    .selectAll()
    .where('ended_at', 'is', null)
    .where((eb) =>
      eb.or([
        eb('asset_id', '=', asset.id),
        ...(asset.series === null ? [] : [eb('series', '=', asset.series)]),
      ]),
    )
    .orderBy('id')
    .execute();
  return [
    ...licences.map((row) => ({
      decision: 'licensed' as const,
      id: `licence:${row.id}`,
      name: row.licensee,
      ...limitsOf(row),
    })),
    ...tolerated.map((row) => ({
      decision: 'tolerated' as const,
      id: `tolerance:${row.id}`,
      name: row.name,
      ...limitsOf(row),
    })),
  ];
}

/** A licence from the catalogue, with the work it is for. */
export interface Licence extends AppliedRule {
  readonly assetId: string;
  readonly title: string;
  /** Alerts that stand under it now. */
  readonly alerts: number;
}

/** Licences by their end, those that never end last. */
export async function listLicences(
  db: Executor,
  filter: { readonly assetId?: string | undefined; readonly limit: number },
): Promise<Licence[]> {
  const rows = await db
    .selectFrom('licences as l')
    .innerJoin('assets as a', 'a.id', 'l.asset_id')
    .selectAll('l')
    .select('a.title')
    .$if(filter.assetId !== undefined, (query) => query.where('l.asset_id', '=', filter.assetId!))
    .orderBy(sql`l.valid_until asc nulls last`)
    .orderBy('l.id')
    .limit(filter.limit)
    .execute();
  const standing = await alertsUnder(db);
  return rows.map((row) => ({
    id: `licence:${row.id}`,
    name: row.licensee,
    assetId: row.asset_id,
    title: row.title,
    ...limitsOf(row),
    alerts: standing.get(`licence:${row.id}`) ?? 0,
  }));
}

/** How many alerts stand under each rule now, by the rule's id. */
export async function alertsUnder(db: Executor): Promise<Map<string, number>> {
  const { rows } = await sql<{ id: string; n: number }>`
    select rule ->> 'id' as id, count(*)::int as n from alerts
     where rule is not null and state = 'decided' group by 1`.execute(db);
  return new Map(rows.map(({ id, n }) => [id, n]));
}

/** Where and when an output was seen, oldest first; `sightingId` names one whose check is being recorded now. */
export async function placesOf(
  db: Executor,
  outputId: string,
  sightingId: string | null = null,
): Promise<SightedPlace[]> {
  const rows = await db
    .selectFrom('sightings')
    .select(['id', 'account', 'page_url', 'image_url', 'territory'])
    .select(daySeen.as('day'))
    .where((eb) =>
      eb.or([eb('output_id', '=', outputId), ...(sightingId === null ? [] : [eb('id', '=', sightingId)])]),
    )
    .orderBy('seen_at')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    sightingId: row.id,
    account: row.account,
    domain: domainOf(row.page_url ?? row.image_url),
    day: row.day,
    territory: row.territory,
  }));
}

/** Japan's day: contracts of Japanese rights holders begin and end at its midnight. */
const daySeen = sql<string>`to_char(coalesce(posted_at, seen_at) at time zone 'Asia/Tokyo', 'YYYY-MM-DD')`;

/** Host name without `www.`, or null where there is no URL. */
export function domainOf(url: string | null): string | null {
  if (url === null || !URL.canParse(url)) return null;
  return new URL(url).hostname.replace(/^www\./, '') || null;
}

export function limitsOf(row: {
  accounts: string[];
  domains: string[];
  valid_from: string | null;
  valid_until: string | null;
  territory: string[];
}) {
  return {
    accounts: row.accounts,
    domains: row.domains,
    validFrom: row.valid_from,
    validUntil: row.valid_until,
    territory: row.territory,
  };
}

/** Accounts are written with and without @, in either case. */
function accountKey(account: string): string {
  return account.trim().replace(/^@/, '').toLowerCase();
}

function among(
  listed: readonly string[],
  seen: string | null,
  matches: (listed: string, seen: string) => boolean,
): Coverage {
  if (listed.length === 0) return 'applies';
  if (seen === null) return 'unknown';
  return listed.some((each) => matches(each, seen)) ? 'applies' : 'no';
}
