export { acquireEmbeddedPostgres } from './shared-server.ts';
export type { EmbeddedPostgres, EmbeddedPostgresOptions } from './shared-server.ts';
export { claimService } from './claim.ts';
export type { ServiceClaim } from './claim.ts';
export { describeEmbeddedPostgres } from './describe.ts';
export type { EmbeddedPostgresDescription } from './describe.ts';
export { isAlive } from './postmaster.ts';
export { removeEmbeddedPostgres } from './remove.ts';
