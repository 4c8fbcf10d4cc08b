import { ActionIcon, Alert, Button, Group, Text, Title, Tooltip } from '@mantine/core';
import {
  IconArrowBackUp,
  IconArrowLeft,
  IconChevronLeft,
  IconChevronRight,
  IconUserPlus,
  IconUsers,
} from '@tabler/icons-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import {
  type Deciding,
  useAlert,
  useAssign,
  useIsDecided,
  useDecide,
  usePrefetchAlert,
  useQueue,
} from '../api/alerts.ts';
import { STAGE_PIXELS, outputImage, referenceImage } from '../api/pictures.ts';
import { usePerson } from '../api/session.ts';
import type { AlertDetail, Decision } from '../api/types.ts';
import { useFilters } from '../inbox/filters.ts';
import { DueText } from '../parts/due.tsx';
import { StateBadge, TierBadge } from '../parts/labels.tsx';
import { Failed, Loading } from '../parts/states.tsx';
import { DECISIONS, DecisionDialog } from '../review/decision-dialog.tsx';
import { useOutcome } from '../review/use-outcome.tsx';
import { useKeys } from '../shell/use-keys.ts';
import { useText } from '../text/index.tsx';
import { CaseButton } from './case-button.tsx';
import { Comparison } from './comparison.tsx';
import { Facts } from './facts.tsx';
import { useDecided } from './use-decided.ts';
import { useTakeBack } from './use-take-back.ts';
import classes from './workbench.module.css';

/** How many alerts are fetched ahead, with their pictures. */
const AHEAD = 3;
/** Decisions that need no reason: the pictures themselves are it. */
const WITHOUT_REASON: readonly Decision[] = ['not-similar'];

