import { useCallback, useMemo } from 'react';
import { useLocation, useSearch } from 'wouter';
import { queryString } from '../api/query-string.ts';
import { type Filters, filtersOf } from './query.ts';

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
  const filters = useMemo(() => filtersOf(search), [search]);
  const change = useCallback<FilterState['change']>(
    (changed) => go(path + queryString({ ...filters, ...changed }), { replace: true }),
    [filters, go, path],
  );
  const clear = useCallback(() => go(path, { replace: true }), [go, path]);
  return { filters, text: queryString({ ...filters }), change, clear };
}
