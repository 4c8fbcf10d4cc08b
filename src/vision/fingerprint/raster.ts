/**
 * Upright pixels, three bytes each (R, G, B in sRGB), row by row from the top left; transparency already flattened
 * on white. `data.length === width * height * 3`.
 */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
