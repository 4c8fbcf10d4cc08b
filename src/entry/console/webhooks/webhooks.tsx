import { Badge, Button, Group, Menu, Modal, NumberInput, Stack, Switch, Table, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconDots, IconPlus, IconWebhook } from '@tabler/icons-react';
import { useState } from 'react';
import {
  useEnableWebhook,
  useRemoveWebhook,
  useRotateSecret,
  useTestWebhook,
  useWebhooks,
} from '../api/webhooks.ts';
import type { Webhook } from '../api/types.ts';
import { Card, Page } from '../parts/page.tsx';
import { type Secret, ShownOnce } from '../parts/shown-once.tsx';
import { Answered, Empty } from '../parts/states.tsx';
import { useKeys } from '../shell/use-keys.ts';
import { inJst } from '../text/dates.ts';
import { useLocale, useText } from '../text/index.tsx';
import { RED_TEXT } from '../theme.ts';
import { AddWebhook } from './add-webhook.tsx';
import { DeadLetters } from './dead-letters.tsx';

const OVERLAP_HOURS = 24;
const LONGEST_OVERLAP_HOURS = 24 * 30;

/** Who is told of what happens, and how far that has come. */
export default function Webhooks() {
  const t = useText();
  const webhooks = useWebhooks();
  const [adding, setAdding] = useState(false);
  const [rotating, setRotating] = useState<Webhook | undefined>();
  const [removing, setRemoving] = useState<Webhook | undefined>();
  const [secret, setSecret] = useState<Secret | undefined>();
  useKeys({ n: () => setAdding(true) });
  const tell = (url: string, value: string | null) => {
    if (value !== null)
      setSecret({ title: `${t.webhooks.secret}: ${url}`, value, note: t.webhooks.secretNote });
  };
  return (
    <Page
      title={t.navigation.webhooks}
      actions={
        <Button
          leftSection={<IconPlus size={16} aria-hidden />}
          rightSection={<kbd>N</kbd>}
          onClick={() => setAdding(true)}
        >
          {t.webhooks.add}
        </Button>
      }
    >
      <Text size="sm" c="dimmed">
        {t.webhooks.lead}
      </Text>
      <Card>
        <Answered
          by={webhooks}
          isEmpty={(data) => data.webhooks.length === 0}
          empty={
            <Empty icon={IconWebhook} title={t.webhooks.empty}>
              {t.webhooks.emptyNote}
            </Empty>
          }
        >
          {(data) => (
            <Table verticalSpacing="xs" miw={860}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t.webhooks.url}</Table.Th>
                  <Table.Th>{t.webhooks.events}</Table.Th>
                  <Table.Th ta="end">{t.webhooks.delivered}</Table.Th>
                  <Table.Th ta="end">{t.webhooks.pending}</Table.Th>
                  <Table.Th ta="end">{t.webhooks.dead}</Table.Th>
                  <Table.Th>{t.webhooks.enabled}</Table.Th>
                  <Table.Th aria-label={t.monitors.actions} />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.webhooks.map((webhook) => (
                  <Row key={webhook.id} webhook={webhook} rotate={setRotating} remove={setRemoving} />
                ))}
              </Table.Tbody>
            </Table>
          )}
        </Answered>
      </Card>
      <DeadLetters />
      {adding && (
        <AddWebhook
          eventTypes={webhooks.data?.eventTypes ?? []}
          close={() => setAdding(false)}
          added={(webhook) => tell(webhook.url, webhook.secret)}
        />
      )}
      {rotating !== undefined && (
        <Rotate
          webhook={rotating}
          close={() => setRotating(undefined)}
          rotated={(value) => tell(rotating.url, value)}
        />
      )}
      {removing !== undefined && <Remove webhook={removing} close={() => setRemoving(undefined)} />}
      <ShownOnce secret={secret} close={() => setSecret(undefined)} />
    </Page>
  );
}

