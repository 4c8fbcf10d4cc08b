import { createHash } from 'node:crypto';
import { z } from 'zod';
import { rotationSchema } from '../../../platform/signing/keys.ts';

const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

/** Names the form of bundles, in each of them. */
export const FORMAT = 'utsushi-evidence/1';

/** What a bundle says of itself; its bytes are what is signed. */
export const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  caseId: z.uuid(),
  /** The case's last event in the bundle. */
  caseSeq: z.int(),
  createdAt: z.strictObject({ utc: z.iso.datetime(), jst: z.string() }),
  createdBy: z.string(),
  algorithmVersion: z.string(),
  /** Whose audit records are in the bundle, all of them. */
  subjects: z.array(z.string()),
  signer: z.strictObject({
    publicKey: z.string(),
    fingerprint: sha256Hex,
    rotations: z.array(rotationSchema),
  }),
  files: z.array(z.strictObject({ path: z.string(), bytes: z.int(), sha256: sha256Hex })),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** Files of the bundle that the manifest cannot list: they are made of it. */
export const SEAL = {
  manifest: 'manifest.json',
  signature: 'manifest.sig',
  timestamp: 'manifest.tsr',
  checksums: 'checksums.txt',
} as const;

export const FILES = {
  case: 'case.json',
  audit: 'audit.json',
  anchors: 'audit-anchors.json',
} as const;

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** Both clocks: the reader of evidence in Japan should not have to convert. */
export function bothClocks(at: Date): { utc: string; jst: string } {
  const japan = new Date(at.getTime() + 9 * 3_600_000).toISOString().slice(0, -1);
  return { utc: at.toISOString(), jst: `${japan}+09:00` };
}

/** In the format of `sha256sum`, so that anybody can check without this program. */
export function checksums(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const lines = Object.keys(files)
    .filter((path) => path !== SEAL.checksums)
    .toSorted()
    .map((path) => `${sha256Of(files[path]!)}  ${path}\n`);
  return Buffer.from(lines.join(''));
}
