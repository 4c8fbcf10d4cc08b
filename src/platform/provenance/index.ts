export type { About, Finding, Grade } from './finding.ts';
export { type Conflict, type Provenance, type ProvenanceOptions, readProvenance } from './provenance.ts';
export type { Pixels } from './reader.ts';
export { TrustList } from './readers/c2pa.ts';
export { type Term, type TermHit, type TermText, TermMatcher, matchTerms, relianceTexts } from './terms.ts';
