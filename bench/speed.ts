/** What Utsushi adds to the bare decode of a picture, in the same run; ratios count, the machine is noisy. */
import sharp from 'sharp';
import { decodeImage } from '../src/platform/image/decode.ts';
import { FINGERPRINT_RASTER, fingerprint } from '../src/vision/fingerprint/fingerprint.ts';
import { hashFromWords } from '../src/vision/fingerprint/hash.ts';
import { LinearIndex } from '../src/vision/search/linear-index.ts';

const LIMITS = { maxPixels: 100_000_000 };

/** @param rounds how often each step is timed; the median counts */
export async function speedTable(picture: Buffer, rounds: number, codes: number): Promise<string> {
  const rows: string[] = [];
  const jpeg = await sharp(picture)
    .flatten({ background: '#fff' })
    .resize(1024, 1024, { fit: 'fill' })
    .jpeg()
    .toBuffer();
  const png = await sharp(picture)
    .flatten({ background: '#fff' })
    .resize(1024, 1024, { fit: 'fill' })
    .png()
    .toBuffer();
  for (const [name, bytes] of [
    ['1024x1024 JPEG', jpeg],
    ['1024x1024 PNG', png],
  ] as const) {
    const { raster } = await decodeImage(bytes, FINGERPRINT_RASTER, LIMITS);
    const decode = await median(rounds, () => decodeImage(bytes, FINGERPRINT_RASTER, LIMITS));
    const hash = await median(rounds, () => fingerprint(raster, { width: 1024, height: 1024 }));
    rows.push(
      `| ${name} | ${decode.toFixed(2)} | ${hash.toFixed(2)} | ${((decode + hash) / decode).toFixed(2)} |`,
    );
  }
  const index = new LinearIndex();
  let state = 1;
  const word = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) ^ (state >>> 13);
  const code = () => hashFromWords('pdq', Uint32Array.from({ length: 8 }, word));
  for (let i = 0; i < codes; i++) index.add(i, code());
  const query = await median(rounds, () => index.query(code(), 31));
  return [
    '| picture | decode ms | fingerprint ms | both / decode |',
    '|---|---|---|---|',
    ...rows,
    '',
    `Linear index, ${codes.toLocaleString('en')} codes, radius 31: ${query.toFixed(2)} ms a query, ${((query / codes) * 1e6).toFixed(1)} ns a code.`,
  ].join('\n');
}

async function median(rounds: number, work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < rounds + 2; i++) {
    const started = performance.now();
    await work();
    // The first two rounds warm up.
    if (i >= 2) times.push(performance.now() - started);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!;
}
