import { queryString } from '../api/query-string.ts';

/** The inbox's filter as the address bar holds it; every name but `due` is one of GET /api/alerts. */
export interface Filters {
  readonly state?: string;
  readonly decision?: string;
  readonly tier?: string;
  readonly kind?: string;
  readonly source?: string;
  readonly assignee?: string;
  readonly minConfidence?: string;
  readonly due?: Due;
  readonly assetId?: string;
  readonly clusterId?: string;
  /** The rule that they stand under. */
  readonly rule?: string;
  readonly q?: string;
  readonly sort?: Sort;
}
export const SORTS = ['priority', 'due', 'confidence', 'newest', 'recent'] as const;
export type Sort = (typeof SORTS)[number];
export const DUES = ['overdue', 'today', 'week'] as const;
export type Due = (typeof DUES)[number];

const NAMES: readonly (keyof Filters)[] = [
  'state',
  'decision',
  'tier',
  'kind',
  'source',
  'assignee',
  'minConfidence',
  'due',
  'assetId',
  'clusterId',
  'rule',
  'q',
  'sort',
];

/** The filter that an address's query string holds. */
export function filtersOf(search: string): Filters {
  const given = new URLSearchParams(search);
  return Object.fromEntries(
    NAMES.map((name) => [name, given.get(name)]).filter(([, value]) => value !== null && value !== ''),
  ) as Filters;
}

/** Alerts that the inbox asks for at once. */
const PAGE = 100;

/** Where the API has a page of the inbox under this filter. */
export function inboxPath(filters: Filters, after?: string): string {
  return `/alerts${queryString({ ...toQuery(filters), limit: PAGE, after })}`;
}

/** What the API is asked. `now` is rounded, so that the question stays the same for a while. */
function toQuery({ due, state, sort, ...rest }: Filters): Record<string, string> {
  return {
    ...rest,
    sort: sort ?? 'priority',
    ...(state === 'all' ? {} : { state: state ?? 'open' }),
    ...(due === undefined ? {} : { dueBefore: dueBefore(due) }),
  };
}

const DAY = 86_400_000;
const HOUR = 3_600_000;
const JST = 9 * HOUR;

/** The end of today and of the coming seven days, in Japan. */
function dueBefore(due: Due): string {
  const now = Math.ceil(Date.now() / HOUR) * HOUR;
  const endOfToday = (Math.floor((now + JST) / DAY) + 1) * DAY - JST;
  const at = { overdue: now, today: endOfToday, week: endOfToday + 6 * DAY }[due];
  return new Date(at).toISOString();
}
