import { Button, Checkbox, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconBriefcase } from '@tabler/icons-react';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { useCaseSuggestions, useOpenCase } from '../api/cases.ts';
import { outputImage } from '../api/pictures.ts';
import { usePerson } from '../api/session.ts';
import type { CaseSuggestion } from '../api/types.ts';
import { Thumb } from '../parts/labels.tsx';
import { Card } from '../parts/page.tsx';
import { Failed, useErrorText } from '../parts/states.tsx';
import { useText } from '../text/index.tsx';
import classes from './cases.module.css';

/** Confirmed alerts that wait for a case, in the groups that could make one each. */
export function Suggestions() {
  const t = useText();
  const found = useCaseSuggestions();
  if (found.isError) return <Failed error={found.error} retry={() => void found.refetch()} />;
  const groups = found.data?.suggestions ?? [];
  if (groups.length === 0) return null;
  return (
    <Card title={t.cases.suggestions}>
      <Text size="sm" c="dimmed">
        {t.cases.suggestionsNote}
      </Text>
      <ul className={classes.suggestions}>
        {groups.map((group) => (
          <Suggested key={group.alerts[0]!.alertId} of={group} />
        ))}
      </ul>
    </Card>
  );
}

function Suggested({ of: { alerts, works, accounts } }: { of: CaseSuggestion }) {
  const t = useText();
  const person = usePerson();
  const explain = useErrorText();
  const [, go] = useLocation();
  const open = useOpenCase();
  const [left, leave] = useState<readonly string[]>([]);
  const taken = alerts.map(({ alertId }) => alertId).filter((id) => !left.includes(id));
  const toggle = (id: string) =>
    leave((before) => (before.includes(id) ? before.filter((each) => each !== id) : [...before, id]));
  return (
    <li className={classes.suggestion}>
      <Group wrap="nowrap" align="center">
        <div className={classes.works}>
          <Text size="sm" fw={600}>
            {works.map(({ title }) => title).join(t.cases.and)}
          </Text>
          {accounts.length > 0 && (
            <Text size="xs" c="dimmed">
              {accounts.join(t.cases.and)}
            </Text>
          )}
        </div>
        <div className={classes.choices}>
          {alerts.map(({ alertId, title, outputSha256, pageUrl }) => (
            <Checkbox
              key={alertId}
              checked={!left.includes(alertId)}
              onChange={() => toggle(alertId)}
              aria-label={t.inbox.select([title, pageUrl].filter(Boolean).join(' '))}
              label={<Thumb src={outputImage(outputSha256, 256)} alt={t.workbench.output} size={48} />}
            />
          ))}
        </div>
        <Button
          size="xs"
          color="shu"
          style={{ flexShrink: 0 }}
          leftSection={<IconBriefcase size={16} aria-hidden />}
          disabled={taken.length === 0 || !person.may('reviewer')}
          loading={open.isPending}
          onClick={() =>
            // Not by callbacks of `mutate`: the list may hear of the new case first, and this group be gone by then.
            void open.mutateAsync(taken).then(
              ({ id }) => go(`/cases/${id}`),
              (error: unknown) => {
                const { title, detail } = explain(error);
                notifications.show({ color: 'red', title, message: detail });
              },
            )
          }
        >
          {t.cases.openWith(taken.length)}
        </Button>
      </Group>
    </li>
  );
}
