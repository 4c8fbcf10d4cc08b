import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api } from './client.ts';
import type { CaseDetail, CaseSuggestion, CaseSummary, NoticeDraft, NoticeForm } from './types.ts';

export const useCases = (query: { state?: 'open' | 'closed'; alertId?: string }) =>
  useQuery({
    queryKey: ['cases', query],
    queryFn: ({ signal }) =>
      api<{ cases: CaseSummary[] }>('/cases', { query: { ...query, limit: 500 }, signal }),
  });

export const useCase = (id: string) =>
  useQuery({
    queryKey: ['case', id],
    queryFn: ({ signal }) => api<CaseDetail>(`/cases/${id}`, { signal }),
  });

export const useCaseSuggestions = () =>
  useQuery({
    queryKey: ['cases', 'suggestions'],
    queryFn: ({ signal }) => api<{ suggestions: CaseSuggestion[] }>('/cases/suggestions', { signal }),
  });

export interface NoticeChoice {
  readonly form: NoticeForm;
  readonly lang: 'ja' | 'en';
}

/** The notice as it would be now; asked again whenever the case changes. */
export const useNoticeDraft = (id: string, seq: number, choice: NoticeChoice) =>
  useQuery({
    queryKey: ['case', id, 'draft', seq, choice],
    queryFn: ({ signal }) => api<NoticeDraft>(`/cases/${id}/notice/draft`, { query: { ...choice }, signal }),
    placeholderData: (before) => before,
  });

function useCaseChange<Input, Output>(change: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () =>
      Promise.all(['cases', 'case'].map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
}

export const useOpenCase = () =>
  useCaseChange((alertIds: readonly string[]) => api<CaseSummary>('/cases', { body: { alertIds } }));

/** Reports what happened, unless somebody else did since. */
export const useCaseEvent = ({ id, seq }: Pick<CaseSummary, 'id' | 'seq'>) =>
  useCaseChange((event: { readonly type: string } & Readonly<Record<string, unknown>>) =>
    api<CaseSummary>(`/cases/${id}/events`, { body: { ...event, expectedSeq: seq } }),
  );

export const useApproveNotice = (id: string) =>
  useCaseChange((body: NoticeChoice & { readonly attested: readonly string[] }) =>
    api(`/cases/${id}/notice/approve`, { body }),
  );
