/** Pictures made for tests: simple ones with a known look, and hostile ones with a known answer. */
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

/** Left half white, right half black. */
export async function halves(width: number, height: number): Promise<Sharp> {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) data.fill(255, y * width * 3, (y * width + Math.floor(width / 2)) * 3);
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** A picture full of structure, different for every seed: overlapping ellipses of seeded places and colours. */
export function artwork(seed: number, side = 320): Sharp {
  let state = (seed + 1) * 2_654_435_761;
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
  const shapes = Array.from({ length: 24 }, () => {
    const colour = `rgb(${next(256)},${next(256)},${next(256)})`;
    return `<ellipse cx="${next(side)}" cy="${next(side)}" rx="${8 + next(side / 4)}" ry="${8 + next(side / 4)}" fill="${colour}"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}"><rect width="100%" height="100%" fill="#eee"/>${shapes.join('')}</svg>`;
  return sharp(Buffer.from(svg));
}

export async function truncatedPng(share: number): Promise<Buffer> {
  const whole = await artwork(1).png().toBuffer();
  return whole.subarray(0, Math.floor(whole.length * share));
}

/** A PNG that promises this size and holds no pixels: whatever decodes before it looks would fail otherwise. */
export function pngHeader(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length, 0);
    body.copy(framed, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(16))),
  ]);
}

/** Files that are no readable picture, and the code each must be answered with. */
export const HOSTILE_FILES: readonly {
  name: string;
  file: string;
  code: string;
  make: () => Promise<Buffer>;
}[] = [
  { name: 'an empty file', file: 'empty.png', code: 'empty_file', make: async () => Buffer.alloc(0) },
  {
    name: 'a truncated JPEG',
    file: 'truncated.jpg',
    code: 'corrupt_image',
    make: async () => (await artwork(2).jpeg().toBuffer()).subarray(0, 2_000),
  },
  { name: 'a truncated PNG', file: 'truncated.png', code: 'corrupt_image', make: () => truncatedPng(0.5) },
  {
    name: 'a truncated WebP',
    file: 'truncated.webp',
    code: 'corrupt_image',
    make: async () => (await artwork(3).webp().toBuffer()).subarray(0, 900),
  },
  {
    name: 'text called .png',
    file: 'mislabelled.png',
    code: 'unsupported_format',
    make: async () => Buffer.from('this is no picture\n'.repeat(20)),
  },
  {
    name: 'SVG in disguise',
    file: 'svg.jpg',
    code: 'unsupported_format',
    make: async () =>
      Buffer.from(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
      ),
  },
  {
    name: 'HEIC',
    file: 'photo.heic',
    code: 'unsupported_format',
    make: async () =>
      Buffer.from('000000186674797068656963000000006d6966316865696300000008667265650000', 'hex'),
  },
  {
    name: 'PDF',
    file: 'doc.png',
    code: 'unsupported_format',
    make: async () => Buffer.from('%PDF-1.7\n1 0 obj\n'),
  },
  {
    name: 'a picture of 30,000x30,000',
    file: 'huge.png',
    code: 'image_too_large',
    make: async () => pngHeader(30_000, 30_000),
  },
  {
    name: 'PNG magic and nothing else',
    file: 'magic.png',
    code: 'corrupt_image',
    make: async () => Buffer.from('89504e470d0a1a0a', 'hex'),
  },
];
