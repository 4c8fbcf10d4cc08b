import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { TermHit } from '../../platform/provenance/index.ts';
import type { Executor } from '../../platform/storage/database.ts';
import { type Protocol, reviewDeadline } from '../catalogue/index.ts';
import type { Kind } from '../../vision/matching/match.ts';
import { type AlertEvent, type Recorded, applyAlertEvent } from './alert.ts';
import { holdBack, isQuarantined, quarantineFlood } from './flood.ts';
import { type StoredAlert, append, readAlert, takeTurn, toRow, writeEvent } from './journal.ts';
import { hashesOf, joinCluster, precedentsFor } from './likeness.ts';
import { addReliance } from './naming.ts';
import { priorityOf, priorityParts } from './priority.ts';
import {
  type Rule,
  type SightedPlace,
  coverage,
  coveringRule,
  isWithin,
  placesOf,
  rulesOf,
} from './rules.ts';

/** A candidate that a check found: one output, one asset. */
export interface Finding {
  readonly outputId: string;
  readonly assetId: string;
  /** The reference image it resembles most. */
  readonly referenceId: string;
  readonly checkId: string;
  /** The sighting that was checked; null in a retroactive match. */
  readonly sightingId: string | null;
  readonly kind: Kind;
  readonly confidence: number;
  /** Names of the asset in the output's prompt, source names and page. */
  readonly reliance: readonly TermHit[];
}

export interface By {
  readonly at: Date;
  readonly actor: string;
  /** Says by when an alert wants its review. */
  readonly protocol: Protocol;
}

/**
 * Raises an alert, or notes on the one that exists that its output was seen again: there is one alert for an output
 * and an asset, however often either comes. What was decided before is taken into account where it reaches: a rule for
 * every place the output was seen at, or `not-similar` for a near-copy of it. Runs in the transaction that records the
 * check.
 *
 * @returns the alert's id; undefined when the asset is quarantined and the finding was held back
 */
export async function raiseAlert(
  tx: Executor,
  finding: Finding,
  { protocol, ...by }: By,
  options: { readonly watchForFlood: boolean } = { watchForFlood: true },
): Promise<string | undefined> {
  await takeTurn(tx);
  const existing = await tx
    .selectFrom('alerts')
    .selectAll()
    .where('output_id', '=', finding.outputId)
    .where('asset_id', '=', finding.assetId)
    .executeTakeFirst();
  if (existing !== undefined) {
    await seeAgain(tx, existing, finding, by);
    return existing.id;
  }
  if (await isQuarantined(tx, finding.assetId)) {
    await holdBack(tx, finding.assetId, finding.outputId, finding, by);
    return undefined;
  }
  const id = await openAlert(tx, finding, protocol, by);
  if (options.watchForFlood) await quarantineFlood(tx, finding.assetId, by);
  return id;
}

async function openAlert(
  tx: Executor,
  finding: Finding,
  protocol: Protocol,
  by: Omit<By, 'protocol'>,
): Promise<string> {
  const asset = await tx
    .selectFrom('assets')
    .select(['id', 'series', 'tier'])
    .where('id', '=', finding.assetId)
    .executeTakeFirstOrThrow();
  const hashes = await hashesOf(tx, finding.outputId);
  const precedents = await precedentsFor(tx, finding, hashes);
  const places = await placesOf(tx, finding.outputId, finding.sightingId);
  const opened: Recorded<AlertEvent> = {
    ...by,
    event: {
      type: 'opened',
      checkId: finding.checkId,
      sightingId: finding.sightingId,
      kind: finding.kind,
      confidence: finding.confidence,
      retroactive: finding.sightingId === null,
    },
  };
  const state = applyAlertEvent(undefined, opened);
  const id = randomUUID();
  const parts = priorityParts({ ...finding, tier: asset.tier, precedents });
  await tx
    .insertInto('alerts')
    .values({
      id,
      output_id: finding.outputId,
      asset_id: finding.assetId,
      reference_id: finding.referenceId,
      ...toRow(state),
      rule: null,
      scope: null,
      tier: asset.tier,
      source: await sourceOf(tx, places),
      cluster_id: await joinCluster(tx, asset.series ?? asset.id, hashes, by.at),
      hash: hashes === undefined ? null : sql`${hashes.upright}::bit(256)`,
      hash_quality: hashes?.quality ?? null,
      reliance: JSON.stringify(finding.reliance),
      priority: priorityOf(parts),
      due_at: reviewDeadline(protocol, asset.tier, by.at),
      last_seq: 1,
    })
    .execute();
  const { id: asset_id, tier } = asset;
  await writeEvent(tx, { id, asset_id, output_id: finding.outputId, tier }, 1, opened, state);
  const remembered =
    ruledBy(await rulesOf(tx, asset), places) ??
    precedents
      .filter(({ decision, nearCopy }) => nearCopy && decision === 'not-similar')
      .map(({ alertId, decidedBy, distance }): AlertEvent => {
        return { type: 'inherited', decision: 'not-similar', from: alertId, decidedBy, distance };
      })[0];
  if (remembered !== undefined) await append(tx, await readAlert(tx, id), { ...by, event: remembered });
  return id;
}

