import {
  type KeyObject,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';

/** That one signing key took over from another, said by the one that was left. */
export const rotationSchema = z.strictObject({
  /** Public keys, PEM (SPKI). */
  from: z.string(),
  to: z.string(),
  at: z.iso.datetime(),
  /** Base64: by the old key, over the three above. */
  signature: z.string(),
});
export type Rotation = z.infer<typeof rotationSchema>;

/** Signs evidence: an Ed25519 key, with the statements by which it took over from earlier ones. */
export interface Signer {
  /** Public key, PEM (SPKI). */
  readonly publicKey: string;
  readonly fingerprint: string;
  /** Oldest first. */
  readonly rotations: readonly Rotation[];
  /** @returns the signature, base64 */
  sign(bytes: Uint8Array): string;
}

const CURRENT = 'evidence-signing.pem';
const ROTATIONS = 'evidence-rotations.json';

/**
 * The key in `folder`; made there at first use, readable by its owner only.
 *
 * @throws UtsushiError `invalid_config` when what lies there is no Ed25519 key
 */
export async function openSigner(folder: string): Promise<Signer> {
  const path = join(folder, CURRENT);
  const found = await readFile(path, 'utf8').catch(() => undefined);
  if (found !== undefined) return signerOf(found, await readRotations(folder), path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const made = newKey();
  const pem = await writeFile(path, made, { mode: 0o600, flag: 'wx' }).then(
    () => made,
    // Another process was quicker.
    () => readFile(path, 'utf8'),
  );
  return signerOf(pem, await readRotations(folder), path);
}

/**
 * Puts a new key in place of the one in `folder`, with a statement of the old one that it did; the old private key is
 * kept beside it under its fingerprint.
 */
export async function rotateSigner(folder: string, at: Date): Promise<Signer> {
  const old = await openSigner(folder);
  const pem = newKey();
  const next = signerOf(pem, [], folder);
  const statement = { from: old.publicKey, to: next.publicKey, at: at.toISOString() };
  const rotations = [...old.rotations, { ...statement, signature: old.sign(rotationBytes(statement)) }];
  // The statement first: should the process end between the two, a statement about a key never used harms nobody.
  await writeFile(join(folder, ROTATIONS), JSON.stringify(rotations, undefined, 2), { mode: 0o600 });
  await writeFile(join(folder, `${CURRENT}.new`), pem, { mode: 0o600 });
  await rename(join(folder, CURRENT), join(folder, `retired-${old.fingerprint}.pem`));
  await rename(join(folder, `${CURRENT}.new`), join(folder, CURRENT));
  return signerOf(pem, rotations, folder);
}

/** What people compare to know a key: the SHA-256 of its SPKI DER, lower-case hex. @throws when it is no public key */
export function fingerprintOf(publicKey: string): string {
  const der = createPublicKey(publicKey).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex');
}

/** Whether the signature is the key's over these bytes; false also for what is no key or no signature. */
export function isSignedBy(publicKey: string, bytes: Uint8Array, signature: string): boolean {
  try {
    const key = createPublicKey(publicKey);
    return key.asymmetricKeyType === 'ed25519' && verify(null, bytes, key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

/** Fingerprints of the keys that vouch for this one: itself, and those it took over from, by valid statements. */
export function vouchersOf(publicKey: string, rotations: readonly Rotation[]): string[] {
  const vouchers = [fingerprintOf(publicKey)];
  let key = publicKey;
  for (const rotation of rotations.toReversed()) {
    if (rotation.to !== key || !isSignedBy(rotation.from, rotationBytes(rotation), rotation.signature)) break;
    key = rotation.from;
    vouchers.push(fingerprintOf(key));
  }
  return vouchers;
}

function newKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function signerOf(pem: string, rotations: readonly Rotation[], where: string): Signer {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new UtsushiError('invalid_config', `${where} holds no private key`, { cause });
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new UtsushiError('invalid_config', `${where} holds a key of another kind than Ed25519`);
  }
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  return {
    publicKey,
    fingerprint: fingerprintOf(publicKey),
    rotations,
    sign: (bytes) => sign(null, bytes, key).toString('base64'),
  };
}

function rotationBytes({ from, to, at }: Omit<Rotation, 'signature'>): Buffer {
  return Buffer.from(JSON.stringify(['utsushi-key-rotation/1', from, to, at]));
}

async function readRotations(folder: string): Promise<Rotation[]> {
  const text = await readFile(join(folder, ROTATIONS), 'utf8').catch(() => '[]');
  return z.array(rotationSchema).parse(JSON.parse(text));
}
