import { Badge, Button, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconShieldCheck } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, readiness } from '../api/client.ts';
import { usePerson } from '../api/session.ts';
import type { Incident } from '../api/types.ts';
import { Card, Page } from '../parts/page.tsx';
import { Answered, Empty, Failed, Loading } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { useLocale, useText } from '../text/index.tsx';
import { Queues } from './queues.tsx';

const REFRESH_MS = 5_000;

/** Whether everything works, and what keeps it from doing so. */
export default function System() {
  const t = useText();
  return (
    <Page title={t.navigation.system}>
      <Incidents />
      <Readiness />
      <Queues />
    </Page>
  );
}

function Incidents() {
  const { language, t } = useLocale();
  const person = usePerson();
  const client = useQueryClient();
  const incidents = useQuery({
    queryKey: ['incidents'],
    queryFn: ({ signal }) => api<{ incidents: Incident[] }>('/incidents', { signal }),
  });
  const act = useMutation({
    mutationFn: ({ id, type }: { id: string; type: 'acknowledge' | 'close' }) =>
      api(`/incidents/${id}/events`, { body: { type } }),
    onSettled: () => client.invalidateQueries({ queryKey: ['incidents'] }),
  });
  return (
    <Card title={t.system.incidents}>
      <Answered
        by={incidents}
        isEmpty={(data) => data.incidents.length === 0}
        empty={<Empty small icon={IconShieldCheck} title={t.system.noIncidents} />}
      >
        {(data) => (
          <Stack>
            {data.incidents.map((incident) => (
              <Group key={incident.id} justify="space-between" wrap="nowrap" align="flex-start">
                <div>
                  <Group gap="xs">
                    <Badge
                      variant="light"
                      tt="none"
                      color={incident.severity === 'critical' ? 'red' : 'orange'}
                    >
                      {t.system.severities[incident.severity]}
                    </Badge>
                    <When at={incident.openedAt} size="xs" c="dimmed" />
                    {incident.acknowledgedBy !== null && (
                      <Text size="xs" c="dimmed">
                        {t.system.acknowledgedBy(incident.acknowledgedBy)}
                      </Text>
                    )}
                  </Group>
                  <Text size="sm" mt={4}>
                    {incident.message[language]}
                  </Text>
                </div>
                {person.may('reviewer') && (
                  <Group gap="xs" wrap="nowrap">
                    {incident.acknowledgedAt === null && (
                      <Button
                        size="xs"
                        variant="light"
                        onClick={() => act.mutate({ id: incident.id, type: 'acknowledge' })}
                      >
                        {t.system.acknowledge}
                      </Button>
                    )}
                    <Button
                      size="xs"
                      variant="subtle"
                      color="gray"
                      onClick={() => act.mutate({ id: incident.id, type: 'close' })}
                    >
                      {t.common.close}
                    </Button>
                  </Group>
                )}
              </Group>
            ))}
          </Stack>
        )}
      </Answered>
    </Card>
  );
}

function Readiness() {
  const t = useText();
  const ready = useQuery({
    queryKey: ['readiness'],
    queryFn: ({ signal }) => readiness(signal),
    refetchInterval: REFRESH_MS,
  });
  if (ready.isPending) return <Loading />;
  if (ready.isError) return <Failed error={ready.error} retry={() => void ready.refetch()} />;
  const { catalogueVersion, references } = ready.data;
  return (
    <Card title={t.system.state}>
      <SimpleGrid cols={{ base: 2, sm: 3 }}>
        <Figure name={t.system.ready} value={t.system.yes} />
        <Figure name={t.system.references} value={references.toLocaleString()} />
        <Figure name={t.system.catalogueVersion} value={String(catalogueVersion)} />
      </SimpleGrid>
    </Card>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text fw={650} size="lg" className="numeric">
        {value}
      </Text>
    </div>
  );
}
