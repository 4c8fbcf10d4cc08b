export { type AlertEvent, type AlertState, applyAlertEvent } from './alert.ts';
export {
  type AlertDetail,
  type AlertSummary,
  type Finding,
  listAlerts,
  raiseAlert,
  showAlert,
} from './alerts.ts';
