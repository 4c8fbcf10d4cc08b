import sharp, { type Sharp } from 'sharp';
import type { Sentence } from '../../vision/matching/match.ts';
import type { DecodeLimits } from './decode.ts';

/** Longer side that a work is brought to first: about what services hand out. */
const SIDE = 768;

interface Upright {
  readonly picture: Sharp;
  readonly width: number;
  readonly height: number;
}

interface Recipe {
  readonly name: Sentence;
  readonly make: (work: Upright) => Promise<Sharp> | Sharp;
}

/** Pipelines begin anew from pixels: sharp does its steps in an order of its own. */
async function then(picture: Sharp): Promise<Sharp> {
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
}

const share = (side: number, part: number) => Math.max(1, Math.round(side * part));

const crop = (left: number, top: number, part: number) => (work: Upright) =>
  work.picture.extract({
    left: Math.floor(work.width * left),
    top: Math.floor(work.height * top),
    width: share(work.width, part),
    height: share(work.height, part),
  });

const RECIPES = {
  recode: {
    name: { ja: '再圧縮', en: 're-encoded' },
    make: async ({ picture }) => sharp(await picture.jpeg({ quality: 35 }).toBuffer()),
  },
  shrink: {
    name: { ja: '縮小', en: 'shrunk to 40 %' },
    make: ({ picture, width }) => picture.resize(share(width, 0.4)),
  },
  tone: {
    name: { ja: '明暗・コントラスト', en: 'toned' },
    make: ({ picture }) => picture.linear(1.25, 12).modulate({ saturation: 0.6 }),
  },
  frame: {
    name: { ja: '枠・余白', en: 'framed' },
    make: ({ picture, width, height }) =>
      picture.extend({
        top: share(height, 0.08),
        bottom: share(height, 0.22),
        left: share(width, 0.12),
        right: share(width, 0.12),
        background: '#e9e4da',
      }),
  },
  crop60: { name: { ja: '切り抜き(6割)', en: 'cropped, 60 % of each side' }, make: crop(0.3, 0.15, 0.6) },
  crop40: { name: { ja: '切り抜き(4割)', en: 'cropped, 40 % of each side' }, make: crop(0.25, 0.3, 0.4) },
  mirror: { name: { ja: '左右反転', en: 'mirrored' }, make: ({ picture }) => picture.flop() },
  tilt: {
    name: { ja: '8°回転', en: 'turned by 8°' },
    make: ({ picture }) => picture.rotate(8, { background: '#fff' }),
  },
  hue: { name: { ja: '色相変更', en: 'recoloured' }, make: ({ picture }) => picture.modulate({ hue: 110 }) },
  invert: { name: { ja: '色の反転', en: 'inverted' }, make: ({ picture }) => picture.negate() },
  caption: {
    name: { ja: '文字帯・シール', en: 'covered by a bar and a disc' },
    make: ({ picture, width, height }) =>
      picture.composite([
        { input: bar(width, share(height, 0.2)), gravity: 'south' },
        { input: disc(share(Math.min(width, height), 0.25)), gravity: 'northeast' },
      ]),
  },
  paste: {
    name: { ja: '別の絵への貼り込み', en: 'pasted into another picture at half size' },
    make: async ({ picture, width, height }) => {
      const small = await picture.resize(share(width, 0.5), share(height, 0.5), { fit: 'fill' }).toBuffer({
        resolveWithObject: true,
      });
      const { width: w, height: h, channels } = small.info;
      return sharp(scenery(width, height)).composite([
        {
          input: small.data,
          raw: { width: w, height: h, channels },
          left: share(width, 0.4),
          top: share(height, 0.35),
        },
      ]);
    },
  },
  redraw: {
    name: { ja: '描き直し風', en: 'redrawn, simulated' },
    make: async ({ picture }) =>
      (await then(picture.median(7))).modulate({ saturation: 1.4 }).linear(1.15, -8),
  },
  sketch: {
    name: { ja: '線画風', en: 'line drawing, simulated' },
    make: async ({ picture }) => {
      const grey = await then(picture.greyscale().blur(1));
      const edges = await then(
        grey.convolve({ width: 3, height: 3, kernel: [-1, -1, -1, -1, 8, -1, -1, -1, -1], scale: 1 }),
      );
      return edges.linear(4, 0).negate({ alpha: false });
    },
  },
} as const satisfies Record<string, Recipe>;

export type SimulatedCopy = keyof typeof RECIPES;

/** Everything simulateCopy can do to a work, with what people call it. Scripts, no diffusion model. */
export const SIMULATED_COPIES = Object.entries(RECIPES).map(([id, { name }]) => ({
  id: id as SimulatedCopy,
  name: name as Sentence,
}));

/**
 * A copy of a work as somebody might hand it out, made by a script: the same bytes and the same kind give the same copy.
 *
 * @returns a WebP
 * @throws Error when the work cannot be decoded
 */
export async function simulateCopy(
  work: Uint8Array,
  kind: SimulatedCopy,
  limits: DecodeLimits,
): Promise<Uint8Array> {
  const { data, info } = await sharp(work, { limitInputPixels: limits.maxPixels, pages: 1 })
    .autoOrient()
    .flatten({ background: '#fff' })
    .resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const made = await RECIPES[kind].make({
    picture: sharp(data, { raw: { width, height, channels: 3 } }),
    width,
    height,
  });
  return made.webp({ quality: 80 }).toBuffer();
}

function bar(width: number, height: number): Buffer {
  const words = Array.from(
    { length: 6 },
    (_, i) =>
      `<rect x="${5 + i * 15}%" y="38%" width="${8 + (i % 3) * 2}%" height="24%" fill="#fff" rx="3"/>`,
  );
  return svg(width, height, `<rect width="100%" height="100%" fill="#1b1b1f"/>${words.join('')}`);
}

function disc(side: number): Buffer {
  return svg(
    side,
    side,
    '<circle cx="50%" cy="50%" r="48%" fill="#ffd23f" stroke="#d1495b" stroke-width="6"/>',
  );
}

/** Something to paste into: sky, hills and a path. */
function scenery(width: number, height: number): Buffer {
  return svg(
    width,
    height,
    `<rect width="100%" height="100%" fill="#a9cbe8"/><circle cx="20%" cy="22%" r="9%" fill="#fff3c4"/>` +
      `<ellipse cx="25%" cy="95%" rx="55%" ry="35%" fill="#6a994e"/><ellipse cx="85%" cy="100%" rx="50%" ry="42%" fill="#386641"/>` +
      `<path d="M0 ${height} L${width * 0.3} ${height * 0.7} L${width * 0.36} ${height * 0.7} L${width * 0.25} ${height} Z" fill="#d9c5a0"/>`,
  );
}

function svg(width: number, height: number, body: string): Buffer {
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${body}</svg>`,
  );
}
