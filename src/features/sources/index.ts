export {
  type Capture,
  type CapturedText,
  captureSighting,
  capturedText,
  listCaptures,
  readCaptureFile,
  storePersonsCapture,
  uncapturedSightings,
  wantsCapture,
} from './captures.ts';
export { type QueryScope, catalogueQueries } from './queries.ts';
export { type SourceSpec, openSource, parseSourceSpec, sourceSpec } from './open.ts';
export { readSecret } from './secrets.ts';
export {
  type Checkpoint,
  type DeclaredProvenance,
  type Item,
  type ItemFailure,
  type Json,
  type SecretReference,
  type Source,
  type SourceContext,
  type SourceEvent,
} from './source.ts';
