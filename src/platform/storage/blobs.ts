import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UtsushiError } from '../../errors.ts';

/**
 * Files by the SHA-256 of their bytes, in a directory. A file is either whole and right or absent: it is written
 * elsewhere, synced, then renamed into its place.
 */
export class BlobStore {
  readonly #root: string;
  /** Files on their way in; a folder of its own, so that abandoned ones are found without walking the store. */
  readonly #unfinished: string;
  /** Folders seen to be there, by the first four digits of what lies in them: 65,536 at most. */
  readonly #folders = new Set<string>();

  constructor(root: string) {
    this.#root = root;
    this.#unfinished = join(root, 'unfinished');
  }

  /** Where the file with this SHA-256 (lower-case hex) lies or would lie. */
  path(sha256: string): string {
    return join(this.#root, sha256.slice(0, 2), sha256.slice(2, 4), sha256);
  }

  /** Stores the bytes and returns their SHA-256; storing the same bytes again does nothing. */
  async put(bytes: Uint8Array): Promise<string> {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const path = this.path(sha256);
    const present = await stat(path).catch(() => undefined);
    if (present?.size !== bytes.length) await writeWhole(path, bytes, this.#unfinished);
    return sha256;
  }

  /**
   * The same for a file that lies on the same disk whole and synced, whose bytes have this SHA-256: it is not written a
   * second time but gets a second name.
   */
  async adopt(path: string, sha256: string): Promise<string> {
    const at = this.path(sha256);
    const folder = sha256.slice(0, 4);
    // In a young store nearly every file is the first of its folder.
    if (!this.#folders.has(folder)) await mkdir(dirname(at), { recursive: true, mode: 0o700 });
    this.#folders.add(folder);
    // It is there already, or the disk knows no second names.
    await link(path, at).catch(async () => this.put(await readFile(path)));
    return sha256;
  }

  /** Removes what processes that died while writing left behind before this time. */
  async removeUnfinished(before: Date): Promise<void> {
    for (const name of await olderThan(before, this.#unfinished))
      await rm(join(this.#unfinished, name), { force: true });
  }

  /** @throws UtsushiError `file_not_found` */
  async get(sha256: string): Promise<Buffer> {
    try {
      return await readFile(this.path(sha256));
    } catch (cause) {
      throw new UtsushiError('file_not_found', `no stored file with SHA-256 ${sha256}`, { cause });
    }
  }
}

/** Files that were handed in and wait for their check, one a sighting, by its id. */
export class Spool {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  path(id: string): string {
    return join(this.#root, id);
  }

  async put(id: string, bytes: Uint8Array): Promise<void> {
    await writeWhole(this.path(id), bytes, this.#root);
  }

  /** What lies here since before this time, ids of files that wait for their check and names of unfinished ones. */
  async listOlderThan(before: Date): Promise<string[]> {
    return olderThan(before, this.#root);
  }

  /** @throws UtsushiError `file_not_found` */
  async get(id: string): Promise<Buffer> {
    try {
      return await readFile(this.path(id));
    } catch (cause) {
      throw new UtsushiError('file_not_found', `the file handed in for ${id} is gone`, { cause });
    }
  }

  /** Forgets a file; one that is not there is no error. */
  async remove(id: string): Promise<void> {
    // `rm` would look at it first.
    await unlink(this.path(id)).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'ENOENT') throw thrown;
    });
  }
}

async function writeWhole(path: string, bytes: Uint8Array, unfinished: string): Promise<void> {
  for (const folder of [dirname(path), unfinished]) await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(unfinished, `${randomUUID()}.part`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

async function olderThan(before: Date, folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const ages = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => undefined)));
  return names.filter((_, i) => ages[i] !== undefined && ages[i].mtime < before);
}

/**
 * Reads a whole file, but never more than `maxBytes`.
 *
 * @throws UtsushiError `file_not_found` or `image_too_large`
 */
export async function readBounded(path: string, maxBytes: number): Promise<Buffer> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new UtsushiError('file_not_found', `${path} is not a file`);
    if (found.size > maxBytes) {
      throw new UtsushiError('image_too_large', `${found.size} bytes is more than the limit of ${maxBytes}`);
    }
    return await readFile(path);
  } catch (thrown) {
    if (thrown instanceof UtsushiError) throw thrown;
    throw new UtsushiError('file_not_found', thrown instanceof Error ? thrown.message : String(thrown), {
      cause: thrown,
    });
  }
}
