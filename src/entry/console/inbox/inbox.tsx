import {
  ActionIcon,
  Badge,
  Button,
  Code,
  Drawer,
  Group,
  Select,
  Text,
  TextInput,
  Title,
  Tooltip,
} from '@mantine/core';
import { useDebouncedCallback, useDisclosure } from '@mantine/hooks';
import { IconAdjustmentsHorizontal, IconMoodCheck, IconSearch, IconX } from '@tabler/icons-react';
import { useMemo, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { useDecideMany, useInbox, useStartQueue } from '../api/alerts.ts';
import { usePerson } from '../api/session.ts';
import { type AlertStatus, type Decision } from '../api/types.ts';
import { Answered, Empty } from '../parts/states.tsx';
import { DECISIONS, DecisionDialog } from '../review/decision-dialog.tsx';
import { useBulkOutcome } from '../review/use-outcome.tsx';
import { useKeys } from '../shell/use-keys.ts';
import { useText } from '../text/index.tsx';
import { useTakeBack } from '../workbench/use-take-back.ts';
import { Facets } from './facets.tsx';
import { useFilters } from './filters.ts';
import { SORTS, type Sort } from './query.ts';
import classes from './inbox.module.css';
import { AlertRows, type RowsHandle } from './rows.tsx';
import { Views } from './views.tsx';

const TABS: readonly (AlertStatus | 'all')[] = [
  'open',
  'in-review',
  'second-review',
  'escalated',
  'decided',
  'all',
];

export function Inbox() {
  const t = useText();
  const [, go] = useLocation();
  const { filters, text, change, clear } = useFilters();
  const inbox = useInbox(filters);
  const person = usePerson();
  const startQueue = useStartQueue(filters, inbox.data);
  const alerts = useMemo(() => inbox.data?.pages.flatMap((page) => page.alerts) ?? [], [inbox.data]);
  const first = inbox.data?.pages[0];
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [cursor, setCursor] = useState(0);
  const [deciding, setDeciding] = useState<Decision | undefined>();
  const [filtering, filterDrawer] = useDisclosure();
  const rows = useRef<RowsHandle>(null);
  const decideMany = useDecideMany();
  const tellOutcome = useBulkOutcome();

  const chosen = alerts.filter(({ id }) => selected.has(id));
  const mayDecide = person.may('reviewer');
  const at = Math.min(cursor, Math.max(0, alerts.length - 1));
  const move = (by: number) => {
    const next = Math.min(alerts.length - 1, Math.max(0, at + by));
    setCursor(next);
    rows.current?.show(next);
  };
  const open = (id: string) => {
    startQueue();
    go(`/alerts/${id}${text}`);
  };
  const toggle = (id: string) =>
    setSelected((before) => {
      const after = new Set(before);
      if (!after.delete(id)) after.add(id);
      return after;
    });
  const selectAll = () =>
    setSelected(selected.size === alerts.length ? new Set() : new Set(alerts.map(({ id }) => id)));
  const decide = (decision: Decision) => mayDecide && chosen.length > 0 && setDeciding(decision);

  const takeBack = useTakeBack();
  useKeys({
    j: () => move(1),
    ArrowDown: () => move(1),
    k: () => move(-1),
    ArrowUp: () => move(-1),
    Enter: () => alerts[at] !== undefined && open(alerts[at].id),
    x: () => alerts[at] !== undefined && toggle(alerts[at].id),
    'shift+a': selectAll,
    c: () =>
      alerts[at] !== undefined &&
      change({ clusterId: filters.clusterId === undefined ? alerts[at].clusterId : undefined }),
    Escape: () => setSelected(new Set()),
    '/': () => document.getElementById('inbox-search')?.focus(),
    u: takeBack,
    ...Object.fromEntries(DECISIONS.map(({ decision, key }) => [key, () => decide(decision)])),
  });

  const facets = first !== undefined && <Facets {...{ filters, change, clear }} counts={first.counts} />;
  return (
    <div className={classes.page}>
      <header className={classes.header}>
        <Group gap="sm" wrap="nowrap">
          <Title order={1} size="h3">
            {t.navigation.inbox}
          </Title>
          {first !== undefined && (
            <Badge variant="light" color="gray" size="lg" className="numeric" data-testid="total">
              {t.common.items(first.total)}
            </Badge>
          )}
        </Group>
        <Group gap="xs" className={classes.tools}>
          <Search value={filters.q ?? ''} onChange={(q) => change({ q: q === '' ? undefined : q })} />
          <Select
            size="sm"
            w={176}
            aria-label={t.inbox.sort}
            data={SORTS.map((value) => ({ value, label: t.inbox.sorts[value] }))}
            value={filters.sort ?? 'priority'}
            onChange={(sort) => change({ sort: sort === 'priority' ? undefined : (sort as Sort) })}
            allowDeselect={false}
          />
          <Views query={text.slice(1)} />
          <Tooltip label={t.inbox.filters}>
            <ActionIcon
              variant="default"
              size={36}
              hiddenFrom="lg"
              aria-label={t.inbox.filters}
              onClick={filterDrawer.open}
            >
              <IconAdjustmentsHorizontal size={18} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </Group>
      </header>
      <nav className={classes.tabs} aria-label={t.inbox.states}>
        {TABS.map((state) => (
          <button
            key={state}
            type="button"
            className={classes.tab}
            aria-current={(filters.state ?? 'open') === state ? 'true' : undefined}
            onClick={() => {
              setCursor(0);
              setSelected(new Set());
              change({ state: state === 'open' ? undefined : state });
            }}
          >
            {state === 'all' ? t.common.all : t.states[state]}
            {state !== 'all' && first !== undefined && (
              <span className={`${classes.tabCount} numeric`}>{first.counts['state']?.[state] ?? 0}</span>
            )}
          </button>
        ))}
      </nav>
      {filters.clusterId !== undefined && (
        <div className={classes.cluster}>
          <Text size="sm">{t.inbox.inCluster(first?.total ?? 0)}</Text>
          <Button size="compact-sm" variant="light" onClick={selectAll}>
            {t.inbox.selectAll}
          </Button>
          <Button
            size="compact-sm"
            variant="subtle"
            color="gray"
            leftSection={<IconX size={14} aria-hidden />}
            onClick={() => change({ clusterId: undefined })}
          >
            {t.inbox.leaveCluster}
          </Button>
        </div>
      )}
      {filters.rule !== undefined && (
        <div className={classes.cluster}>
          <Text size="sm">
            {t.rules.underRule} <Code>{filters.rule}</Code>
          </Text>
          <Button
            size="compact-sm"
            variant="subtle"
            color="gray"
            leftSection={<IconX size={14} aria-hidden />}
            onClick={() => change({ rule: undefined })}
          >
            {t.rules.leave}
          </Button>
        </div>
      )}
      <div className={classes.body}>
        <aside className={classes.facets} aria-label={t.inbox.filters}>
          {facets}
        </aside>
        <div className={classes.list}>
          <Answered
            by={inbox}
            isEmpty={() => alerts.length === 0}
            empty={
              <Empty
                icon={IconMoodCheck}
                title={text === '' ? t.inbox.empty : t.inbox.emptyFiltered}
                action={
                  text !== '' && (
                    <Button variant="light" onClick={clear}>
                      {t.inbox.clear}
                    </Button>
                  )
                }
              >
                {text === '' ? t.inbox.emptyNote : undefined}
              </Empty>
            }
          >
            {() => (
              <AlertRows
                ref={rows}
                alerts={alerts}
                cursor={at}
                selected={selected}
                onToggle={toggle}
                onOpen={open}
                onCluster={(clusterId) => change({ clusterId })}
                onEnd={() => inbox.hasNextPage && !inbox.isFetchingNextPage && void inbox.fetchNextPage()}
              />
            )}
          </Answered>
        </div>
      </div>
      {chosen.length > 0 && (
        <div className={classes.bulk} role="toolbar" aria-label={t.inbox.bulk}>
          <Text size="sm" fw={650} className="numeric">
            {t.inbox.selected(chosen.length)}
          </Text>
          {mayDecide &&
            DECISIONS.map(({ decision, key, colour }) => (
              <Button
                key={decision}
                size="compact-md"
                variant="light"
                color={colour}
                onClick={() => decide(decision)}
                rightSection={<kbd>{key}</kbd>}
              >
                {t.decisions[decision]}
              </Button>
            ))}
          <Button size="compact-md" variant="subtle" color="gray" onClick={() => setSelected(new Set())}>
            {t.common.cancel}
          </Button>
        </div>
      )}
      {deciding !== undefined && (
        <DecisionDialog
          decision={deciding}
          alerts={chosen}
          close={() => setDeciding(undefined)}
          decide={(reason, rule) => {
            setDeciding(undefined);
            decideMany.mutate(
              { alerts: chosen, decision: deciding, reason, rule },
              {
                onSuccess: (answer) => {
                  setSelected(new Set());
                  tellOutcome(deciding, answer);
                },
                onError: tellOutcome.failed,
              },
            );
          }}
        />
      )}
      <Drawer opened={filtering} onClose={filterDrawer.close} title={t.inbox.filters} position="right">
        {facets}
      </Drawer>
    </div>
  );
}

function Search({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const t = useText();
  const [typed, setTyped] = useState(value);
  const later = useDebouncedCallback(onChange, 250);
  return (
    <TextInput
      id="inbox-search"
      type="search"
      size="sm"
      w={200}
      placeholder={t.inbox.search}
      aria-label={t.inbox.search}
      leftSection={<IconSearch size={16} aria-hidden />}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        later(event.currentTarget.value.trim());
      }}
      onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
    />
  );
}
