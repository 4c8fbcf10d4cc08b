import { useQuery } from '@tanstack/react-query';
import { api } from './client.ts';
import type { Alert, Decision, Licence, ToleranceRule } from './types.ts';
import { useChange } from './use-change.ts';

export const useToleranceRules = (ended: boolean) =>
  useQuery({
    queryKey: ['rules', { ended }],
    queryFn: ({ signal }) => api<{ rules: ToleranceRule[] }>('/rules', { query: { ended }, signal }),
    placeholderData: (before) => before,
  });

export const useLicences = () =>
  useQuery({
    queryKey: ['licences'],
    queryFn: ({ signal }) => api<{ licences: Licence[] }>('/licences', { query: { limit: 1_000 }, signal }),
  });

/** A rule as a person writes it. */
export interface RuleDraft {
  readonly name: string;
  readonly assetId: string | undefined;
  readonly series: string | undefined;
  readonly accounts: readonly string[];
  readonly domains: readonly string[];
  readonly validFrom: string | undefined;
  readonly validUntil: string | undefined;
  readonly territory: readonly string[];
  readonly reason: string;
}

/** What a rule changes: itself, and the alerts that stand under it. */
const TOUCHED = ['rules', 'licences', 'alerts', 'alert'];

export const useAddRule = () =>
  useChange(TOUCHED, (body: RuleDraft) => api<{ applied: number }>('/rules', { body }));
export const useReplaceRule = () =>
  useChange(TOUCHED, ({ id, ...body }: RuleDraft & { id: string }) =>
    api<{ applied: number; reopened: number }>(`/rules/${id}`, { method: 'PUT', body }),
  );
export const useEndRule = () =>
  useChange(TOUCHED, (id: string) => api<{ reopened: number }>(`/rules/${id}`, { method: 'DELETE' }));

/** A rule that a decision can rest on. */
export interface RuleChoice {
  readonly id: string;
  readonly name: string;
}

/** The rules under which all of these alerts can be decided so. */
export function useRulesFor(decision: Decision, alerts: readonly Alert[]): readonly RuleChoice[] {
  const [first, ...others] = alerts;
  const oneWork = first !== undefined && others.every(({ assetId }) => assetId === first.assetId);
  const tolerated = useQuery({
    queryKey: ['rules', { ended: false }],
    queryFn: ({ signal }) => api<{ rules: ToleranceRule[] }>('/rules', { signal }),
    enabled: decision === 'tolerated',
  });
  const licensed = useQuery({
    queryKey: ['licences', first?.assetId],
    queryFn: ({ signal }) =>
      api<{ licences: Licence[] }>('/licences', { query: { assetId: first?.assetId }, signal }),
    // A licence is for one work.
    enabled: decision === 'licensed' && oneWork,
  });
  if (decision === 'licensed') return (oneWork && licensed.data?.licences) || [];
  if (decision !== 'tolerated') return [];
  return (tolerated.data?.rules ?? []).filter((rule) =>
    alerts.every(
      ({ assetId, series }) => rule.assetId === assetId || (rule.series !== null && rule.series === series),
    ),
  );
}
