import { useCallback, useMemo } from 'react';
import { useLocation, useSearch } from 'wouter';
import { queryString } from '../api/client.ts';

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
  'q',
  'sort',
];

export interface FilterState {
  readonly filters: Filters;
  /** The same as a query string with its question mark, or nothing. */
  readonly text: string;
  /** Changes some of them; undefined takes one away. */
  readonly change: (change: { readonly [K in keyof Filters]?: Filters[K] | undefined }) => void;
  readonly clear: () => void;
}

/** The filter in the address bar. Without `state` the inbox shows what is open. */
export function useFilters(): FilterState {
  const search = useSearch();
  const [path, go] = useLocation();
  const filters = useMemo(() => {
    const given = new URLSearchParams(search);
    return Object.fromEntries(
      NAMES.map((name) => [name, given.get(name)]).filter(([, value]) => value !== null && value !== ''),
    ) as Filters;
  }, [search]);
  const change = useCallback<FilterState['change']>(
    (changed) => go(path + queryString({ ...filters, ...changed }), { replace: true }),
    [filters, go, path],
  );
  const clear = useCallback(() => go(path, { replace: true }), [go, path]);
  return { filters, text: queryString({ ...filters }), change, clear };
}

/** What the API is asked. `now` is rounded, so that the question stays the same for a while. */
export function toQuery({ due, state, sort, ...rest }: Filters): Record<string, string> {
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