function Row({
  webhook,
  rotate,
  remove,
}: {
  webhook: Webhook;
  rotate: (webhook: Webhook) => void;
  remove: (webhook: Webhook) => void;
}) {
  const { language, t } = useLocale();
  const enable = useEnableWebhook();
  const test = useTestWebhook();
  const { id, url, kind, events, tiers, deliveries, lastError, enabled, previousSecretUntil } = webhook;
  return (
    <Table.Tr data-webhook={id}>
      <Table.Td>
        <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {url}
        </Text>
        <Text size="xs" c="dimmed">
          {t.webhooks.kinds[kind]}
          {previousSecretUntil !== null &&
            new Date(previousSecretUntil) > new Date() &&
            ` · ${t.webhooks.previousUntil(inJst(language, previousSecretUntil))}`}
        </Text>
        {lastError !== null && (
          <Text size="xs" c={RED_TEXT}>
            {t.webhooks.lastError}: {lastError}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Group gap={4}>
          {events.map((event) => (
            <Badge key={event} variant="light" color="gray" tt="none">
              {event}
            </Badge>
          ))}
          {tiers.map((tier) => (
            <Badge key={tier} variant="outline" tt="none">
              {t.tiers[tier]}
            </Badge>
          ))}
        </Group>
      </Table.Td>
      {[deliveries.delivered, deliveries.pending, deliveries.dead].map((n, at) => (
        <Table.Td key={at} ta="end" className="numeric" {...(at === 2 && n > 0 ? { c: 'red', fw: 650 } : {})}>
          {n.toLocaleString()}
        </Table.Td>
      ))}
      <Table.Td>
        <Switch
          aria-label={`${t.webhooks.enabled}: ${url}`}
          checked={enabled}
          onChange={(event) => enable.mutate({ id, enabled: event.currentTarget.checked })}
        />
      </Table.Td>
      <Table.Td>
        <Group gap={4} wrap="nowrap" justify="flex-end">
          <Button
            size="compact-sm"
            variant="light"
            loading={test.isPending}
            onClick={() =>
              test.mutate(id, {
                onSuccess: () => notifications.show({ color: 'teal', message: t.webhooks.tested(url) }),
              })
            }
          >
            {t.webhooks.test}
          </Button>
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <Button
                size="compact-sm"
                variant="subtle"
                color="gray"
                aria-label={`${t.navigation.other}: ${url}`}
              >
                <IconDots size={16} aria-hidden />
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {kind === 'json' && <Menu.Item onClick={() => rotate(webhook)}>{t.webhooks.rotate}</Menu.Item>}
              <Menu.Item color="red" onClick={() => remove(webhook)}>
                {t.webhooks.remove}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

function Rotate({
  webhook,
  close,
  rotated,
}: {
  webhook: Webhook;
  close: () => void;
  rotated: (secret: string | null) => void;
}) {
  const t = useText();
  const rotate = useRotateSecret();
  const [hours, setHours] = useState<number | string>(OVERLAP_HOURS);
  return (
    <Modal
      opened
      onClose={close}
      title={t.webhooks.rotate}
      closeButtonProps={{ 'aria-label': t.common.close }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          rotate.mutate(
            { id: webhook.id, overlapHours: Number(hours) || 0 },
            {
              onSuccess: ({ secret }) => {
                close();
                rotated(secret);
              },
            },
          );
        }}
      >
        <Stack>
          <Text size="sm">{webhook.url}</Text>
          <NumberInput
            label={t.webhooks.overlap}
            description={t.webhooks.rotateNote}
            min={0}
            max={LONGEST_OVERLAP_HOURS}
            value={hours}
            onChange={setHours}
            hideControls
            data-autofocus
          />
          <Group justify="flex-end">
            <Button variant="subtle" color="gray" onClick={close}>
              {t.common.cancel}
            </Button>
            <Button type="submit" loading={rotate.isPending}>
              {t.webhooks.rotate}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Remove({ webhook, close }: { webhook: Webhook; close: () => void }) {
  const t = useText();
  const remove = useRemoveWebhook();
  return (
    <Modal
      opened
      onClose={close}
      title={t.webhooks.removeTitle}
      closeButtonProps={{ 'aria-label': t.common.close }}
    >
      <Text size="sm" fw={600}>
        {webhook.url}
      </Text>
      {webhook.deliveries.pending > 0 && (
        <Text size="sm">{t.webhooks.removeNote(webhook.deliveries.pending)}</Text>
      )}
      <Group justify="flex-end" mt="md">
        <Button variant="subtle" color="gray" onClick={close} data-autofocus>
          {t.common.cancel}
        </Button>
        <Button
          color="red"
          loading={remove.isPending}
          onClick={() => remove.mutate(webhook.id, { onSettled: close })}
        >
          {t.webhooks.remove}
        </Button>
      </Group>
    </Modal>
  );
}
