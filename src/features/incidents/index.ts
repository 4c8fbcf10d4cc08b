export {
  type Incident,
  type Warning,
  closeIncidents,
  handleIncident,
  listIncidents,
  raiseIncident,
} from './incidents.ts';
