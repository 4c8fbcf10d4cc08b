import { Button, Table, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconMailCheck } from '@tabler/icons-react';
import { useDeadLetters, useReplay } from '../api/webhooks.ts';
import { Card } from '../parts/page.tsx';
import { Answered, Empty } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { useText } from '../text/index.tsx';

/** What could not be delivered, and the way to have it tried again. */
export function DeadLetters() {
  const t = useText();
  const letters = useDeadLetters();
  const replay = useReplay();
  return (
    <Card title={t.webhooks.deadLetters}>
      <Text size="sm" c="dimmed" mb="sm">
        {t.webhooks.deadNote}
      </Text>
      <Answered
        by={letters}
        isEmpty={(data) => data.dead.length === 0}
        empty={<Empty small icon={IconMailCheck} title={t.webhooks.noDead} />}
      >
        {(data) => (
          <Table verticalSpacing="xs" miw={760}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t.webhooks.event}</Table.Th>
                <Table.Th>{t.webhooks.url}</Table.Th>
                <Table.Th>{t.webhooks.lastError}</Table.Th>
                <Table.Th ta="end">{t.webhooks.attempts}</Table.Th>
                <Table.Th>{t.webhooks.diedAt}</Table.Th>
                <Table.Th aria-label={t.webhooks.replay} />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.dead.map((letter) => (
                <Table.Tr key={letter.id} data-letter={letter.id}>
                  <Table.Td>
                    <Text size="sm" fw={600}>
                      {letter.type}
                    </Text>
                    <Text size="xs" c="dimmed">
                      {letter.subject}
                    </Text>
                  </Table.Td>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{letter.url}</Table.Td>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{letter.lastError ?? '–'}</Table.Td>
                  <Table.Td ta="end" className="numeric">
                    {letter.attempts}
                  </Table.Td>
                  <Table.Td>
                    <When at={letter.diedAt} size="sm" />
                  </Table.Td>
                  <Table.Td ta="end">
                    <Button
                      size="compact-sm"
                      variant="light"
                      disabled={replay.isPending}
                      onClick={() =>
                        replay.mutate(letter.id, {
                          onSuccess: () => notifications.show({ message: t.webhooks.replayed }),
                        })
                      }
                    >
                      {t.webhooks.replay}
                    </Button>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Answered>
    </Card>
  );
}
