import { z } from 'zod';
import type { Executor } from '../../platform/storage/database.ts';
import { digestOf, entryHash } from './chain.ts';

const hex = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * A stretch of the audit chain without gaps: every entry with what it commits to, and the full records of some
 * subjects. Of the others it tells what happened when to which id, and nothing more.
 */
export const extractSchema = z.strictObject({
  /** Hash of the entry before the first one. */
  previous: hex,
  entries: z.array(
    z.strictObject({
      seq: z.int().positive(),
      recordId: z.int().positive(),
      at: z.iso.datetime(),
      kind: z.string(),
      subject: z.string(),
      digest: hex,
      hash: hex,
      /** Of the subjects asked for; null when they were purged. Salt as hex, payload as canonical JSON text. */
      record: z.strictObject({ salt: z.string(), payload: z.string() }).nullish(),
    }),
  ),
});
export type AuditExtract = z.infer<typeof extractSchema>;

const BATCH = 5_000;

/** The chain from the first sealed entry about any of the subjects to its head. */
export async function extractAudit(db: Executor, subjects: readonly string[]): Promise<AuditExtract> {
  const wanted = new Set(subjects);
  const first = await db
    .selectFrom('audit_chain as c')
    .innerJoin('audit_records as r', 'r.id', 'c.record_id')
    .where('r.subject', 'in', [...wanted])
    .select(['c.seq', 'c.previous'])
    .orderBy('c.seq')
    .limit(1)
    .executeTakeFirst();
  if (first === undefined) return { previous: '0'.repeat(64), entries: [] };
  const entries: AuditExtract['entries'] = [];
  for (let after = first.seq - 1; ;) {
    const rows = await db
      .selectFrom('audit_chain as c')
      .innerJoin('audit_records as r', 'r.id', 'c.record_id')
      .where('c.seq', '>', after)
      .select(['c.seq', 'c.hash', 'r.id', 'r.at', 'r.kind', 'r.subject', 'r.digest', 'r.salt', 'r.payload'])
      .orderBy('c.seq')
      .limit(BATCH)
      .execute();
    for (const row of rows) {
      entries.push({
        seq: row.seq,
        recordId: row.id,
        at: row.at.toISOString(),
        kind: row.kind,
        subject: row.subject,
        digest: row.digest.toString('hex'),
        hash: row.hash.toString('hex'),
        ...(wanted.has(row.subject)
          ? { record: row.salt === null ? null : { salt: row.salt.toString('hex'), payload: row.payload! } }
          : {}),
      });
    }
    if (rows.length < BATCH) break;
    after = rows.at(-1)!.seq;
  }
  return { previous: first.previous.toString('hex'), entries };
}

/**
 * What is wrong with an extract by itself: entries that do not follow from the one before, records that do not match
 * their digest, records of the given subjects that were left out.
 *
 * @returns one sentence a fault; none when it holds
 */
export function faultsOfExtract(extract: AuditExtract, subjects: readonly string[]): string[] {
  const wanted = new Set(subjects);
  const faults: string[] = [];
  let previous: Buffer = Buffer.from(extract.previous, 'hex');
  for (const [i, entry] of extract.entries.entries()) {
    const { seq, recordId, at, kind, subject, digest, record } = entry;
    if (i > 0 && seq !== extract.entries[i - 1]!.seq + 1)
      faults.push(`entry ${seq} does not follow the one before it`);
    const hash = entryHash(
      seq,
      { id: recordId, at: new Date(at), kind, subject, digest: Buffer.from(digest, 'hex') },
      previous,
    );
    if (hash.toString('hex') !== entry.hash) faults.push(`entry ${seq} does not carry its own hash`);
    if (record === undefined && wanted.has(subject))
      faults.push(`the record of entry ${seq} (${kind}) was left out`);
    if (
      record != null &&
      digestOf(Buffer.from(record.salt, 'hex'), record.payload).toString('hex') !== digest
    ) {
      faults.push(`the record of entry ${seq} (${kind}) was changed`);
    }
    previous = hash;
  }
  return faults;
}
