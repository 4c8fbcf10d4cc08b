export {
  type AssetDetail,
  type AssetSummary,
  forgetMatched,
  holdVersion,
  listAssets,
  readVersion,
  setAssetEnabled,
  showAsset,
} from './catalogue.ts';
export { LiveTerms, catalogueTerms } from './terms.ts';
export { type ImportReport, importCatalogue } from './import.ts';
export type { IndexedReference, KnownWork } from './known-works.ts';
export { LiveIndex } from './live-index.ts';
export { type ImportItem, filesBelow, listImport } from './manifest.ts';
export { HOLIDAYS_UNTIL, isBusinessDay, japaneseDate } from './business-days.ts';
export { reindexCatalogue } from './reindex.ts';
export { duration, showDuration } from './duration.ts';
export { DEFAULT_PROTOCOL, type Protocol, readProtocol, reviewDeadline } from './protocol.ts';
