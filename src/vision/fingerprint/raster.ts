/**
 * Upright pixels, three bytes each (R, G, B in sRGB), row by row from the top left; transparency already flattened
 * on white. `data.length === width * height * 3`.
 */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/**
 * Refuses a raster that is not what `Raster` promises: a wrong channel count would give a plausible, wrong hash.
 *
 * @throws RangeError when a side is not a positive integer or the data is not exactly three bytes a pixel
 */
export function assertRaster(raster: Raster): void {
  const { width, height, data } = raster;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new RangeError(`A raster needs positive integer sides, not ${width}x${height}.`);
  }
  if (data.length !== width * height * 3) {
    throw new RangeError(
      `A ${width}x${height} raster needs ${width * height * 3} bytes (R, G, B), not ${data.length}.`,
    );
  }
}
