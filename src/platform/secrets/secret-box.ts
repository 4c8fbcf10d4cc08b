import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UtsushiError } from '../../errors.ts';

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = 'aes-256-gcm';

/**
 * Encrypts what the database must not hold in plain: AES-256-GCM with a key in a file that only its owner can read. The
 * file is made at first use; without it, what was sealed is lost.
 */
export class SecretBox {
  readonly #path: string;
  #key: Promise<Buffer> | undefined;

  /** @param path of the key file */
  constructor(path: string) {
    this.#path = path;
  }

  /** @param context what the secret belongs to; it opens for nothing else */
  async seal(secret: string, context: string): Promise<Buffer> {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, await this.#open(), iv).setAAD(Buffer.from(context));
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
  }

  /** @throws UtsushiError `secret_unreadable` when it was sealed with another key or for another context */
  async unseal(sealed: Uint8Array, context: string): Promise<string> {
    const key = await this.#open();
    try {
      const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const text = sealed.subarray(IV_BYTES + TAG_BYTES);
      return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8');
    } catch (cause) {
      throw new UtsushiError(
        'secret_unreadable',
        `the secret of ${context} does not open with ${this.#path}`,
        {
          cause,
        },
      );
    }
  }

  #open(): Promise<Buffer> {
    this.#key ??= readOrMake(this.#path).catch((thrown: unknown) => {
      this.#key = undefined;
      throw thrown;
    });
    return this.#key;
  }
}

async function readOrMake(path: string): Promise<Buffer> {
  const present = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const key = present ?? (await make(path));
  if (key.length !== KEY_BYTES)
    throw new UtsushiError('secret_unreadable', `${path} holds no key of ${KEY_BYTES} bytes`);
  return key;
}

/** Several processes may make it at once: the first file to take the name counts, and never half of one. */
async function make(path: string): Promise<Buffer> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, randomBytes(KEY_BYTES), { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
  return readFile(path);
}
