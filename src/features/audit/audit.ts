import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { canonicalJson, digestOf, entryHash } from './chain.ts';

/** Something that happened and must be provable later. */
export interface AuditEvent {
  readonly at: Date;
  /** What happened, e.g. `alert.opened`. */
  readonly kind: string;
  /** The id of what it happened to. */
  readonly subject: string;
  readonly payload: unknown;
}

export interface ChainReport {
  /** Entries in the chain, all of which agree with their records. */
  readonly sealed: number;
  /** Records that no entry commits to yet; the next sealing takes them up. */
  readonly unsealed: number;
  /** Sealed records whose payload was purged; their entries still hold. */
  readonly purged: number;
  /** Hash of the newest entry, lower-case hex: the chain's head. */
  readonly head: string;
}

const GENESIS = Buffer.alloc(32);
const SEALER_LOCK = 0x75747375;
const BATCH = 1_000;

/**
 * Writes a record down in the caller's transaction, so that it exists exactly when what it tells of exists.
 * The record holds a salted digest: payload and salt can be purged later (personal data) without breaking the chain.
 */
export async function recordAudit(tx: Executor, events: readonly AuditEvent[]): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map(({ at, kind, subject, payload }) => {
    const salt = randomBytes(16);
    const text = canonicalJson(payload);
    return { at, kind, subject, digest: digestOf(salt, text), salt, payload: text };
  });
  await tx.insertInto('audit_records').values(rows).execute();
}

/**
 * Appends every unsealed record to the chain. Any process may call it at any time: an advisory lock lets one sealer
 * work while the others return at once.
 *
 * @returns how many records were sealed now
 */
export async function sealAudit(db: Database): Promise<number> {
  let total = 0;
  for (;;) {
    const sealed = await db.transaction().execute(sealBatch);
    total += sealed;
    if (sealed < BATCH) return total;
  }
}

async function sealBatch(tx: Executor): Promise<number> {
  const lock = await sql<{ got: boolean }>`select pg_try_advisory_xact_lock(${SEALER_LOCK}) as got`.execute(
    tx,
  );
  if (!lock.rows[0]!.got) return 0;
  const last = await tx
    .selectFrom('audit_chain')
    .selectAll()
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  const records = await tx
    .selectFrom('audit_records as r')
    .leftJoin('audit_chain as c', 'c.record_id', 'r.id')
    .where('c.seq', 'is', null)
    .select(['r.id', 'r.at', 'r.kind', 'r.subject', 'r.digest'])
    .orderBy('r.id')
    .limit(BATCH)
    .execute();
  if (records.length === 0) return 0;
  let seq = last?.seq ?? 0;
  let previous = last?.hash ?? GENESIS;
  const entries = records.map((record) => {
    const entry = { seq: ++seq, record_id: record.id, previous, hash: entryHash(seq, record, previous) };
    previous = entry.hash;
    return entry;
  });
  await tx.insertInto('audit_chain').values(entries).execute();
  return entries.length;
}

/**
 * Walks the whole chain: each entry must carry the hash of the one before, commit to its record, and the record's
 * digest must match its salt and payload unless they were purged.
 *
 * @throws UtsushiError `audit_broken` naming the first entry that differs
 */
export async function verifyAudit(db: Executor): Promise<ChainReport> {
  let previous: Buffer = GENESIS;
  let seq = 0;
  let purged = 0;
  for (;;) {
    const entries = await db
      .selectFrom('audit_chain as c')
      .leftJoin('audit_records as r', 'r.id', 'c.record_id')
      .where('c.seq', '>', seq)
      .select([
        'c.seq',
        'c.previous',
        'c.hash',
        'r.id',
        'r.at',
        'r.kind',
        'r.subject',
        'r.digest',
        'r.salt',
        'r.payload',
      ])
      .orderBy('c.seq')
      .limit(BATCH)
      .execute();
    if (entries.length === 0) break;
    for (const {
      seq: found,
      previous: claimed,
      hash,
      id,
      at,
      kind,
      subject,
      digest,
      salt,
      payload,
    } of entries) {
      seq += 1;
      const broken = (what: string) => new UtsushiError('audit_broken', `entry ${seq}: ${what}`);
      if (found !== seq) throw broken(`missing; the next one is ${found}`);
      if (!claimed.equals(previous)) throw broken('does not carry the hash of the entry before it');
      if (id === null) throw broken('its record is gone');
      if (
        !entryHash(seq, { id, at: at!, kind: kind!, subject: subject!, digest: digest! }, previous).equals(
          hash,
        )
      ) {
        throw broken('does not match its record');
      }
      if (salt === null) purged += 1;
      else if (!digestOf(salt, payload!).equals(digest!))
        throw broken('the payload of its record was changed');
      previous = hash;
    }
  }
  const { count } = await db
    .selectFrom('audit_records as r')
    .leftJoin('audit_chain as c', 'c.record_id', 'r.id')
    .where('c.seq', 'is', null)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return { sealed: seq, unsealed: count, purged, head: previous.toString('hex') };
}
