export { caseBrief } from './brief.ts';
export {
  type CaseEvent,
  type CaseState,
  type RecordedCaseEvent,
  applyCaseEvent,
  caseEventSchema,
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
export { type Profile, readProfile, writeProfile } from './profile.ts';
export { type TemplateInfo, listTemplates, templateSource, writeTemplate } from './templates.ts';
export { ATTESTATIONS, wording } from './wording.ts';
export { type UpkeepReport, attendCases } from './upkeep.ts';
