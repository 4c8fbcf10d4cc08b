import { useQuery } from '@tanstack/react-query';
import { api } from './client.ts';
import type { DeadDelivery, Tier, Webhook, WebhookKind } from './types.ts';
import { useChange } from './use-change.ts';

/** Deliveries come and go without anybody being told. */
const REFRESH_MS = 10_000;
const TOUCHED = ['webhooks', 'dead-letters', 'incidents'];

export const useWebhooks = () =>
  useQuery({
    queryKey: ['webhooks'],
    queryFn: ({ signal }) => api<{ webhooks: Webhook[]; eventTypes: string[] }>('/webhooks', { signal }),
    refetchInterval: REFRESH_MS,
  });

export const useDeadLetters = () =>
  useQuery({
    queryKey: ['dead-letters'],
    queryFn: ({ signal }) => api<{ dead: DeadDelivery[] }>('/webhooks/dead', { signal }),
    refetchInterval: REFRESH_MS,
  });

export interface WebhookDraft {
  readonly url: string;
  readonly kind: WebhookKind | undefined;
  readonly events: readonly string[];
  readonly tiers: readonly Tier[];
  readonly digest: boolean | undefined;
  readonly artwork: boolean;
  readonly callbacks: boolean | undefined;
  readonly lang: 'ja' | 'en';
}

/** A webhook with its secret, which is shown this once; null where nothing is signed. */
type WithSecret = Webhook & { readonly secret: string | null };

export const useAddWebhook = () =>
  useChange(TOUCHED, (body: WebhookDraft) => api<WithSecret>('/webhooks', { body }));
export const useEnableWebhook = () =>
  useChange(TOUCHED, ({ id, enabled }: { id: string; enabled: boolean }) =>
    api(`/webhooks/${id}`, { body: { enabled } }),
  );
export const useTestWebhook = () =>
  useChange(TOUCHED, (id: string) => api(`/webhooks/${id}/test`, { method: 'POST' }));
export const useRotateSecret = () =>
  useChange(TOUCHED, ({ id, overlapHours }: { id: string; overlapHours: number }) =>
    api<WithSecret>(`/webhooks/${id}/rotate`, { body: { overlapHours } }),
  );
export const useRemoveWebhook = () =>
  useChange(TOUCHED, (id: string) => api(`/webhooks/${id}`, { method: 'DELETE' }));
export const useReplay = () =>
  useChange(TOUCHED, (id: string) => api(`/webhooks/dead/${id}/replay`, { method: 'POST' }));
