import { Anchor, Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMemo } from 'react';
import { Link } from 'wouter';
import type { BulkAnswer } from '../api/alerts.ts';
import { ApiError } from '../api/client.ts';
import type { AlertDetail, Decision } from '../api/types.ts';
import { useErrorText } from '../parts/states.tsx';
import { useText } from '../text/index.tsx';

/** Tells what became of a decision, with the way back; or that somebody else was first. */
export function useOutcome() {
  const t = useText();
  const explain = useErrorText();
  return useMemo(
    () => ({
      decided: (title: string, decision: Decision, undo: () => void) => {
        const id = notifications.show({
          color: 'teal',
          autoClose: 6000,
          withCloseButton: false,
          message: (
            <Group justify="space-between" wrap="nowrap">
              <Text size="sm" lineClamp={2}>
                {t.review.decided(title, t.decisions[decision])}
              </Text>
              <Button
                size="compact-sm"
                variant="light"
                onClick={() => {
                  notifications.hide(id);
                  undo();
                }}
                rightSection={<kbd>U</kbd>}
              >
                {t.review.undo}
              </Button>
            </Group>
          ),
        });
      },
      /** The first of two reviewers had said something else. */
      differs: (alert: AlertDetail, decision: Decision) => {
        const first = alert.events.findLast(
          ({ event }) => event.type === 'decided' && event.state === 'second-review',
        );
        notifications.show({
          color: 'orange',
          autoClose: false,
          title: t.review.differs(alert.title),
          closeButtonProps: { 'aria-label': t.common.close },
          message: (
            <>
              {first?.event.decision !== undefined && (
                <Text size="sm">
                  {t.review.differsNote(t.decisions[first.event.decision], t.decisions[decision])}
                </Text>
              )}
              <Anchor component={Link} href={`/alerts/${alert.id}`} size="sm">
                {t.review.openAlert}
              </Anchor>
            </>
          ),
        });
      },
      undone: (title: string) =>
        notifications.show({ color: 'gray', message: t.review.undone(title), withCloseButton: false }),
      failed: (error: unknown, alert: { id: string; title: string }) => {
        const conflict = error instanceof ApiError && error.code === 'conflict';
        const { title, detail } = explain(error);
        notifications.show({
          color: conflict ? 'orange' : 'red',
          autoClose: false,
          title: conflict ? t.review.conflict(alert.title) : title,
          closeButtonProps: { 'aria-label': t.common.close },
          message: (
            <>
              <Text size="sm">{conflict ? t.review.conflictNote : detail}</Text>
              <Anchor component={Link} href={`/alerts/${alert.id}`} size="sm">
                {t.review.openAlert}
              </Anchor>
            </>
          ),
        });
      },
    }),
    [explain, t],
  );
}

/** The same for many at once. */
export function useBulkOutcome() {
  const t = useText();
  const explain = useErrorText();
  return useMemo(() => {
    const tell = (decision: Decision, { done, refused }: BulkAnswer) =>
      notifications.show({
        color: refused.length === 0 ? 'teal' : 'orange',
        autoClose: refused.length === 0 ? 6000 : false,
        closeButtonProps: { 'aria-label': t.common.close },
        title: t.review.decidedMany(done.length, t.decisions[decision]),
        message: refused.length === 0 ? null : t.review.notDecided(refused.length),
      });
    tell.failed = (error: unknown) => {
      const { title, detail } = explain(error);
      notifications.show({ color: 'red', autoClose: false, title, message: detail });
    };
    return tell;
  }, [explain, t]);
}
