import { gunzipSync } from 'node:zlib';
import { parseObject } from '../json.ts';
import type { Carrier, Pixels } from '../reader.ts';

const MAGICS = {
  stealth_pnginfo: { layer: 'alpha', gzip: false },
  stealth_pngcomp: { layer: 'alpha', gzip: true },
  stealth_rgbinfo: { layer: 'rgb', gzip: false },
  stealth_rgbcomp: { layer: 'rgb', gzip: true },
} as const;
const MAGIC_BYTES = 15;
const MAX_PAYLOAD = 4 * 2 ** 20;
const MAX_TEXT = 4 * 2 ** 20;

/**
 * The text hidden in the lowest bits of the alpha channel or of the colours, column by column: magic, 32-bit length
 * in bits, then text or gzip. What it says is read by the readers of the format it turns out to be.
 */
export function readStealth(pixels: Pixels): Carrier[] {
  const { width, height, channels, data } = pixels;
  if (data.length < width * height * channels) return [];
  const layers = [
    ...(channels === 4 || channels === 2 ? [{ layer: 'alpha', offsets: [channels - 1] } as const] : []),
    ...(channels >= 3 ? [{ layer: 'rgb', offsets: [0, 1, 2] } as const] : []),
  ];
  return layers.flatMap(({ layer, offsets }) => {
    const bits = new ColumnBits(pixels, offsets);
    const magic = bits.bytes(0, MAGIC_BYTES)?.toString('latin1');
    if (magic === undefined || !(magic in MAGICS)) return [];
    const kind = MAGICS[magic as keyof typeof MAGICS];
    if (kind.layer !== layer) return [];
    const length = Math.ceil((bits.bytes(MAGIC_BYTES, 4)?.readUInt32BE(0) ?? 0) / 8);
    const payload = length > MAX_PAYLOAD ? undefined : bits.bytes(MAGIC_BYTES + 4, length);
    if (payload === undefined || length === 0) return [];
    const text = kind.gzip ? gunzip(payload) : payload.toString('utf8');
    return text === undefined ? [] : [carrierOf(text, `${layer} LSB (${magic})`)];
  });
}

function gunzip(payload: Buffer): string | undefined {
  try {
    return gunzipSync(payload, { maxOutputLength: MAX_TEXT }).toString('utf8');
  } catch {
    return undefined;
  }
}

/** NovelAI hides a JSON object of its text fields; the web UI's extension hides the text of `parameters`. */
function carrierOf(text: string, where: string): Carrier {
  const fields = parseObject(text);
  const entries =
    fields === undefined
      ? [{ key: 'parameters', text, where }]
      : Object.entries(fields)
          .slice(0, 100)
          .map(([key, value]) => ({
            key,
            text: typeof value === 'string' ? value : JSON.stringify(value),
            where: `${where} "${key}"`,
          }));
  return { kind: 'stealth', entries };
}

/** Lowest bits of some channels, pixels taken column by column, most significant bit of each byte first. */
class ColumnBits {
  readonly #pixels: Pixels;
  readonly #offsets: readonly number[];

  constructor(pixels: Pixels, offsets: readonly number[]) {
    this.#pixels = pixels;
    this.#offsets = offsets;
  }

  bytes(from: number, count: number): Buffer | undefined {
    const { width, height, channels, data } = this.#pixels;
    const perPixel = this.#offsets.length;
    if ((from + count) * 8 > width * height * perPixel) return undefined;
    const out = Buffer.alloc(count);
    for (let i = 0, bit = from * 8; i < count * 8; i++, bit++) {
      const pixel = Math.floor(bit / perPixel);
      const column = Math.floor(pixel / height);
      const at = ((pixel - column * height) * width + column) * channels + this.#offsets[bit % perPixel]!;
      out[i >> 3]! |= (data[at]! & 1) << (7 - (i & 7));
    }
    return out;
  }
}
