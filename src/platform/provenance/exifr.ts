import * as exifr from 'exifr';

// exifr comes as CommonJS: Node shows its functions under `default`, tools that smooth that over show them on top.
export const { parse, sidecar } = 'sidecar' in exifr ? exifr : (exifr as { default: typeof exifr }).default;
