/** How a person's decision reaches other alerts, and how they are freed of it again. */
import type { Executor } from '../../platform/storage/database.ts';
import { type StoredAlert, append } from './journal.ts';
import { ALIKE, distanceTo, hashesOf, nearCopyRadius, precedentsFor } from './likeness.ts';
import { priorityOf, priorityParts } from './priority.ts';

interface By {
  readonly actor: string;
  readonly at: Date;
}

/** Alerts at hand that a decision moves up or down; a bound, so that one decision stays one short transaction. */
const MOST = 500;

/**
 * After `not-similar`: near-copies that wait, against the same reference image, inherit it; what is merely alike moves
 * down the inbox. After `confirm`: what is alike moves up.
 */
export async function followDecision(tx: Executor, decided: StoredAlert, by: By): Promise<void> {
  if (decided.state !== 'decided' || decided.hash === null) return;
  if (decided.decision !== 'not-similar' && decided.decision !== 'confirm') return;
  const waiting = await waitingAlike(tx, decided);
  for (const { alert, distance } of waiting) {
    const nearCopy =
      alert.reference_id === decided.reference_id &&
      distance <= nearCopyRadius(Math.min(alert.hash_quality!, decided.hash_quality!));
    if (decided.decision === 'not-similar' && nearCopy && alert.state === 'open') {
      await append(tx, alert, {
        ...by,
        event: {
          type: 'inherited',
          decision: 'not-similar',
          from: decided.id,
          decidedBy: by.actor,
          distance,
        },
      });
    } else await reprioritise(tx, alert);
  }
}

/** After a decision was taken back: what inherited it is open again, and what it moved stands where it stood. */
export async function followTakenBack(tx: Executor, before: StoredAlert, by: By): Promise<void> {
  const heirs = await tx
    .selectFrom('alerts')
    .selectAll()
    .where('inherited_from', '=', before.id)
    .orderBy('id')
    .execute();
  for (const heir of heirs) {
    await append(tx, heir, {
      ...by,
      event: { type: 'reopened', why: 'origin-changed', reason: null, sightingId: null },
    });
  }
  if (before.hash === null) return;
  for (const { alert } of await waitingAlike(tx, before)) await reprioritise(tx, alert);
}

async function waitingAlike(
  tx: Executor,
  decided: StoredAlert,
): Promise<{ alert: StoredAlert; distance: number }[]> {
  const hashes = await hashesOf(tx, decided.output_id);
  if (hashes === undefined) return [];
  const distance = distanceTo('alerts.hash', hashes);
  const rows = await tx
    .selectFrom('alerts')
    .selectAll()
    .select(distance.as('distance'))
    .where('asset_id', '=', decided.asset_id)
    .where('id', '!=', decided.id)
    .where('state', '!=', 'decided')
    .where('hash', 'is not', null)
    .where(distance, '<=', ALIKE)
    .orderBy(distance)
    .orderBy('id')
    .limit(MOST)
    .execute();
  return rows.map(({ distance: found, ...alert }) => ({ alert, distance: found }));
}

/** Puts an alert where its score, tier, reliance and precedents now say. */
export async function reprioritise(tx: Executor, alert: StoredAlert): Promise<void> {
  const precedents = await precedentsFor(
    tx,
    { assetId: alert.asset_id, referenceId: alert.reference_id, except: alert.id },
    await hashesOf(tx, alert.output_id),
  );
  const priority = priorityOf(priorityParts({ ...alert, precedents }));
  if (priority === alert.priority) return;
  await tx.updateTable('alerts').set({ priority }).where('id', '=', alert.id).execute();
}
