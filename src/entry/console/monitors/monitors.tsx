import { Anchor, Badge, Button, Code, Group, Stack, Table, Text, Tooltip } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconPlayerPause, IconPlayerPlay, IconRadarOff, IconRefresh } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { usePerson } from '../api/session.ts';
import type { Monitor, Scan } from '../api/types.ts';
import { TierBadge } from '../parts/labels.tsx';
import { Card, Page } from '../parts/page.tsx';
import { Answered, Empty, useErrorText } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { useText } from '../text/index.tsx';
import { Coverage } from './coverage.tsx';

const SCAN_COLOURS: Record<Scan['state'], string> = { running: 'ai', done: 'teal', failed: 'red' };

/** What is looked at regularly, and how the last looks went. */
export default function Monitors() {
  const t = useText();
  const monitors = useQuery({
    queryKey: ['monitors'],
    queryFn: ({ signal }) => api<{ monitors: Monitor[] }>('/monitors', { signal }),
    refetchInterval: 15_000,
  });
  const [chosen, choose] = useState<string | undefined>();
  return (
    <Page title={t.navigation.monitors}>
      <Answered
        by={monitors}
        isEmpty={(data) => data.monitors.length === 0}
        empty={
          <Card>
            <Empty icon={IconRadarOff} title={t.monitors.empty}>
              {t.monitors.emptyNote} <Code>utsushi monitor apply monitors.yml</Code>
            </Empty>
          </Card>
        }
      >
        {(data) => (
          <>
            <Card>
              <Table verticalSpacing="sm" miw={860}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t.monitors.name}</Table.Th>
                    <Table.Th>{t.inbox.facets.tier}</Table.Th>
                    <Table.Th>{t.monitors.schedule}</Table.Th>
                    <Table.Th>{t.monitors.lastScan}</Table.Th>
                    <Table.Th>{t.monitors.next}</Table.Th>
                    <Table.Th aria-label={t.monitors.actions} />
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.monitors.map((monitor) => (
                    <Row
                      key={monitor.name}
                      monitor={monitor}
                      choose={() => choose(chosen === monitor.name ? undefined : monitor.name)}
                    />
                  ))}
                </Table.Tbody>
              </Table>
            </Card>
            <Scans monitor={chosen} />
          </>
        )}
      </Answered>
      <Coverage />
    </Page>
  );
}

function Row({ monitor, choose }: { monitor: Monitor; choose: () => void }) {
  const t = useText();
  const person = usePerson();
  const client = useQueryClient();
  const explain = useErrorText();
  const act = useMutation({
    mutationFn: (what: 'run' | 'pause' | 'resume') =>
      api(`/monitors/${encodeURIComponent(monitor.name)}/${what}`, { method: 'POST' }),
    onError: (error) => {
      const { title, detail } = explain(error);
      notifications.show({ color: 'red', title, message: detail });
    },
    onSettled: () =>
      Promise.all(['monitors', 'scans'].map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component="button" type="button" onClick={choose} fw={600} size="sm">
          {monitor.name}
        </Anchor>
        <Text size="xs" c="dimmed">
          {(t.monitors.sources as Readonly<Record<string, string>>)[monitor.source.kind] ??
            monitor.source.kind}
        </Text>
      </Table.Td>
      <Table.Td>
        <TierBadge tier={monitor.tier} />
      </Table.Td>
      <Table.Td>
        {monitor.paused ? (
          <Badge variant="light" color="gray" tt="none">
            {t.monitors.paused}
          </Badge>
        ) : (
          <Text size="sm">{monitor.scheduleText}</Text>
        )}
      </Table.Td>
      <Table.Td>
        {monitor.lastScan === null ? (
          <Text size="sm" c="dimmed">
            {t.monitors.never}
          </Text>
        ) : (
          <Stack gap={2}>
            <Group gap={6}>
              <ScanState scan={monitor.lastScan} />
              <When at={monitor.lastScan.startedAt} size="xs" c="dimmed" />
            </Group>
            <Text size="xs">{t.monitors.result(monitor.lastScan)}</Text>
          </Stack>
        )}
      </Table.Td>
      <Table.Td>{monitor.nextRunAt === null ? '–' : <When at={monitor.nextRunAt} size="sm" />}</Table.Td>
      <Table.Td>
        {person.may('reviewer') && (
          <Group gap="xs" wrap="nowrap" justify="flex-end">
            <Button
              size="xs"
              variant="light"
              leftSection={<IconRefresh size={14} aria-hidden />}
              loading={act.isPending}
              onClick={() => act.mutate('run')}
            >
              {t.monitors.run}
            </Button>
            {person.may('admin') && (
              <Button
                size="xs"
                variant="subtle"
                color="gray"
                leftSection={
                  monitor.paused ? (
                    <IconPlayerPlay size={14} aria-hidden />
                  ) : (
                    <IconPlayerPause size={14} aria-hidden />
                  )
                }
                onClick={() => act.mutate(monitor.paused ? 'resume' : 'pause')}
              >
                {monitor.paused ? t.monitors.resume : t.monitors.pause}
              </Button>
            )}
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

function ScanState({ scan }: { scan: Scan }) {
  const t = useText();
  return (
    <Tooltip label={scan.error?.message ?? t.monitors.triggers[scan.trigger]}>
      <Badge variant="light" color={SCAN_COLOURS[scan.state]} tt="none">
        {t.monitors.states[scan.state]}
      </Badge>
    </Tooltip>
  );
}

function Scans({ monitor }: { monitor: string | undefined }) {
  const t = useText();
  const scans = useQuery({
    queryKey: ['scans', monitor],
    queryFn: ({ signal }) => api<{ scans: Scan[] }>('/scans', { query: { monitor, limit: 30 }, signal }),
  });
  return (
    <Card title={monitor === undefined ? t.monitors.scans : t.monitors.scansOf(monitor)}>
      <Answered
        by={scans}
        isEmpty={(data) => data.scans.length === 0}
        empty={
          <Text size="sm" c="dimmed">
            {t.monitors.noScans}
          </Text>
        }
      >
        {(data) => (
          <Table verticalSpacing={6} miw={720}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t.monitors.name}</Table.Th>
                <Table.Th>{t.monitors.state}</Table.Th>
                <Table.Th>{t.monitors.started}</Table.Th>
                {(['seen', 'new', 'checked', 'candidates', 'failed'] as const).map((figure) => (
                  <Table.Th key={figure} ta="end">
                    {t.monitors.figures[figure]}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.scans.map((scan) => (
                <Table.Tr key={scan.id}>
                  <Table.Td>{scan.monitor}</Table.Td>
                  <Table.Td>
                    <ScanState scan={scan} />
                  </Table.Td>
                  <Table.Td>
                    <When at={scan.startedAt} size="sm" />
                  </Table.Td>
                  {(['seen', 'new', 'checked', 'candidates', 'failed'] as const).map((figure) => (
                    <Table.Td key={figure} ta="end" className="numeric">
                      {scan[figure].toLocaleString()}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Answered>
    </Card>
  );
}
