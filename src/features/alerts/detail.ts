import type { Provenance } from '../../platform/provenance/index.ts';
import type { Database } from '../../platform/storage/database.ts';
import type { AlertEvent, AppliedRule, Recorded } from './alert.ts';
import { type VeiledDecision, veil, veilEvents } from './blind.ts';
import { type Fact, relianceFacts } from './facts.ts';
import { type AlertSummary, findAlert } from './inbox.ts';
import { readEvents } from './journal.ts';
import { type Precedent, hashesOf, precedentsFor } from './likeness.ts';
import { type PriorityPart, priorityParts } from './priority.ts';
import { type Coverage, coverage, placesOf, rulesOf } from './rules.ts';

export interface AlertDetail extends AlertSummary {
  readonly asset: {
    readonly id: string;
    readonly title: string;
    readonly series: string | null;
    readonly author: string | null;
    readonly rightsHolder: string | null;
    readonly published: string | null;
    readonly tier: 'high' | 'standard';
  };
  readonly reference: {
    readonly id: string;
    readonly file: string;
    readonly width: number;
    readonly height: number;
  } | null;
  readonly output: {
    readonly sha256: string;
    readonly format: string;
    readonly width: number;
    readonly height: number;
    readonly byteLength: number;
    readonly retained: 'original' | 'shrunk';
  };
  /** The match record of the check that opened it. */
  readonly match: unknown;
  /** What the output's bytes say about its generator. */
  readonly provenance: Provenance | null;
  readonly facts: readonly Fact[];
  /** Licences and tolerance rules of the work, and how many of the sightings each covers. */
  readonly rules: readonly (AppliedRule & {
    readonly decision: 'licensed' | 'tolerated';
    readonly coverage: Readonly<Record<Coverage, number>>;
  })[];
  /** Decisions of people on outputs like this one. */
  readonly precedents: readonly Precedent[];
  readonly priorityParts: readonly PriorityPart[];
  /** Alerts of the same output for other works. */
  readonly siblings: readonly {
    readonly id: string;
    readonly assetId: string;
    readonly title: string;
    readonly confidence: number;
    readonly state: AlertSummary['state'];
    readonly decision: AlertSummary['decision'];
  }[];
  readonly events: readonly (Recorded<AlertEvent | VeiledDecision> & { readonly seq: number })[];
  readonly seenAt: readonly {
    readonly sightingId: string;
    readonly seenAt: Date;
    readonly postedAt: Date | null;
    readonly imageUrl: string | null;
    readonly pageUrl: string | null;
    readonly account: string | null;
    readonly acquisition: string;
    readonly acquiredBy: string | null;
  }[];
}

/**
 * Everything there is to know about an alert.
 *
 * @param viewer from whom a decision that waits for a second one is kept, unless it is theirs; undefined: from nobody
 * @throws UtsushiError `not_found`
 */
export async function showAlert(db: Database, id: string, viewer?: string): Promise<AlertDetail> {
  const alert = await findAlert(db, id);
  const { outputId, assetId, referenceId } = alert;
  const [asset, output, reference, match, sightings, places, events, siblings, hashes] = await Promise.all([
    db.selectFrom('assets').selectAll().where('id', '=', assetId).executeTakeFirstOrThrow(),
    db.selectFrom('outputs').selectAll().where('id', '=', outputId).executeTakeFirstOrThrow(),
    referenceId === null
      ? undefined
      : db.selectFrom('reference_images').selectAll().where('id', '=', referenceId).executeTakeFirst(),
    db
      .selectFrom('matches')
      .select('body')
      .where('check_id', '=', alert.checkId)
      .where('asset_id', '=', assetId)
      .executeTakeFirst(),
    db
      .selectFrom('sightings')
      .selectAll()
      .where('output_id', '=', outputId)
      .orderBy('seen_at')
      .orderBy('id')
      .execute(),
    placesOf(db, outputId),
    readEvents(db, id),
    db
      .selectFrom('alerts')
      .innerJoin('assets', 'assets.id', 'alerts.asset_id')
      .select(['alerts.id', 'asset_id as assetId', 'title', 'confidence', 'state', 'decision'])
      .select('decided_by as decidedBy')
      .where('output_id', '=', outputId)
      .where('alerts.id', '!=', id)
      .orderBy('confidence', 'desc')
      .execute(),
    hashesOf(db, outputId),
  ]);
  const [rules, precedents] = await Promise.all([
    rulesOf(db, asset),
    precedentsFor(db, { assetId, referenceId, except: id }, hashes),
  ]);
  const provenance = output.provenance as Provenance | null;
  const posted = sightings.flatMap(({ posted_at }) => posted_at ?? []).map((at) => at.getTime());
  const [first] = sightings;
  return {
    ...veil(alert, viewer),
    asset: {
      id: asset.id,
      title: asset.title,
      series: asset.series,
      author: asset.author,
      rightsHolder: asset.rights_holder,
      published: asset.published,
      tier: asset.tier,
    },
    reference:
      reference === undefined
        ? null
        : { id: reference.id, file: reference.file, width: reference.width, height: reference.height },
    output: {
      sha256: output.sha256,
      format: output.format,
      width: output.width,
      height: output.height,
      byteLength: output.byte_length,
      retained: output.retained,
    },
    match: match?.body ?? null,
    provenance,
    facts: relianceFacts({
      published: asset.published,
      firstSeen:
        posted.length > 0
          ? { at: new Date(Math.min(...posted)), how: 'posted' }
          : first === undefined
            ? null
            : { at: first.seen_at, how: 'seen' },
      reliance: alert.reliance,
      provenance,
    }),
    rules: rules.map((rule) => {
      const found = { applies: 0, unknown: 0, no: 0 };
      for (const place of places) found[coverage(rule, place)] += 1;
      return { ...rule, coverage: found };
    }),
    precedents,
    priorityParts: priorityParts({ ...alert, precedents }),
    siblings: siblings.map(({ decidedBy, ...sibling }) => ({
      ...sibling,
      decision: veil({ ...alert, ...sibling, decidedBy }, viewer).decision,
    })),
    events: veilEvents(events, alert, viewer),
    seenAt: sightings.map((sighting) => ({
      sightingId: sighting.id,
      seenAt: sighting.seen_at,
      postedAt: sighting.posted_at,
      imageUrl: sighting.image_url,
      pageUrl: sighting.page_url,
      account: sighting.account,
      acquisition: sighting.acquisition,
      acquiredBy: sighting.acquired_by,
    })),
  };
}
