/** Longest side of the pictures on the workbench's stage. */
export const STAGE_PIXELS = 1280;

/** Where a picture can be seen, no side longer than `size` pixels. */
export const outputImage = (sha256: string, size: number): string =>
  `/api/outputs/${sha256}/image?size=${size}`;
export const referenceImage = (id: string, size: number): string =>
  `/api/references/${id}/image?size=${size}`;
