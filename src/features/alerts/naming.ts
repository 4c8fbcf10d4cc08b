import type { TermHit } from '../../platform/provenance/index.ts';
import type { Executor } from '../../platform/storage/database.ts';
import { announce } from '../../platform/storage/live.ts';
import { recordAudit } from '../audit/index.ts';
import { type StoredAlert, takeTurn } from './journal.ts';
import { reprioritise } from './spread.ts';

interface By {
  readonly actor: string;
  readonly at: Date;
}

/**
 * Adds names of works that turned up after the output raised its alerts, each to the alert for its work. They move it
 * up the inbox, and touch no score.
 */
export async function nameAlerts(
  tx: Executor,
  outputId: string,
  hits: readonly TermHit[],
  by: By,
): Promise<void> {
  await takeTurn(tx);
  const alerts = await tx
    .selectFrom('alerts')
    .selectAll()
    .where('output_id', '=', outputId)
    .orderBy('asset_id')
    .execute();
  for (const alert of alerts) await addReliance(tx, alert, hits, by);
}

/** The same for one alert. The caller's transaction has its turn. */
export async function addReliance(
  tx: Executor,
  alert: StoredAlert,
  hits: readonly TermHit[],
  { actor, at }: By,
): Promise<void> {
  const added = hits.filter(
    (hit) =>
      hit.assetId === alert.asset_id &&
      !alert.reliance.some(({ term, where }) => term === hit.term && where === hit.where),
  );
  if (added.length === 0) return;
  const reliance = [...alert.reliance, ...added];
  await tx
    .updateTable('alerts')
    .set({ reliance: JSON.stringify(reliance) })
    .where('id', '=', alert.id)
    .execute();
  await reprioritise(tx, { ...alert, reliance });
  await recordAudit(tx, [{ at, kind: 'work.named', subject: alert.id, payload: { hits: added, actor } }]);
  await announce(tx, 'alert', alert.id);
}
