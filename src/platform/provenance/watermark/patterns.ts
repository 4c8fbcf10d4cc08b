/** One number for each bit of a message. */
export type Vector = Float64Array;

export interface Neighbourhood {
  /** What the neighbours of each bit's blocks carry, orthonormal, with the mean as the first. */
  readonly taken: readonly Vector[];
  /** What is left of the message without that. */
  readonly own: Vector;
}

const known = new WeakMap<Uint8Array, Map<number, Neighbourhood>>();

/** The neighbourhood of a message in pictures so many blocks wide; there are as many as the message has bits. */
export function neighbourhood(bits: Uint8Array, columns: number): Neighbourhood {
  const byWidth = known.get(bits) ?? new Map<number, Neighbourhood>();
  known.set(bits, byWidth);
  const width = columns % bits.length;
  const last = byWidth.get(width);
  if (last !== undefined) return last;
  const message = Float64Array.from(bits);
  const taken = carriedAround(message, columns);
  const found = { taken, own: without(message, taken) };
  byWidth.set(width, found);
  return found;
}

/**
 * What the neighbours of each bit's blocks carry, as far as it differs from the message itself. JPEG's block of colours
 * holds two blocks side by side, the first of them with an even number.
 */
function carriedAround(message: Vector, columns: number): Vector[] {
  const length = message.length;
  const at = (by: number) => rotated(message, by);
  const sum = (a: Vector, b: Vector) => a.map((value, i) => value + b[i]!);
  const patterns = [
    sum(at(1), at(-1)),
    sum(at(columns), at(-columns)),
    sum(at(columns + 1), at(-columns - 1)),
    sum(at(columns - 1), at(1 - columns)),
  ];
  if (columns % 2 === 0 && length % 2 === 0) {
    const before = at(-1);
    patterns.push(
      at(1).map((after, i) => (i % 2 === 0 ? after - before[i]! : before[i]! - after)),
      message.map((_, i) => (i % 2 === 0 ? 1 : -1)),
    );
  }
  const taken: Vector[] = [new Float64Array(length).fill(1 / Math.sqrt(length))];
  for (const pattern of patterns) {
    const varying = norm(without(pattern, taken.slice(0, 1)));
    const rest = without(pattern, taken);
    const direction = norm(rest) < 0.2 * varying ? undefined : unit(rest);
    if (direction === undefined) continue;
    const own = unit(without(message, taken));
    // Where the width makes neighbours carry the same bits, taking them out would take the message itself.
    if (own === undefined || Math.abs(dot(direction, own)) > 0.9) continue;
    taken.push(direction);
  }
  return taken;
}

/** A message that begins so many bits later. */
export function rotated(message: Vector, by: number): Vector {
  const { length } = message;
  const shift = ((by % length) + length) % length;
  return message.map((_, i) => message[(i + shift) % length]!);
}

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const norm = (a: Vector) => Math.sqrt(dot(a, a));

export function unit(a: Vector): Vector | undefined {
  const length = norm(a);
  return length < 1e-9 ? undefined : a.map((value) => value / length);
}

/** What is left of a vector without its parts along these orthonormal ones. */
export function without(vector: Vector, taken: readonly Vector[]): Vector {
  const rest = vector.slice();
  for (const direction of taken) {
    const along = dot(rest, direction);
    for (let i = 0; i < rest.length; i++) rest[i]! -= along * direction[i]!;
  }
  return rest;
}

/** Fisher's transform of the correlation of two vectors of mean 0. */
export function fisherZ(a: Vector, b: Vector): number {
  const size = norm(a) * norm(b);
  // A correlation of exactly 1 has no finite z; a picture in which nothing varies has no correlation.
  return size < 1e-12 ? 0 : Math.atanh(Math.max(-0.9999, Math.min(0.9999, dot(a, b) / size)));
}
