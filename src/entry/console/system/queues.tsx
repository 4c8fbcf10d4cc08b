import { Anchor, Button, Group, Modal, Table, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconRefresh } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { usePerson } from '../api/session.ts';
import type { FailedJob, QueueCounts } from '../api/types.ts';
import { useChange } from '../api/use-change.ts';
import { Card } from '../parts/page.tsx';
import { Answered, Empty, Failed, Loading } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { useText } from '../text/index.tsx';
import { RED_TEXT } from '../theme.ts';

const REFRESH_MS = 5_000;
const STATES = ['waiting', 'active', 'delayed', 'failed'] as const;
const MOST_SHOWN = 200;

/** What waits, what is at work, and what failed. */
export function Queues() {
  const t = useText().system;
  const person = usePerson();
  const queues = useQuery({
    queryKey: ['queues'],
    queryFn: ({ signal }) =>
      api<{ backend: 'postgres' | 'redis'; queues: QueueCounts[] }>('/queues', { signal }),
    refetchInterval: REFRESH_MS,
  });
  const [shown, setShown] = useState<string | undefined>();
  const nameOf = (queue: string) => (t.queues as Readonly<Record<string, string>>)[queue] ?? queue;
  if (queues.isPending) return <Loading />;
  if (queues.isError) return <Failed error={queues.error} retry={() => void queues.refetch()} />;
  return (
    <Card title={`${t.queue} (${t.backends[queues.data.backend]})`}>
      <Table miw={420}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t.queue}</Table.Th>
            {STATES.map((state) => (
              <Table.Th key={state} ta="end">
                {t.jobs[state]}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {queues.data.queues.map((queue) => (
            <Table.Tr key={queue.name} data-queue={queue.name}>
              <Table.Td>{nameOf(queue.name)}</Table.Td>
              {STATES.map((state) => (
                <Table.Td key={state} ta="end" className="numeric">
                  {state === 'failed' && queue.failed > 0 && person.may('admin') ? (
                    <Anchor
                      component="button"
                      size="sm"
                      c={RED_TEXT}
                      fw={650}
                      aria-label={t.showFailed(nameOf(queue.name))}
                      onClick={() => setShown(queue.name)}
                    >
                      {queue.failed.toLocaleString()}
                    </Anchor>
                  ) : (
                    queue[state].toLocaleString()
                  )}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {shown !== undefined && (
        <FailedJobs queue={shown} title={t.failedJobs(nameOf(shown))} close={() => setShown(undefined)} />
      )}
    </Card>
  );
}

function FailedJobs({ queue, title, close }: { queue: string; title: string; close: () => void }) {
  const t = useText();
  const jobs = useQuery({
    queryKey: ['queues', queue, 'failed'],
    queryFn: ({ signal }) =>
      api<{ jobs: FailedJob[] }>(`/queues/${queue}/failed`, { query: { limit: MOST_SHOWN }, signal }),
  });
  const retry = useChange(['queues'], (ids: readonly string[] | undefined) =>
    api<{ retried: number }>(`/queues/${queue}/failed/retry`, { body: { ids } }),
  );
  const retryThese = (ids: readonly string[] | undefined) =>
    retry.mutate(ids, {
      onSuccess: ({ retried }) => notifications.show({ message: t.system.retried(retried) }),
    });
  return (
    <Modal opened onClose={close} size="xl" title={title} closeButtonProps={{ 'aria-label': t.common.close }}>
      <Group justify="space-between" mb="sm" wrap="nowrap">
        <Text size="sm" c="dimmed">
          {t.system.failedNote}
        </Text>
        <Button
          size="xs"
          leftSection={<IconRefresh size={16} aria-hidden />}
          loading={retry.isPending}
          onClick={() => retryThese(undefined)}
        >
          {t.system.retryAll}
        </Button>
      </Group>
      <Answered
        by={jobs}
        isEmpty={(data) => data.jobs.length === 0}
        empty={<Empty small title={t.system.noFailed} />}
      >
        {(data) => (
          <Table.ScrollContainer minWidth={620}>
            <Table verticalSpacing="xs">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t.system.job}</Table.Th>
                  <Table.Th>{t.system.error}</Table.Th>
                  <Table.Th ta="end">{t.system.attempts}</Table.Th>
                  <Table.Th>{t.system.failedAt}</Table.Th>
                  <Table.Th aria-label={t.system.retryOne} />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.jobs.map((job) => (
                  <Table.Tr key={job.id}>
                    <Table.Td>
                      <Text size="sm" fw={600}>
                        {job.name}
                      </Text>
                      <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                        {Object.values(job.payload).map(String).join(' ')}
                      </Text>
                    </Table.Td>
                    <Table.Td style={{ overflowWrap: 'anywhere' }}>{job.error}</Table.Td>
                    <Table.Td ta="end" className="numeric">
                      {job.attempts}
                    </Table.Td>
                    <Table.Td>
                      <When at={job.failedAt} size="sm" />
                    </Table.Td>
                    <Table.Td ta="end">
                      <Button size="compact-sm" variant="light" onClick={() => retryThese([job.id])}>
                        {t.system.retryOne}
                      </Button>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Answered>
    </Modal>
  );
}
