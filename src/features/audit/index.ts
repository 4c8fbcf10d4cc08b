export { type AuditEvent, type ChainReport, recordAudit, sealAudit, verifyAudit } from './audit.ts';
