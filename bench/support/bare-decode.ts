import sharp from 'sharp';
import { FINGERPRINT_RASTER } from '../../src/vision/fingerprint/fingerprint.ts';
import type { Raster } from '../../src/vision/fingerprint/raster.ts';

sharp.concurrency(1);
sharp.cache(false);

/** The raster that is hashed as sharp alone would make it: what anybody's fingerprint begins with. */
export async function bareDecode(bytes: Uint8Array): Promise<Raster> {
  const { data, info } = await sharp(bytes)
    .flatten({ background: '#fff' })
    .resize({ ...FINGERPRINT_RASTER, fit: 'fill' })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}
