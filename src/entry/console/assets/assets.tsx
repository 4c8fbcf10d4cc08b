import { Badge, Button, FileButton, Group, SegmentedControl, Text, TextInput, Tooltip } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconPhotoSearch, IconPhotoX, IconSearch, IconX } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import { api } from '../api/client.ts';
import { referenceImage } from '../api/pictures.ts';
import type { AssetSummary, ResemblingAsset, Tier } from '../api/types.ts';
import { TierBadge, shownScore } from '../parts/labels.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Failed, Loading } from '../parts/states.tsx';
import { useText } from '../text/index.tsx';
import classes from './assets.module.css';

const TIERS: readonly (Tier | 'all')[] = ['all', 'high', 'standard'];
/** The catalogue: looked through by title, alias or character, or by a picture. */
export default function Assets() {
  const t = useText();
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed.trim(), 250);
  const [tier, setTier] = useState<Tier | 'all'>('all');
  const [picture, setPicture] = useState<File | null>(null);
  return (
    <Page
      title={t.navigation.assets}
      actions={
        <>
          <TextInput
            type="search"
            w={240}
            placeholder={t.assets.search}
            aria-label={t.assets.search}
            leftSection={<IconSearch size={16} aria-hidden />}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <SegmentedControl
            aria-label={t.inbox.facets.tier}
            value={tier}
            onChange={(value) => setTier(value as Tier | 'all')}
            data={TIERS.map((value) => ({ value, label: value === 'all' ? t.common.all : t.tiers[value] }))}
          />
          <FileButton accept="image/*" onChange={setPicture}>
            {(props) => (
              <Button variant="default" leftSection={<IconPhotoSearch size={18} aria-hidden />} {...props}>
                {t.assets.byPicture}
              </Button>
            )}
          </FileButton>
        </>
      }
    >
      {picture === null ? (
        <Catalogue q={q} tier={tier === 'all' ? undefined : tier} />
      ) : (
        <>
          <Group>
            <Text size="sm">{t.assets.like(picture.name)}</Text>
            <Button
              size="compact-sm"
              variant="subtle"
              color="gray"
              leftSection={<IconX size={14} aria-hidden />}
              onClick={() => setPicture(null)}
            >
              {t.assets.leavePicture}
            </Button>
          </Group>
          <Resembling picture={picture} />
        </>
      )}
    </Page>
  );
}

function Catalogue({ q, tier }: { q: string; tier: Tier | undefined }) {
  const t = useText();
  const assets = useInfiniteQuery({
    queryKey: ['assets', q, tier],
    queryFn: ({ pageParam, signal }) =>
      api<{ assets: AssetSummary[]; next: string | null }>('/assets', {
        query: { q, tier, limit: 60, after: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: (before) => before,
  });
  if (assets.isPending) return <Loading />;
  if (assets.isError) return <Failed error={assets.error} retry={() => void assets.refetch()} />;
  const list = assets.data.pages.flatMap((page) => page.assets);
  if (list.length === 0) {
    return (
      <Empty icon={IconPhotoX} title={q === '' ? t.assets.empty : t.assets.notFound}>
        {q === '' ? t.assets.emptyNote : undefined}
      </Empty>
    );
  }
  return (
    <>
      <ul className={classes.grid}>
        {list.map((asset) => (
          <Tile
            key={asset.id}
            id={asset.id}
            title={asset.title}
            cover={asset.firstReferenceId}
            note={asset.series}
          >
            <Group gap={6}>
              <TierBadge tier={asset.tier} />
              <Text size="xs" c="dimmed">
                {t.assets.references(asset.references)}
              </Text>
              {!asset.enabled && (
                <Badge color="gray" variant="light" tt="none">
                  {t.assets.disabled}
                </Badge>
              )}
            </Group>
          </Tile>
        ))}
      </ul>
      {assets.hasNextPage && (
        <Button
          variant="default"
          loading={assets.isFetchingNextPage}
          onClick={() => void assets.fetchNextPage()}
        >
          {t.common.more}
        </Button>
      )}
    </>
  );
}

function Resembling({ picture }: { picture: File }) {
  const t = useText();
  const found = useQuery({
    queryKey: ['assets-like', picture.name, picture.size, picture.lastModified],
    queryFn: ({ signal }) => {
      const body = new FormData();
      body.append('file', picture);
      return api<{ assets: ResemblingAsset[] }>('/assets/search', { body, signal });
    },
  });
  if (found.isPending) return <Loading />;
  if (found.isError) return <Failed error={found.error} />;
  if (found.data.assets.length === 0) return <Empty icon={IconPhotoX} title={t.check.nothing} />;
  return (
    <ul className={classes.grid}>
      {found.data.assets.map(({ id, title, series, match }) => (
        <Tile key={id} id={id} title={title} cover={match.referenceId} note={series}>
          <Text size="sm">
            {t.score} <b className="numeric">{shownScore(match.confidence)}</b>
          </Text>
        </Tile>
      ))}
    </ul>
  );
}

interface TileProps {
  readonly id: string;
  readonly title: string;
  readonly cover: string | null;
  readonly note: string | null;
  readonly children: ReactNode;
}

function Tile({ id, title, cover, note, children }: TileProps) {
  return (
    <li>
      <Link href={`/assets/${encodeURIComponent(id)}`} className={classes.tile}>
        <span className={classes.cover}>
          {cover !== null && <img src={referenceImage(cover, 384)} alt="" loading="lazy" decoding="async" />}
        </span>
        <Tooltip label={title} openDelay={500}>
          <span className={classes.title}>{title}</span>
        </Tooltip>
        {note !== null && (
          <Text size="xs" c="dimmed" truncate component="span">
            {note}
          </Text>
        )}
        {children}
      </Link>
    </li>
  );
}
