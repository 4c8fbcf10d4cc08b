import sharp, { type Sharp } from 'sharp';
import type { DecodeLimits } from './decode.ts';
import type { SimulatedCopy } from './simulated-copies.ts';

/** Longer side that a work is brought to first: about what services hand out. */
const SIDE = 768;

interface Upright {
  readonly picture: Sharp;
  readonly width: number;
  readonly height: number;
}

type Recipe = (work: Upright) => Promise<Sharp> | Sharp;

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
  recode: async ({ picture }) => sharp(await picture.jpeg({ quality: 35 }).toBuffer()),
  shrink: ({ picture, width }) => picture.resize(share(width, 0.4)),
  tone: ({ picture }) => picture.linear(1.25, 12).modulate({ saturation: 0.6 }),
  frame: ({ picture, width, height }) =>
    picture.extend({
      top: share(height, 0.08),
      bottom: share(height, 0.22),
      left: share(width, 0.12),
      right: share(width, 0.12),
      background: '#e9e4da',
    }),
  crop60: crop(0.3, 0.15, 0.6),
  crop40: crop(0.25, 0.3, 0.4),
  mirror: ({ picture }) => picture.flop(),
  tilt: ({ picture }) => picture.rotate(8, { background: '#fff' }),
  hue: ({ picture }) => picture.modulate({ hue: 110 }),
  invert: ({ picture }) => picture.negate(),
  caption: ({ picture, width, height }) =>
    picture.composite([
      { input: bar(width, share(height, 0.2)), gravity: 'south' },
      { input: disc(share(Math.min(width, height), 0.25)), gravity: 'northeast' },
    ]),
  paste: async ({ picture, width, height }) => {
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
  redraw: async ({ picture }) =>
    (await then(picture.median(7))).modulate({ saturation: 1.4 }).linear(1.15, -8),
  sketch: async ({ picture }) => {
    const grey = await then(picture.greyscale().blur(1));
    const edges = await then(
      grey.convolve({ width: 3, height: 3, kernel: [-1, -1, -1, -1, 8, -1, -1, -1, -1], scale: 1 }),
    );
    return edges.linear(4, 0).negate({ alpha: false });
  },
} as const satisfies Record<SimulatedCopy, Recipe>;

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
  const made = await RECIPES[kind]({
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
