import type { Database } from '../../platform/storage/database.ts';
import { recordAudit } from '../audit/index.ts';
import { takeTurn } from './journal.ts';
import { type By, type Finding, raiseAlert } from './raise.ts';

/**
 * Ends an asset's quarantine. What was held back becomes alerts (`release`) or stays a recorded match without an alert
 * (`discard`).
 *
 * @returns how many findings were held back; 0 also when the asset was not quarantined
 */
export async function liftQuarantine(
  db: Database,
  assetId: string,
  held: 'release' | 'discard',
  by: By,
): Promise<number> {
  return db.transaction().execute(async (tx) => {
    await takeTurn(tx);
    const lifted = await tx
      .deleteFrom('quarantined_assets')
      .where('asset_id', '=', assetId)
      .returning('asset_id')
      .executeTakeFirst();
    if (lifted === undefined) return 0;
    const rows = await tx
      .deleteFrom('held_findings')
      .where('asset_id', '=', assetId)
      .returning(['id', 'finding'])
      .execute();
    await recordAudit(tx, [
      {
        at: by.at,
        kind: 'asset.quarantine_lifted',
        subject: assetId,
        payload: { held, findings: rows.length, actor: by.actor },
      },
    ]);
    if (held === 'discard') return rows.length;
    for (const { finding } of rows.toSorted((a, b) => a.id - b.id)) {
      // A person looked at what the asset matches; counting anew would quarantine it again at once.
      await raiseAlert(tx, finding as Finding, by, { watchForFlood: false });
    }
    return rows.length;
  });
}
