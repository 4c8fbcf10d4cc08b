export { type AuditEvent, type ChainReport, recordAudit, sealAudit, verifyAudit } from './audit.ts';
export { anchorAudit } from './anchor.ts';
export { canonicalJson } from './chain.ts';
export { type AuditExtract, extractAudit, extractSchema, faultsOfExtract } from './extract.ts';
