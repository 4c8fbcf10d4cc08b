export {
  type AssetCoverage,
  type Coverage,
  type SourceCoverage,
  coverage,
  superviseCoverage,
} from './coverage.ts';
export {
  type By,
  type Change,
  type Monitor,
  applyMonitors,
  findMonitor,
  isPaused,
  pauseMonitor,
  planMonitors,
  putMonitor,
  showScope,
  showSpec,
} from './monitors.ts';
export { type LookDependencies, type PlaceLook, lookAtPlace } from './look-again.ts';
export { type Place, type VisitResult, listPlaces, revisitPlaces } from './places.ts';
export { type ScanDependencies, type ScanProgress, runScan } from './run-scan.ts';
export { wantedRuns } from './schedules.ts';
export { type ScanSummary, abandonedScans, findScan, listScans, scanFailures, startScan } from './scans.ts';
export { type MonitorSpec, parseMonitor, readMonitors } from './spec.ts';
export { type MonitorView, monitorView, monitorViews } from './view.ts';
export { watchSources } from './watch.ts';
