import { Anchor, Badge, Button, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconEyeOff } from '@tabler/icons-react';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { api } from '../api/client.ts';
import { outputImage } from '../api/pictures.ts';
import { usePerson } from '../api/session.ts';
import type { WatchEntry, WatchState } from '../api/types.ts';
import { Thumb } from '../parts/labels.tsx';
import { Page } from '../parts/page.tsx';
import { Answered, Empty, useErrorText } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { useText } from '../text/index.tsx';
import { CaseButton } from '../workbench/case-button.tsx';
import classes from './watch.module.css';

const STATES: readonly WatchState[] = ['open', 'promoted', 'dismissed'];

/** Outputs that name a work which they do not resemble: nothing is claimed of them. */
export default function Watch() {
  const t = useText();
  const [state, setState] = useState<WatchState>('open');
  const watch = useInfiniteQuery({
    queryKey: ['watch', state],
    queryFn: ({ pageParam, signal }) =>
      api<{ watch: WatchEntry[]; total: number; next: string | null }>('/watch', {
        query: { state, limit: 50, after: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const entries = watch.data?.pages.flatMap((page) => page.watch) ?? [];
  return (
    <Page
      title={t.navigation.watch}
      actions={
        <SegmentedControl
          value={state}
          onChange={(value) => setState(value as WatchState)}
          data={STATES.map((value) => ({ value, label: t.watch.states[value] }))}
          aria-label={t.inbox.states}
        />
      }
    >
      <Text size="sm" c="dimmed">
        {t.watch.lead}
      </Text>
      <Answered
        by={watch}
        isEmpty={() => entries.length === 0}
        empty={
          <Empty icon={IconEyeOff} title={t.watch.empty}>
            {t.watch.emptyNote}
          </Empty>
        }
      >
        {() => (
          <ul className={classes.list}>
            {entries.map((entry) => (
              <Entry key={entry.id} entry={entry} />
            ))}
          </ul>
        )}
      </Answered>
      {watch.hasNextPage && (
        <Button
          variant="default"
          loading={watch.isFetchingNextPage}
          onClick={() => void watch.fetchNextPage()}
        >
          {t.common.more}
        </Button>
      )}
    </Page>
  );
}

function Entry({ entry }: { entry: WatchEntry }) {
  const t = useText();
  const person = usePerson();
  const client = useQueryClient();
  const explain = useErrorText();
  const act = useMutation({
    mutationFn: (type: 'dismiss' | 'promote' | 'reopen') =>
      api(`/watch/${entry.id}/events`, {
        body: { type, reason: t.watch.reasons[type], expectedSeq: entry.lastSeq },
      }),
    onError: (error) => {
      const { title, detail } = explain(error);
      notifications.show({ color: 'red', title, message: detail });
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['watch'] }),
  });
  return (
    <li className={classes.entry}>
      <Thumb src={outputImage(entry.outputSha256, 256)} alt={t.workbench.output} size={88} />
      <Stack gap={4} flex={1} miw={0}>
        <Anchor component={Link} href={`/assets/${entry.assetId}`} fw={600} c="inherit">
          {entry.title}
        </Anchor>
        <Group gap={6}>
          {entry.terms.map(({ term, where }, at) => (
            <Badge key={at} variant="light" color="yellow" tt="none">
              {term} · {t.wheres(where)}
            </Badge>
          ))}
        </Group>
        <Text size="xs" c="dimmed" truncate>
          {[entry.account, entry.pageUrl].filter(Boolean).join(' · ')}{' '}
          <When at={entry.openedAt} span size="xs" c="dimmed" />
        </Text>
      </Stack>
      {person.may('reviewer') && (
        <Group gap="xs">
          {entry.state === 'promoted' && <CaseButton alertId={entry.id} />}
          {entry.state === 'open' ? (
            <>
              <Button size="xs" variant="light" loading={act.isPending} onClick={() => act.mutate('promote')}>
                {t.watch.promote}
              </Button>
              <Button
                size="xs"
                variant="subtle"
                color="gray"
                loading={act.isPending}
                onClick={() => act.mutate('dismiss')}
              >
                {t.watch.dismiss}
              </Button>
            </>
          ) : (
            <Button size="xs" variant="subtle" color="gray" onClick={() => act.mutate('reopen')}>
              {t.watch.reopen}
            </Button>
          )}
        </Group>
      )}
    </li>
  );
}
