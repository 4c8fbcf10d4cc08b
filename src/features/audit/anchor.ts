import type { Database } from '../../platform/storage/database.ts';

/**
 * Has an authority outside see the chain's head, unless it has seen it already: whoever rewrites the chain later
 * cannot rewrite what the authority signed.
 *
 * @param timestamp asks the authority for a token (RFC 3161) over these bytes
 * @returns the entry that was anchored now, if any
 */
export async function anchorAudit(
  db: Database,
  timestamp: (bytes: Uint8Array) => Promise<Uint8Array>,
  at: Date,
): Promise<number | undefined> {
  const head = await db
    .selectFrom('audit_chain')
    .select(['seq', 'hash'])
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (head === undefined) return undefined;
  const known = await db
    .selectFrom('audit_anchors')
    .select('seq')
    .where('seq', '=', head.seq)
    .executeTakeFirst();
  if (known !== undefined) return undefined;
  const token = Buffer.from(await timestamp(head.hash));
  await db
    .insertInto('audit_anchors')
    .values({ seq: head.seq, token, at })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return head.seq;
}
