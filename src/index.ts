export { ERROR_CODES, UtsushiError, type ErrorCode } from './errors.ts';
export type { Raster } from './vision/fingerprint/raster.ts';
