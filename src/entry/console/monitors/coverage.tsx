import { Anchor, Badge, SimpleGrid, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { api } from '../api/client.ts';
import type { Coverage as CoverageReport } from '../api/types.ts';
import { TierBadge } from '../parts/labels.tsx';
import { Card } from '../parts/page.tsx';
import { Failed, Loading } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { useText } from '../text/index.tsx';

const SHOWN = 30;
const HOUR = 3_600_000;

/** Whether every work is looked for as often as its tier promises; what is late comes first. */
export function Coverage() {
  const t = useText();
  const coverage = useQuery({
    queryKey: ['coverage'],
    queryFn: ({ signal }) => api<CoverageReport>('/coverage', { signal }),
  });
  if (coverage.isPending) return <Loading />;
  if (coverage.isError) return <Failed error={coverage.error} retry={() => void coverage.refetch()} />;
  const { tiers, assets } = coverage.data;
  const late = assets.toSorted((a, b) => a.dueAt.localeCompare(b.dueAt)).slice(0, SHOWN);
  return (
    <Card title={t.coverage.title}>
      <SimpleGrid cols={{ base: 1, sm: 2 }} mb="md">
        {tiers.map((tier) => (
          <div key={tier.tier}>
            <TierBadge tier={tier.tier} />
            <Text size="sm" mt={4}>
              {t.coverage.tier(tier.assets, tier.cadenceMs / HOUR)}
            </Text>
            <Text size="sm" c={tier.overdue + tier.unwatched > 0 ? 'shu' : 'dimmed'}>
              {t.coverage.faults(tier.overdue, tier.unwatched)}
            </Text>
          </div>
        ))}
      </SimpleGrid>
      <Table verticalSpacing={6} miw={720}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t.navigation.assets}</Table.Th>
            <Table.Th>{t.coverage.lastLookedAt}</Table.Th>
            <Table.Th>{t.coverage.due}</Table.Th>
            <Table.Th>{t.coverage.monitors}</Table.Th>
            <Table.Th ta="end">{t.coverage.outputs}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {late.map((asset) => (
            <Table.Tr key={asset.assetId}>
              <Table.Td>
                <Anchor component={Link} href={`/assets/${encodeURIComponent(asset.assetId)}`} size="sm">
                  {asset.title}
                </Anchor>
              </Table.Td>
              <Table.Td>
                {asset.lastLookedAt === null ? t.monitors.never : <When at={asset.lastLookedAt} size="sm" />}
              </Table.Td>
              <Table.Td>
                {asset.overdue ? (
                  <Badge variant="light" color="red" tt="none">
                    {t.coverage.overdue}
                  </Badge>
                ) : (
                  <When at={asset.dueAt} size="sm" />
                )}
              </Table.Td>
              <Table.Td>
                {asset.monitors.length === 0 ? t.coverage.unwatched : asset.monitors.join(', ')}
              </Table.Td>
              <Table.Td ta="end" className="numeric">
                {asset.outputs.toLocaleString()}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}
