export type Point = readonly [x: number, y: number];
/** A 3 × 3 homography, row by row. */
export type Homography = readonly [number, number, number, number, number, number, number, number, number];
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * The homography that takes a picture's pixels to where its corners lie (Heckbert, Fundamentals of Texture Mapping,
 * 1989, 2.2.3: unit square to quadrilateral).
 *
 * @param quad corners clockwise from the picture's top left, in the pixels of the other picture
 * @returns undefined when three corners lie on a line
 */
export function homographyTo(quad: readonly Point[], { width, height }: Size): Homography | undefined {
  const [p0, p1, p2, p3] = quad;
  if (p0 === undefined || p1 === undefined || p2 === undefined || p3 === undefined) return undefined;
  const dx1 = p1[0] - p2[0];
  const dx2 = p3[0] - p2[0];
  const dx3 = p0[0] - p1[0] + p2[0] - p3[0];
  const dy1 = p1[1] - p2[1];
  const dy2 = p3[1] - p2[1];
  const dy3 = p0[1] - p1[1] + p2[1] - p3[1];
  const area = dx1 * dy2 - dx2 * dy1;
  if (Math.abs(area) < 1e-9 || width <= 0 || height <= 0) return undefined;
  const g = (dx3 * dy2 - dx2 * dy3) / area;
  const h = (dx1 * dy3 - dx3 * dy1) / area;
  return [
    (p1[0] - p0[0] + g * p1[0]) / width,
    (p3[0] - p0[0] + h * p3[0]) / height,
    p0[0],
    (p1[1] - p0[1] + g * p1[1]) / width,
    (p3[1] - p0[1] + h * p3[1]) / height,
    p0[1],
    g / width,
    h / height,
    1,
  ];
}

export function project([a, b, c, d, e, f, g, h, i]: Homography, [x, y]: Point): Point {
  const w = g * x + h * y + i;
  return [(a * x + b * y + c) / w, (d * x + e * y + f) / w];
}

/** The way back; undefined when there is none. */
export function inverse([a, b, c, d, e, f, g, h, i]: Homography): Homography | undefined {
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  if (Math.abs(determinant) < 1e-12) return undefined;
  const by = 1 / determinant;
  return [
    (e * i - f * h) * by,
    (c * h - b * i) * by,
    (b * f - c * e) * by,
    (f * g - d * i) * by,
    (a * i - c * g) * by,
    (c * d - a * f) * by,
    (d * h - e * g) * by,
    (b * g - a * h) * by,
    (a * e - b * d) * by,
  ];
}

/** By how much lengths grow around a point. */
export function scaleAt(homography: Homography, [x, y]: Point): number {
  const [x0, y0] = project(homography, [x, y]);
  const [x1, y1] = project(homography, [x + 1, y]);
  const [x2, y2] = project(homography, [x, y + 1]);
  return Math.sqrt(Math.abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)));
}

/** The homography as CSS writes it, column by column. */
export function toCss([a, b, c, d, e, f, g, h, i]: Homography): string {
  return `matrix3d(${[a, d, 0, g, b, e, 0, h, 0, 0, 1, 0, c, f, 0, i].join(',')})`;
}

/** What of a picture is looked at: the point in the middle, and pixels of the screen for one of the picture. */
export interface View {
  readonly centre: Point;
  readonly scale: number;
}

/** The whole picture, with a little air around it. */
export function fit(picture: Size, pane: Size): View {
  const scale = Math.min(pane.width / picture.width, pane.height / picture.height) * 0.94;
  return { centre: [picture.width / 2, picture.height / 2], scale: scale > 0 ? scale : 1 };
}

/** Where a point of the picture is on the screen. */
export function toPane({ centre, scale }: View, pane: Size, [x, y]: Point): Point {
  return [pane.width / 2 + (x - centre[0]) * scale, pane.height / 2 + (y - centre[1]) * scale];
}

export function toPicture({ centre, scale }: View, pane: Size, [x, y]: Point): Point {
  return [centre[0] + (x - pane.width / 2) / scale, centre[1] + (y - pane.height / 2) / scale];
}

/**
 * The work seen beside the output: as large and in the same place as its copy in there. Near the whole picture the
 * work is shown whole, so that a work of which only a corner was copied is not cut.
 *
 * @param zoom 1 is the whole output
 * @param toWork takes the output's pixels to the work's
 */
export function follow(
  output: View,
  zoom: number,
  work: Size,
  pane: Size,
  toWork: Homography | undefined,
): View {
  const whole = fit(work, pane);
  if (toWork === undefined) {
    return { centre: whole.centre, scale: whole.scale * zoom };
  }
  const near = Math.min(1, Math.max(0, Math.log2(zoom)));
  const alike = output.scale / scaleAt(toWork, output.centre);
  // Zooming in never makes the work smaller: a small copy in a large output is shown whole until it is as large.
  const scale = Math.max(whole.scale, whole.scale ** (1 - near) * alike ** near);
  const weight = Math.min(near, Math.log2(scale / whole.scale));
  const [x, y] = project(toWork, output.centre);
  return {
    centre: [whole.centre[0] * (1 - weight) + x * weight, whole.centre[1] * (1 - weight) + y * weight],
    scale,
  };
}
