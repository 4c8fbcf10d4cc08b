/** The library surface: what another program may build on. */
export { type App, type AppOptions, openApp } from './app.ts';
export { type Config, type Secrets, loadConfig } from './config.ts';
export { ERROR_CODES, type ErrorCode, UtsushiError } from './errors.ts';
export { type AlertDetail, type AlertSummary, listAlerts, showAlert } from './features/alerts/index.ts';
export { type ImportReport, importCatalogue, listImport } from './features/catalogue/index.ts';
export { type CheckAnswer, checkTarget, currentPolicy, evidencePicture } from './features/checks/index.ts';
export { type Fingerprint, fingerprint } from './vision/fingerprint/fingerprint.ts';
export type { Raster } from './vision/fingerprint/raster.ts';