/** The rule under which the output stands, if there is one at every place it was seen at. */
export function ruledBy(rules: readonly Rule[], places: readonly SightedPlace[]): AlertEvent | undefined {
  const covering = places.map((place) => coveringRule(rules, place));
  const first = covering[0];
  if (first === undefined || covering.includes(undefined)) return undefined;
  const { decision, ...rule } = first;
  return { type: 'ruled', decision, rule };
}

async function seeAgain(
  tx: Executor,
  alert: StoredAlert,
  finding: Finding,
  by: Omit<By, 'protocol'>,
): Promise<void> {
  // A retroactive match of an output that already has its alert tells nothing new.
  if (finding.sightingId === null) return;
  const asset = await tx
    .selectFrom('assets')
    .select(['id', 'series', 'tier'])
    .where('id', '=', alert.asset_id)
    .executeTakeFirstOrThrow();
  const places = await placesOf(tx, finding.outputId, finding.sightingId);
  const place = places.find(({ sightingId }) => sightingId === finding.sightingId)!;
  const found = coveringRule(await rulesOf(tx, asset), place);
  const { decision: _, ...rule } = found ?? { decision: null };
  const reopens = found === undefined && !reaches(alert, place);
  const seen = await append(tx, alert, {
    ...by,
    event: {
      type: 'seen',
      sightingId: finding.sightingId,
      checkId: finding.checkId,
      ...(found === undefined ? {} : { rule: rule as Omit<Rule, 'decision'> }),
      reopens,
    },
  });
  await tx
    .updateTable('alerts')
    .set({ tier: asset.tier, source: await sourceOf(tx, [place]) })
    .where('id', '=', alert.id)
    .execute();
  await addReliance(tx, { ...seen, tier: asset.tier }, finding.reliance, by);
  if (!reopens) return;
  await append(tx, seen, {
    ...by,
    event: { type: 'reopened', why: 'outside-scope', reason: null, sightingId: finding.sightingId },
  });
}

/** Whether what was decided also holds for this place; only `licensed` and `tolerated` are confined to places. */
function reaches(alert: StoredAlert, place: SightedPlace): boolean {
  if (alert.state !== 'decided' || (alert.decision !== 'licensed' && alert.decision !== 'tolerated'))
    return true;
  if (alert.scope !== null) return isWithin(alert.scope as SightedPlace[], place);
  return alert.rule !== null && coverage(alert.rule as Rule, place) === 'applies';
}

/** What the inbox calls the source: the host it was last seen at, or else how it came. */
async function sourceOf(tx: Executor, places: readonly SightedPlace[]): Promise<string> {
  const last = places.at(-1);
  if (last === undefined) return 'unknown';
  if (last.domain !== null) return last.domain;
  const { acquisition } = await tx
    .selectFrom('sightings')
    .select('acquisition')
    .where('id', '=', last.sightingId)
    .executeTakeFirstOrThrow();
  return acquisition;
}
