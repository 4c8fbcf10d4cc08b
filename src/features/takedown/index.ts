export { caseBrief } from './brief.ts';
export {
  CASE_OUTCOMES,
  type CaseEvent,
  type CaseState,
  REPLY_CLASSES,
  type RecordedCaseEvent,
  URL_OUTCOMES,
  applyCaseEvent,
  caseEventSchema,
  clockSchema,
  materialSchema,
  particularsSchema,
} from './case.ts';
export {
  type CaseDetail,
  type CaseReport,
  type CaseSummary,
  caseReportSchema,
  listCases,
  openCase,
  reportToCase,
  showCase,
} from './cases.ts';
export { type EvidenceBundle, type SealingDependencies, sealEvidence } from './evidence/bundle.ts';
export { type EvidenceReport, verifyEvidence } from './evidence/verify.ts';
export { FORMS, FORM_RULES, type Form } from './forms.ts';
export { type LintReport, type Missing } from './lint.ts';
export { type Suggestion, suggestCases } from './materials.ts';
export {
  FORMATS,
  type Format,
  type NoticeDependencies,
  type NoticeDraft,
  approveNotice,
  draftNotice,
  previewTemplate,
  renderApproved,
  renderDraft,
} from './notices.ts';
export { type Profile, profileSchema, readProfile, writeProfile } from './profile.ts';
export { type TemplateInfo, listTemplates, templateSource, writeTemplate } from './templates.ts';
export { ATTESTATIONS, wording } from './wording.ts';
export { type UpkeepReport, attendCases } from './upkeep.ts';
