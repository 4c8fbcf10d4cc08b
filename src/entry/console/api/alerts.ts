import {
  type InfiniteData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useCallback } from 'react';
import { type Filters, inboxPath } from '../inbox/query.ts';
import { api } from './client.ts';
import type { Alert, AlertDetail, AlertList, Decision, SavedView } from './types.ts';

function page(filters: Filters, after: string | undefined, signal: AbortSignal): Promise<AlertList> {
  return api<AlertList>(inboxPath(filters, after), { signal });
}

/** The inbox under a filter, page by page, kept fresh. */
export function useInbox(filters: Filters) {
  return useInfiniteQuery({
    queryKey: ['alerts', filters],
    queryFn: ({ pageParam, signal }) => page(filters, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: (before) => before,
  });
}

/**
 * The same alerts in the order in which they are worked through: unlike the inbox it stays as it was when the work
 * began, so that what was just decided does not move under the reviewer's hands.
 */
export function useQueue(filters: Filters) {
  return useInfiniteQuery({
    queryKey: ['queue', filters],
    queryFn: ({ pageParam, signal }) => page(filters, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    staleTime: Infinity,
    refetchOnMount: false,
  });
}

/** The queue begins with what the inbox shows now. */
export function useStartQueue(filters: Filters, data: InfiniteData<AlertList> | undefined) {
  const client = useQueryClient();
  return useCallback(() => {
    client.setQueryData(['queue', filters], data);
  }, [client, data, filters]);
}

const detailOf = (id: string) => ({
  queryKey: ['alert', id],
  queryFn: ({ signal }: { signal: AbortSignal }) => api<AlertDetail>(`/alerts/${id}`, { signal }),
});

export const useAlert = (id: string) => useQuery(detailOf(id));

/** @returns the alert, or nothing when it cannot be had now */
export function usePrefetchAlert() {
  const client = useQueryClient();
  return useCallback(
    (id: string) => client.fetchQuery({ ...detailOf(id), staleTime: 15_000 }).catch(() => undefined),
    [client],
  );
}

/** Whether an alert that was fetched ahead needs nobody any more; false when nothing is known of it. */
export function useIsDecided() {
  const client = useQueryClient();
  return (id: string) => client.getQueryData<AlertDetail>(['alert', id])?.state === 'decided';
}

export interface Deciding {
  readonly id: string;
  readonly decision: Decision;
  readonly reason: string;
  readonly rule?: string | undefined;
  readonly expectedSeq: number;
}

/** Appends one event; the answer is the alert as it is then. */
function useAlertEvent<Input extends { id: string }>(toBody: (input: Input) => object) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (input: Input) => api<AlertDetail>(`/alerts/${input.id}/events`, { body: toBody(input) }),
    onSuccess: (after, { id }) => client.setQueryData(['alert', id], after),
    // Nobody waits for the lists: whoever takes the event back needs its answer alone.
    onSettled: (_answer, _error, { id }) => {
      void client.invalidateQueries({ queryKey: ['alert', id] });
      void client.invalidateQueries({ queryKey: ['alerts'] });
    },
  });
}

export const useDecide = () =>
  useAlertEvent(({ decision, reason, rule, expectedSeq }: Deciding) => ({
    type: 'decide',
    decision,
    reason: reason === '' ? undefined : reason,
    rule,
    expectedSeq,
  }));
export const useUndo = () =>
  useAlertEvent(({ expectedSeq }: { id: string; expectedSeq: number }) => ({ type: 'undo', expectedSeq }));
export const useAssign = () =>
  useAlertEvent(
    ({ assignee, expectedSeq }: { id: string; assignee: string | null; expectedSeq: number }) => ({
      type: 'assign',
      assignee,
      expectedSeq,
    }),
  );
export const useNote = () =>
  useAlertEvent(({ text, expectedSeq }: { id: string; text: string; expectedSeq: number }) => ({
    type: 'note',
    text,
    expectedSeq,
  }));
export interface BulkDeciding {
  readonly alerts: readonly Pick<Alert, 'id' | 'lastSeq'>[];
  readonly decision: Decision;
  readonly reason: string;
  readonly rule?: string | undefined;
}

export function useDecideMany() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ alerts, decision, reason, rule }: BulkDeciding) =>
      api<BulkAnswer>('/alerts/decide', {
        body: {
          ids: alerts.map(({ id }) => id),
          expected: Object.fromEntries(alerts.map(({ id, lastSeq }) => [id, lastSeq])),
          decision,
          reason: reason === '' ? undefined : reason,
          rule,
        },
      }),
    onSettled: () =>
      Promise.all(['alerts', 'alert'].map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
}

export interface BulkAnswer {
  readonly done: readonly string[];
  readonly refused: readonly { readonly id: string; readonly code: string; readonly message: string }[];
}

export const useViews = () =>
  useQuery({
    queryKey: ['views'],
    queryFn: ({ signal }) => api<{ views: SavedView[] }>('/views', { signal }),
  });

export function useChangeViews() {
  const client = useQueryClient();
  const onSettled = () => client.invalidateQueries({ queryKey: ['views'] });
  const save = useMutation({
    mutationFn: (body: { name: string; query: string; shared: boolean }) => api('/views', { body }),
    onSettled,
  });
  const remove = useMutation({
    mutationFn: (id: string) => api(`/views/${id}`, { method: 'DELETE' }),
    onSettled,
  });
  return { save, remove };
}
