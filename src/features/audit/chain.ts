import { createHash } from 'node:crypto';

/** What a record's chain entry commits to: SHA-256 of salt and payload. */
export function digestOf(salt: Buffer, payload: string): Buffer {
  return createHash('sha256').update(salt).update(payload).digest();
}

/** An entry's hash: SHA-256 of the hash before it and of what the entry says. */
export function entryHash(
  seq: number,
  record: { id: number; at: Date; kind: string; subject: string; digest: Buffer },
  previous: Buffer,
): Buffer {
  const committed = [
    seq,
    record.id,
    record.at.toISOString(),
    record.kind,
    record.subject,
    record.digest.toString('hex'),
  ];
  return createHash('sha256').update(previous).update(JSON.stringify(committed)).digest();
}

/** JSON with object keys in order, so that equal values give equal bytes. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
