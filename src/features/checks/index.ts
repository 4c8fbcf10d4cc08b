export { type CheckDependencies, checkSighting } from './check.ts';
export { type PairFigures, comparePair } from './pair.ts';
export type { Match, Question } from './compare.ts';
export { evidencePicture } from './evidence.ts';
export { gatherQueries } from './gathered.ts';
export { type Ask, type CheckAnswer, checkBytes, checkTarget } from './look.ts';
export type { Calibration } from './calibration/calibration.ts';
export { measureCalibration } from './calibration/measure.ts';
export { SIMULATED, calibrationReport, percent, promise, tiersOf, why } from './calibration/report.ts';
export { storeCalibration } from './calibration/store.ts';
export { type StoredPolicy, currentPolicy, ensurePolicy, listPolicies, showPolicy } from './policies.ts';
export { namesOnCapturedPage } from './reliance.ts';
export { matchRetroactively } from './retroactive.ts';
export {
  clearSpool,
  findSighting,
  openSighting,
  openSightings,
  openUpload,
  territory,
  pendingSightings,
} from './sightings.ts';
export { screen } from './screen.ts';
export { type RecordedAnswer, showCheck } from './show.ts';
export { type PolicyImpact, policyImpact } from './policy-impact.ts';
