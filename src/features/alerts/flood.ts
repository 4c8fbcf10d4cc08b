import { sql } from 'kysely';
import type { Executor } from '../../platform/storage/database.ts';
import { recordAudit } from '../audit/index.ts';
import { raiseIncident } from '../incidents/index.ts';

/** The kind of incident that stands for a quarantined asset; its subject is the asset's id. */
export const ASSET_FLOOD = 'asset-flood';

/** What counts as an asset that suddenly matches everything. */
const FLOOD = {
  windowMs: 3_600_000,
  /** Outputs that do not resemble each other: a thousand near-copies of one picture are one cluster, and no flood. */
  unlike: 30,
  /** Share of all outputs checked meanwhile; a popular work is copied often, but not by everybody. */
  share: 0.1,
} as const;

interface By {
  readonly actor: string;
  readonly at: Date;
}

export async function isQuarantined(tx: Executor, assetId: string): Promise<boolean> {
  const row = await tx
    .selectFrom('quarantined_assets')
    .select('asset_id')
    .where('asset_id', '=', assetId)
    .executeTakeFirst();
  return row !== undefined;
}

/** Keeps a finding of a quarantined asset, so that it can still become an alert. */
export async function holdBack(
  tx: Executor,
  assetId: string,
  outputId: string,
  finding: unknown,
  by: By,
): Promise<void> {
  await tx
    .insertInto('held_findings')
    .values({ asset_id: assetId, output_id: outputId, finding: JSON.stringify(finding), at: by.at })
    .execute();
  await recordAudit(tx, [
    { at: by.at, kind: 'finding.held', subject: assetId, payload: { finding, actor: by.actor } },
  ]);
  const { count } = await tx
    .selectFrom('held_findings')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('asset_id', '=', assetId)
    .executeTakeFirstOrThrow();
  await warn(tx, assetId, { held: count }, by.at);
}

/**
 * Quarantines an asset that suddenly matches everything: its next findings are held back, and one incident stands for
 * them. Called after each new alert of the asset.
 */
export async function quarantineFlood(tx: Executor, assetId: string, by: By): Promise<void> {
  const since = new Date(by.at.getTime() - FLOOD.windowMs);
  const { unlike } = await tx
    .selectFrom('alerts')
    .select(sql<number>`count(distinct cluster_id)::int`.as('unlike'))
    .where('asset_id', '=', assetId)
    .where('opened_at', '>', since)
    .where('retroactive', '=', false)
    .executeTakeFirstOrThrow();
  if (unlike < FLOOD.unlike) return;
  const { outputs } = await tx
    .selectFrom('checks')
    .select(sql<number>`count(distinct output_id)::int`.as('outputs'))
    .where('created_at', '>', since)
    .executeTakeFirstOrThrow();
  if (unlike < outputs * FLOOD.share) return;
  await tx
    .insertInto('quarantined_assets')
    .values({ asset_id: assetId, since: by.at })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await recordAudit(tx, [
    { at: by.at, kind: 'asset.quarantined', subject: assetId, payload: { unlike, outputs, actor: by.actor } },
  ]);
  await warn(tx, assetId, { held: 0, unlike, outputs }, by.at);
}

async function warn(tx: Executor, assetId: string, details: Record<string, number>, at: Date): Promise<void> {
  const { title } = await tx
    .selectFrom('assets')
    .select('title')
    .where('id', '=', assetId)
    .executeTakeFirstOrThrow();
  await raiseIncident(
    tx,
    {
      kind: ASSET_FLOOD,
      subject: assetId,
      severity: 'critical',
      message: {
        ja: `作品「${title}」が互いに似ていない多数の出力に一致したため、新しい一致を保留しています(保留 ${details['held']} 件)。基準画像を確かめてください。`,
        en: `“${title}” suddenly matched many outputs that do not resemble each other; new findings are held back (${details['held']} so far). Look at its reference images.`,
      },
      details,
    },
    at,
  );
}
