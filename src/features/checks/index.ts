export { type CheckDependencies, checkSighting } from './check.ts';
export type { Match, Question } from './compare.ts';
export { evidencePicture } from './evidence.ts';
export { type Ask, type CheckAnswer, checkBytes, checkTarget } from './look.ts';
export { currentPolicy, ensurePolicy } from './policies.ts';
export { matchRetroactively } from './retroactive.ts';
export { clearSpool, findSighting, openSighting, openUpload, pendingSightings } from './sightings.ts';
export { screen } from './screen.ts';
export { type RecordedAnswer, showCheck } from './show.ts';