export function Workbench() {
  const t = useText();
  const { id } = useParams<{ id: string }>();
  const { filters, text } = useFilters();
  const alert = useAlert(id);
  const queue = useQueue(filters);
  const [, go] = useLocation();
  const ids = useMemo(
    () => queue.data?.pages.flatMap((page) => page.alerts.map((each) => each.id)) ?? [],
    [queue.data],
  );
  const at = ids.indexOf(id);
  const total = queue.data?.pages[0]?.total ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = queue;
  useEffect(() => {
    if (at >= 0 && at > ids.length - 10 && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [at, ids.length, hasNextPage, isFetchingNextPage, fetchNextPage]);
  const isDecided = useIsDecided();
  // Deciding one alert may have decided its near-copies further down: they need nobody any more.
  const waiting =
    at < 0 ? [] : ids.slice(at + 1).filter((each) => filters.state !== undefined || !isDecided(each));
  const next = waiting[0];
  usePrefetch(waiting.slice(0, AHEAD));

  const goTo = (target: string | undefined) => target !== undefined && go(`/alerts/${target}${text}`);
  const back = () => go(`/${text}`);
  const place = { at, total, next, back, forward: () => goTo(next), backward: () => goTo(ids[at - 1]) };
  const takeBack = useTakeBack();
  useKeys({
    j: place.forward,
    ArrowRight: place.forward,
    k: place.backward,
    ArrowLeft: place.backward,
    Escape: back,
    // Here, not at the bench: the next alert may still be on its way.
    u: takeBack,
  });

  if (alert.isPending) return <Loading />;
  if (alert.isError) {
    return (
      <>
        <Button m="md" variant="subtle" onClick={back}>
          {t.common.back}
        </Button>
        <Failed error={alert.error} retry={() => void alert.refetch()} />
      </>
    );
  }
  return <Bench key={id} alert={alert.data} place={place} takeBack={takeBack} />;
}

interface Place {
  readonly at: number;
  readonly total: number;
  readonly next: string | undefined;
  readonly back: () => void;
  readonly forward: () => void;
  readonly backward: () => void;
}

function Bench({ alert, place, takeBack }: { alert: AlertDetail; place: Place; takeBack: () => void }) {
  const t = useText();
  const person = usePerson();
  const decide = useDecide();
  const assign = useAssign();
  const outcome = useOutcome();
  const decided = useDecided();
  const [asking, setAsking] = useState<Decision | undefined>();
  const isOwnSecond = alert.state === 'second-review' && alert.decidedBy === person.name;
  const mayDecide = person.may('reviewer') && !isOwnSecond;

  const send = (decision: Decision, reason: string, rule: string | undefined) => {
    setAsking(undefined);
    const deciding: Deciding = { id: alert.id, decision, reason, rule, expectedSeq: alert.lastSeq };
    const done = decide.mutateAsync(deciding).then(
      (after) => {
        if (alert.state === 'second-review' && decision !== 'escalate' && after.state === 'escalated')
          outcome.differs(after, decision);
        return after.lastSeq;
      },
      (error: unknown) => {
        decided.drop(alert.id);
        outcome.failed(error, alert);
        return undefined;
      },
    );
    decided.push({ id: alert.id, title: alert.title, done });
    outcome.decided(alert.title, decision, takeBack);
    if (place.next === undefined) place.back();
    else place.forward();
  };
  const choose = (decision: Decision) => {
    if (!mayDecide) return;
    if (WITHOUT_REASON.includes(decision)) send(decision, '', undefined);
    else setAsking(decision);
  };
  const take = () => {
    if (!mayDecide) return;
    assign.mutate(
      {
        id: alert.id,
        assignee: alert.assignee === person.name ? null : person.name,
        expectedSeq: alert.lastSeq,
      },
      { onError: (error) => outcome.failed(error, alert) },
    );
  };
  useKeys({
    ...Object.fromEntries(DECISIONS.map(({ decision, key }) => [key, () => choose(decision)])),
    a: take,
  });

  const { match } = alert;
  const work = {
    src: workImage(alert),
    alt: t.workbench.workAlt(alert.title),
    width: alert.reference?.width ?? alert.output.width,
    height: alert.reference?.height ?? alert.output.height,
  };
  const output = {
    src: outputImageOf(alert),
    alt: t.workbench.output,
    width: alert.output.width,
    height: alert.output.height,
  };
  return (
    <div className={classes.bench} data-testid="workbench" data-alert={alert.id}>
      <header className={classes.header}>
        <Group gap="xs" wrap="nowrap" miw={0}>
          <Tooltip label={`${t.navigation.inbox} (Esc)`}>
            <ActionIcon variant="subtle" color="gray" aria-label={t.navigation.inbox} onClick={place.back}>
              <IconArrowLeft size={20} aria-hidden />
            </ActionIcon>
          </Tooltip>
          <Title order={1} size="h4" className={classes.title ?? ''}>
            <Link href={`/assets/${alert.assetId}`}>{alert.title}</Link>
          </Title>
          <TierBadge tier={alert.tier} />
          <StateBadge state={alert.state} decision={alert.decision} />
          <span className={classes.dueBox}>
            <DueText at={alert.dueAt} over={alert.state === 'decided'} />
          </span>
        </Group>
        <Group gap={6} wrap="nowrap">
          {alert.decision === 'confirm' && alert.state === 'decided' && <CaseButton alertId={alert.id} />}
          <Button
            size="compact-sm"
            variant="subtle"
            color="gray"
            leftSection={<IconUserPlus size={16} aria-hidden />}
            onClick={take}
            disabled={!mayDecide}
          >
            {alert.assignee === null
              ? t.review.take
              : alert.assignee === person.name
                ? t.review.release
                : alert.assignee}
          </Button>
          {place.at >= 0 && (
            <Text size="sm" c="dimmed" className="numeric" data-testid="position">
              {place.at + 1} / {place.total}
            </Text>
          )}
          <ActionIcon
            variant="default"
            aria-label={t.review.previous}
            onClick={place.backward}
            disabled={place.at <= 0}
          >
            <IconChevronLeft size={18} aria-hidden />
          </ActionIcon>
          <ActionIcon
            variant="default"
            aria-label={t.review.next}
            onClick={place.forward}
            disabled={place.next === undefined}
          >
            <IconChevronRight size={18} aria-hidden />
          </ActionIcon>
        </Group>
      </header>
      <div className={classes.stage}>
        <Comparison
          work={work}
          output={output}
          quad={match?.verification?.quad ?? null}
          correspondences={match?.verification?.correspondences ?? NONE}
          negative={match?.transformations.includes('inverted') ?? false}
        />
      </div>
      <Facts alert={alert} className={classes.facts ?? ''}>
        {alert.state === 'second-review' && <SecondReview own={isOwnSecond} />}
      </Facts>
      <footer className={classes.decisions} role="toolbar" aria-label={t.review.decide}>
        {DECISIONS.map(({ decision, key, colour }) => (
          <Tooltip key={decision} label={t.decisionNotes[decision]}>
            <Button
              variant={decision === 'confirm' ? 'filled' : 'light'}
              color={colour}
              px="sm"
              onClick={() => choose(decision)}
              disabled={!mayDecide}
              rightSection={<kbd>{key}</kbd>}
            >
              {t.decisions[decision]}
            </Button>
          </Tooltip>
        ))}
        <Tooltip label={`${t.review.undo} (U)`}>
          <ActionIcon
            variant="default"
            size={36}
            aria-label={t.review.undo}
            onClick={takeBack}
            disabled={decided.size === 0}
          >
            <IconArrowBackUp size={18} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </footer>
      {asking !== undefined && (
        <DecisionDialog
          decision={asking}
          alerts={[alert]}
          close={() => setAsking(undefined)}
          decide={(reason, rule) => send(asking, reason, rule)}
        />
      )}
    </div>
  );
}

/** That two people review this alert, neither knowing what the other says. */
function SecondReview({ own }: { own: boolean }) {
  const t = useText().review;
  return (
    <Alert
      variant="light"
      color="yellow"
      m="sm"
      // All of it, however much stands below it.
      style={{ flexShrink: 0 }}
      icon={<IconUsers aria-hidden />}
      title={own ? t.secondOwn : t.second}
      data-testid="second-review"
    >
      {own ? t.secondOwnNote : t.secondNote}
    </Alert>
  );
}

/** The same each time, so that nothing is drawn anew. */
const NONE = [] as const;

const workImage = ({ referenceId, match }: AlertDetail) =>
  referenceImage(referenceId ?? match?.referenceId ?? '', STAGE_PIXELS);
const outputImageOf = ({ outputSha256 }: AlertDetail) => outputImage(outputSha256, STAGE_PIXELS);

/** Fetches alerts and their pictures before they are asked for, and holds the decoded pictures. */
function usePrefetch(ids: readonly string[]): void {
  const fetchAhead = usePrefetchAlert();
  const held = useRef(new Map<string, HTMLImageElement[]>());
  const list = ids.join(' ');
  useEffect(() => {
    const wanted = list.split(' ').filter(Boolean);
    for (const id of held.current.keys()) if (!wanted.includes(id)) held.current.delete(id);
    for (const id of wanted) {
      void fetchAhead(id).then((alert) => {
        if (alert === undefined || held.current.has(id)) return;
        held.current.set(
          id,
          [workImage(alert), outputImageOf(alert)].map((src) => {
            const image = new Image();
            image.src = src;
            // A picture that cannot be shown says so on the stage.
            image.decode().catch(() => {});
            return image;
          }),
        );
      });
    }
  }, [list, fetchAhead]);
}
