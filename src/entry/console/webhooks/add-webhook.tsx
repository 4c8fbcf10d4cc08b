import {
  Button,
  Checkbox,
  Group,
  Modal,
  MultiSelect,
  Select,
  Stack,
  TagsInput,
  TextInput,
} from '@mantine/core';
import { useState } from 'react';
import type { Tier, Webhook, WebhookKind } from '../api/types.ts';
import { useAddWebhook } from '../api/webhooks.ts';
import { useLocale } from '../text/index.tsx';

const KINDS: readonly WebhookKind[] = ['json', 'slack', 'teams', 'email'];
const TIERS: readonly Tier[] = ['high', 'standard'];

/** Where to, of what, and how. What is left as it is the server decides by the kind. */
export function AddWebhook({
  eventTypes,
  close,
  added,
}: {
  /** Those that there are. */
  eventTypes: readonly string[];
  close: () => void;
  added: (webhook: Webhook & { readonly secret: string | null }) => void;
}) {
  const { language, t } = useLocale();
  const add = useAddWebhook();
  const [url, setUrl] = useState('');
  const [kind, setKind] = useState<WebhookKind | null>(null);
  const [events, setEvents] = useState(['*']);
  const [tiers, setTiers] = useState<string[]>([]);
  const [digest, setDigest] = useState<boolean | undefined>();
  const [artwork, setArtwork] = useState(false);
  const [callbacks, setCallbacks] = useState<boolean | undefined>();
  const [lang, setLang] = useState(language);
  const likely = kind ?? likelyKind(url);
  return (
    <Modal opened onClose={close} title={t.webhooks.add} closeButtonProps={{ 'aria-label': t.common.close }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate(
            {
              url: url.trim(),
              kind: kind ?? undefined,
              events,
              tiers: tiers as Tier[],
              digest: likely === 'json' ? undefined : digest,
              artwork: likely === 'slack' ? false : artwork,
              callbacks: likely === 'json' ? callbacks : undefined,
              lang,
            },
            {
              onSuccess: (webhook) => {
                close();
                added(webhook);
              },
            },
          );
        }}
      >
        <Stack>
          <TextInput
            label={t.webhooks.url}
            placeholder={t.webhooks.urlNote}
            value={url}
            onChange={(event) => setUrl(event.currentTarget.value)}
            required
            data-autofocus
          />
          <Select
            label={t.webhooks.kind}
            placeholder={t.webhooks.auto}
            data={KINDS.map((value) => ({ value, label: t.webhooks.kinds[value] }))}
            value={kind}
            onChange={(value) => setKind(value as WebhookKind | null)}
            clearable
          />
          <TagsInput
            label={t.webhooks.events}
            description={t.webhooks.eventsNote}
            data={['*', 'alert.*', 'case.*', ...eventTypes]}
            value={events}
            onChange={setEvents}
            acceptValueOnBlur
          />
          <MultiSelect
            label={t.webhooks.tiers}
            placeholder={tiers.length === 0 ? t.webhooks.allTiers : ''}
            data={TIERS.map((value) => ({ value, label: t.tiers[value] }))}
            value={tiers}
            onChange={setTiers}
          />
          {likely === 'json' ? (
            <Checkbox
              label={t.webhooks.callbacks}
              checked={callbacks ?? true}
              onChange={(event) => setCallbacks(event.currentTarget.checked)}
            />
          ) : (
            <Checkbox
              label={t.webhooks.digest}
              checked={digest ?? true}
              onChange={(event) => setDigest(event.currentTarget.checked)}
            />
          )}
          {likely !== 'slack' && (
            <Checkbox
              label={t.webhooks.artwork}
              checked={artwork}
              onChange={(event) => setArtwork(event.currentTarget.checked)}
            />
          )}
          <Select
            label={t.webhooks.language}
            data={[
              { value: 'ja', label: '日本語' },
              { value: 'en', label: 'English' },
            ]}
            value={lang}
            allowDeselect={false}
            onChange={(value) => setLang(value as 'ja' | 'en')}
          />
          <Group justify="flex-end">
            <Button variant="subtle" color="gray" onClick={close}>
              {t.common.cancel}
            </Button>
            <Button type="submit" loading={add.isPending} disabled={url.trim() === '' || events.length === 0}>
              {t.webhooks.add}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** Which options to offer; what the address really is the server says. */
function likelyKind(url: string): WebhookKind {
  if (/^mailto:/i.test(url)) return 'email';
  if (url.includes('hooks.slack.com')) return 'slack';
  return /logic\.azure\.com|webhook\.office\.com|powerplatform\.com/.test(url) ? 'teams' : 'json';
}
