import type { Entry } from './container.ts';

/** One place in a file that carries text under keys: the PNG texts, the EXIF block, a hidden layer of the pixels. */
export interface Carrier {
  readonly kind: 'text' | 'exif' | 'xmp' | 'stealth';
  readonly entries: readonly Entry[];
}

/** Decoded but otherwise untouched pixels: not turned, not flattened, not converted, not scaled. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  readonly data: Uint8Array;
}

/** All texts under any of these keys. */
export function under(carrier: Carrier, ...keys: readonly string[]): Entry[] {
  return carrier.entries.filter((entry) => keys.includes(entry.key));
}

export const first = (carrier: Carrier, ...keys: readonly string[]): string | undefined =>
  under(carrier, ...keys)[0]?.text;
