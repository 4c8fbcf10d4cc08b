import { createHash } from 'node:crypto';

/** Characters. */
export const DIGEST_LENGTH = 8;

/**
 * Which entries of a place were listed before, kept small enough for a cursor: 48 bits of a digest each, newest last.
 * Past `most` the oldest are forgotten, and listed again should they still be there.
 */
export class Seen {
  readonly #digests: Set<string>;
  readonly #most: number;

  constructor(text: string, most: number) {
    this.#digests = new Set(text.match(/.{8}/g));
    this.#most = most;
  }

  has(key: string): boolean {
    return this.#digests.has(digestOf(key));
  }

  add(key: string): void {
    const digest = digestOf(key);
    this.#digests.delete(digest);
    this.#digests.add(digest);
    if (this.#digests.size > this.#most) this.#digests.delete(this.#digests.keys().next().value!);
  }

  toString(): string {
    return [...this.#digests].join('');
  }
}

export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, DIGEST_LENGTH);
}
