import { Anchor, Badge, Button, Group, Table, Text } from '@mantine/core';
import { IconArrowLeft, IconInbox } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from 'wouter';
import { api } from '../api/client.ts';
import { referenceImage } from '../api/pictures.ts';
import { queryString } from '../api/query-string.ts';
import type { AlertList, AssetDetail } from '../api/types.ts';
import { StateBadge, Thumbs, TierBadge, shownScore } from '../parts/labels.tsx';
import { Card, Page } from '../parts/page.tsx';
import { Answered, Failed, Loading } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { useLocale, useText } from '../text/index.tsx';
import classes from './assets.module.css';

/** One work: what is known of it, its pictures, who may use it, and its alerts. */
export default function Asset() {
  const t = useText();
  const { id } = useParams<{ id: string }>();
  const found = useQuery({
    queryKey: ['asset', id],
    queryFn: ({ signal }) => api<AssetDetail>(`/assets/${encodeURIComponent(id)}`, { signal }),
  });
  if (found.isPending) return <Loading />;
  if (found.isError) return <Failed error={found.error} retry={() => void found.refetch()} />;
  const { asset, references, licences } = found.data;
  const facts: readonly (readonly [string, string | null])[] = [
    [t.assets.id, asset.id],
    [t.assets.series, asset.series],
    [t.assets.aliases, asset.aliases.join(', ')],
    [t.assets.characters, asset.characters.join(', ')],
    [t.assets.author, asset.author],
    [t.assets.rightsHolder, asset.rights_holder],
    [
      t.assets.claim,
      Object.values(asset.claim)
        .filter((value) => value !== null)
        .map(
          (value) =>
            (t.assets.claims as Readonly<Record<string, string>>)[value] ?? value.replaceAll('|', ', '),
        )
        .join(' · '),
    ],
    [t.assets.authorship, asset.human_authorship],
    [t.assets.published, asset.published],
  ];
  return (
    <Page
      title={asset.title}
      actions={
        <Button
          component={Link}
          href="/assets"
          variant="subtle"
          color="gray"
          leftSection={<IconArrowLeft size={16} aria-hidden />}
        >
          {t.navigation.assets}
        </Button>
      }
    >
      <Card>
        <Group mb="md" gap="xs">
          <TierBadge tier={asset.tier} />
          <Badge variant="light" color={asset.enabled ? 'teal' : 'gray'} tt="none">
            {asset.enabled ? t.assets.enabled : t.assets.disabled}
          </Badge>
        </Group>
        <dl className={classes.facts}>
          {facts
            .filter(([, value]) => value !== null && value !== '')
            .map(([name, value]) => (
              <div key={name} style={{ display: 'contents' }}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
        </dl>
      </Card>
      <Card title={t.assets.references(references.length)}>
        <ul className={classes.grid}>
          {references.map((reference) => (
            <li key={reference.id}>
              <figure className={classes.figure}>
                <span className={classes.cover}>
                  <img src={referenceImage(reference.id, 384)} alt={reference.file} loading="lazy" />
                </span>
                <figcaption>
                  {reference.file.split('/').at(-1)} · {reference.width} × {reference.height}
                </figcaption>
              </figure>
            </li>
          ))}
        </ul>
      </Card>
      <Card title={t.assets.licences}>
        <Licences licences={licences} />
      </Card>
      <History id={id} />
    </Page>
  );
}

function Licences({ licences }: Pick<AssetDetail, 'licences'>) {
  const { language, t } = useLocale();
  if (licences.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t.assets.noLicences}
      </Text>
    );
  }
  const list = (values: readonly string[]) =>
    values.length === 0 ? t.assets.anywhere : values.join(language === 'ja' ? '、' : ', ');
  return (
    <Table verticalSpacing="xs" miw={560}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t.assets.licensee}</Table.Th>
          <Table.Th>{t.assets.accounts}</Table.Th>
          <Table.Th>{t.assets.domains}</Table.Th>
          <Table.Th>{t.assets.period}</Table.Th>
          <Table.Th>{t.assets.territory}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {licences.map((licence) => (
          <Table.Tr key={licence.id}>
            <Table.Td>{licence.licensee}</Table.Td>
            <Table.Td>{list(licence.accounts)}</Table.Td>
            <Table.Td>{list(licence.domains)}</Table.Td>
            <Table.Td>
              {licence.valid_from ?? ''} – {licence.valid_until ?? ''}
            </Table.Td>
            <Table.Td>{list(licence.territory)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function History({ id }: { id: string }) {
  const t = useText();
  const alerts = useQuery({
    queryKey: ['alerts', 'of-asset', id],
    queryFn: ({ signal }) =>
      api<AlertList>('/alerts', { query: { assetId: id, sort: 'newest', limit: 20 }, signal }),
  });
  return (
    <Card
      title={t.assets.history}
      actions={
        <Button
          component={Link}
          href={`/${queryString({ assetId: id, state: 'all' })}`}
          size="xs"
          variant="light"
          leftSection={<IconInbox size={16} aria-hidden />}
        >
          {t.assets.inInbox}
        </Button>
      }
    >
      <Answered
        by={alerts}
        isEmpty={(data) => data.alerts.length === 0}
        empty={
          <Text size="sm" c="dimmed">
            {t.assets.noAlerts}
          </Text>
        }
      >
        {(data) => (
          <Table verticalSpacing={6} miw={480}>
            <Table.Tbody>
              {data.alerts.map((alert) => (
                <Table.Tr key={alert.id}>
                  <Table.Td w={110}>
                    <Thumbs referenceId={alert.referenceId} sha256={alert.outputSha256} size={44} />
                  </Table.Td>
                  <Table.Td>
                    <Anchor component={Link} href={`/alerts/${alert.id}`} size="sm" underline="always">
                      {t.sources(alert.source)}
                    </Anchor>{' '}
                    <When at={alert.openedAt} span size="xs" c="dimmed" />
                  </Table.Td>
                  <Table.Td className="numeric">{shownScore(alert.confidence)}</Table.Td>
                  <Table.Td>
                    <StateBadge state={alert.state} decision={alert.decision} />
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
