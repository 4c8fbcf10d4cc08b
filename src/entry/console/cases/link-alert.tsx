import { Badge, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconBriefcaseOff } from '@tabler/icons-react';
import { useCaseEvent, useCaseSuggestions } from '../api/cases.ts';
import { outputImage } from '../api/pictures.ts';
import type { CaseDetail, SuggestedAlert } from '../api/types.ts';
import { Thumb } from '../parts/labels.tsx';
import { Answered, Empty, useErrorText } from '../parts/states.tsx';
import { useText } from '../text/index.tsx';
import facts from '../workbench/facts.module.css';

/** Takes more confirmed alerts into a case: those of its works first. */
export function LinkAlert({ to, close }: { to: CaseDetail; close: () => void }) {
  const t = useText();
  const explain = useErrorText();
  const found = useCaseSuggestions();
  const link = useCaseEvent(to);
  const works = new Set(to.works.map(({ assetId }) => assetId));
  const fits = ({ assetId }: SuggestedAlert) => works.has(assetId);
  const alerts = (found.data?.suggestions ?? []).flatMap((group) => group.alerts);
  const sorted = [...alerts.filter(fits), ...alerts.filter((each) => !fits(each))];
  return (
    <Modal
      opened
      onClose={close}
      title={t.cases.addAlert}
      closeButtonProps={{ 'aria-label': t.common.close }}
    >
      <Answered
        by={found}
        isEmpty={() => sorted.length === 0}
        empty={
          <Empty icon={IconBriefcaseOff} title={t.cases.noneToAdd}>
            {t.cases.noneToAddNote}
          </Empty>
        }
      >
        {() => (
          <Stack gap="sm">
            {sorted.map((alert) => (
              <Group key={alert.alertId} wrap="nowrap" gap="sm">
                <Thumb src={outputImage(alert.outputSha256, 256)} alt={t.workbench.output} size={56} />
                <Stack gap={2} flex={1} miw={0}>
                  <Group gap={6}>
                    <Text size="sm" fw={600}>
                      {alert.title}
                    </Text>
                    {fits(alert) && (
                      <Badge size="sm" variant="light" tt="none">
                        {t.cases.sameWork}
                      </Badge>
                    )}
                  </Group>
                  <Text size="xs" className={facts.link ?? ''}>
                    {alert.pageUrl ?? t.workbench.handedIn}
                  </Text>
                </Stack>
                <Button
                  size="xs"
                  variant="light"
                  aria-label={`${t.cases.add} ${alert.title}`}
                  loading={link.isPending && link.variables['alertId'] === alert.alertId}
                  disabled={link.isPending}
                  onClick={() =>
                    link.mutate(
                      { type: 'link', alertId: alert.alertId },
                      {
                        onError: (error) => {
                          const { title, detail } = explain(error);
                          notifications.show({ color: 'red', title, message: detail });
                        },
                      },
                    )
                  }
                >
                  {t.cases.add}
                </Button>
              </Group>
            ))}
          </Stack>
        )}
      </Answered>
    </Modal>
  );
}
