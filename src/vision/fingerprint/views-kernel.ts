import { compileWasm, instantiateWasm, wasmMemory } from '../webassembly.ts';
import type { Raster } from './raster.ts';
import { VIEWS_WASM } from './views-wasm.ts';

/** Thumbnails are made by the kernel of pictures of so many pixels a side, those with colours also of smaller ones. */
const PICTURE_SIDE = 512;
/** The largest thumbnail that it has room for, in pixels a side. */
const THUMB_SIDE = 256;

const THUMB_PIXELS = THUMB_SIDE * THUMB_SIDE;
/** Behind three planes. */
const CB = 895_056 + 3 * (THUMB_PIXELS * 4 + 64);

/** Where things lie in the kernel's memory, in bytes. assembly/views.ts knows the same numbers. */
const AT = {
  pixels: 0,
  luma: 786_448,
  energy: 855_056,
  cb: CB,
  cr: CB + THUMB_PIXELS,
  // Behind colours, three numbers a pixel.
  end: CB + 2 * THUMB_PIXELS + 12 * THUMB_PIXELS,
} as const;

const PIXEL_BYTES = PICTURE_SIDE * PICTURE_SIDE * 3;

interface Loops {
  thumbnail(width: number, height: number): void;
  colourThumbnail(
    columns: number,
    rows: number,
    width: number,
    height: number,
    chromaWidth: number,
    chromaHeight: number,
  ): void;
  directionEnergy(columns: number, left: number, top: number, width: number, height: number): void;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A part of a picture, in whole pixels of it. */
export interface Part {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The inner loops of the views that an output is searched by, compiled (assembly/views.ts). Equal to the plain ones bit
 * for bit. One instance serves a whole thread: every call overwrites what the last one left.
 */
export class ViewsKernel {
  readonly #bytes: Uint8Array;
  readonly #pixels: Uint8Array;
  readonly #luma: Uint8Array;
  readonly #energy: Float32Array;
  readonly #loops: Loops;

  constructor(module: NonNullable<ReturnType<typeof compileWasm>>) {
    const memory = wasmMemory(AT.end);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#pixels = new Uint8Array(memory.buffer, AT.pixels, PIXEL_BYTES);
    this.#luma = new Uint8Array(memory.buffer, AT.luma, THUMB_PIXELS);
    this.#energy = new Float32Array(memory.buffer, AT.energy, 256);
    this.#loops = instantiateWasm(module, memory) as Loops;
  }

  /** Luma of a thumbnail of the picture; null for a picture or a thumbnail of a size that it is not made for. */
  thumbnail(
    picture: { readonly width: number; readonly height: number; readonly data: Uint8Array },
    width: number,
    height: number,
  ): Uint8Array | null {
    if (picture.width !== PICTURE_SIDE || picture.height !== PICTURE_SIDE) return null;
    if (width > THUMB_SIDE || height > THUMB_SIDE) return null;
    this.#pixels.set(picture.data);
    this.#loops.thumbnail(width, height);
    return this.#luma.slice(0, width * height);
  }

  /** The thumbnail of the picture with its colours; null as above. Sizes are the thumbnail's and its chroma's. */
  colourThumbnail(
    picture: Raster,
    size: Size,
    chroma: Size,
  ): Record<'luma' | 'cb' | 'cr', Uint8Array> | null {
    const { width, height, data } = picture;
    if (Math.max(width, height) > PICTURE_SIDE || Math.max(size.width, size.height) > THUMB_SIDE) return null;
    this.#bytes.set(data, AT.pixels);
    this.#loops.colourThumbnail(width, height, size.width, size.height, chroma.width, chroma.height);
    const bytes = (at: number, { width: across, height: down }: Size) =>
      this.#bytes.slice(at, at + across * down);
    return { luma: bytes(AT.luma, size), cb: bytes(AT.cb, chroma), cr: bytes(AT.cr, chroma) };
  }

  /** For each of 8x8 cells of the part, four directions; null for a thumbnail larger than it is made for. */
  directionEnergy(
    thumb: { readonly width: number; readonly height: number; readonly luma: Uint8Array },
    { left, top, width, height }: Part,
  ): Float32Array | null {
    if (thumb.width > THUMB_SIDE || thumb.height > THUMB_SIDE) return null;
    this.#luma.set(thumb.luma);
    this.#loops.directionEnergy(thumb.width, left, top, width, height);
    return this.#energy.slice();
  }
}

let opened: ViewsKernel | null | undefined;

/** This thread's kernel; null where WebAssembly or its SIMD is missing, and the plain loops must do. */
export function viewsKernel(): ViewsKernel | null {
  if (opened === undefined) {
    const module = compileWasm(VIEWS_WASM);
    opened = module === null ? null : new ViewsKernel(module);
  }
  return opened;
}
