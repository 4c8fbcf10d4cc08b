export {
  ALERT_STATES,
  type AlertEvent,
  type AlertState,
  DECISIONS,
  type Decision,
  applyAlertEvent,
} from './alert.ts';
export { alertBrief } from './brief.ts';
export { type AlertDetail, showAlert } from './detail.ts';
export { ASSET_FLOOD } from './flood.ts';
export { type AlertSummary, FACETS, INBOX_SORTS, type InboxFilter, listAlerts, readInbox } from './inbox.ts';
export { fingerprintBySha256, nearCopyRadius } from './likeness.ts';
export { nameAlerts } from './naming.ts';
export { AWAY_FROM_PICTURE } from './priority.ts';
export { liftQuarantine } from './quarantine.ts';
export { type Finding, raiseAlert } from './raise.ts';
export { type Review, type ReviewContext, decideAlerts, reviewAlert, undecidedOfCluster } from './review.ts';
export { type SavedView, deleteView, listViews, saveView } from './views.ts';
export { type WatchEntry, listWatch, raiseWatch, reviewWatch, showWatch } from './watch.ts';
export {
  type NewToleranceRule,
  type ToleranceRule,
  createToleranceRule,
  endToleranceRule,
  listToleranceRules,
  replaceToleranceRule,
} from './tolerance.ts';
export { listLicences } from './rules.ts';
export { type Span, alertReport, reviewerReport } from './reports.ts';
