import { Anchor, Badge, Button, Group, List, Stack, Text, Textarea } from '@mantine/core';
import { IconMapPin } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import { useNote } from '../api/alerts.ts';
import { usePerson } from '../api/session.ts';
import type { AlertDetail, AlertEvent } from '../api/types.ts';
import { Failed } from '../parts/states.tsx';
import { shownScore } from '../parts/labels.tsx';
import { When } from '../parts/when.tsx';
import { useLocale, useText } from '../text/index.tsx';
import classes from './facts.module.css';
import { Findings } from './findings.tsx';
import { Provenance } from './provenance.tsx';

/** Everything that is known of an alert beside its pictures. */
export function Facts({
  alert,
  className,
  children,
}: {
  alert: AlertDetail;
  className: string;
  /** Said before everything else. */
  children?: ReactNode;
}) {
  const { language, t } = useLocale();
  return (
    <aside className={`${classes.facts} ${className}`} aria-label={t.workbench.facts}>
      {children}
      <Section title={t.workbench.why}>
        {alert.match === null ? (
          <Text size="sm">{t.workbench.noMatch}</Text>
        ) : (
          <Findings match={alert.match} />
        )}
      </Section>
      {alert.provenance !== null && (
        <Section title={t.workbench.provenance}>
          <Provenance provenance={alert.provenance} />
        </Section>
      )}
      {alert.facts.length > 0 && (
        <Section title={t.workbench.reliance}>
          <List size="sm" spacing={4}>
            {alert.facts.map(({ fact, values, sentence }, at) => (
              <List.Item key={at}>
                {fact === 'named-in-prompt'
                  ? t.check.named(values['term'] ?? '', t.wheres(values['where'] ?? ''))
                  : sentence[language]}
              </List.Item>
            ))}
          </List>
          <Text size="xs" c="dimmed" mt={6}>
            {t.workbench.relianceNote}
          </Text>
        </Section>
      )}
      {alert.rules.length > 0 && (
        <Section title={t.workbench.rules}>
          <Stack gap={8}>
            {alert.rules.map((rule) => (
              <div key={rule.id}>
                <Group gap={8}>
                  <Badge variant="light" color={rule.coverage.applies > 0 ? 'teal' : 'gray'} tt="none">
                    {t.decisions[rule.decision]}
                  </Badge>
                  <Text size="sm">{rule.name}</Text>
                </Group>
                <Text size="xs" c="dimmed">
                  {t.workbench.coverage(rule.coverage)}
                </Text>
              </div>
            ))}
          </Stack>
        </Section>
      )}
      <Section title={t.workbench.sightings(alert.seenAt.length)}>
        <Stack gap="xs">
          {alert.seenAt.slice(0, 20).map((sighting) => (
            <Group key={sighting.sightingId} gap={8} wrap="nowrap" align="flex-start">
              <IconMapPin size={15} aria-hidden style={{ flexShrink: 0, marginTop: 3 }} />
              <div>
                <Place sighting={sighting} />
                <Text size="xs" c="dimmed">
                  {[
                    sighting.account,
                    (t.acquisitions as Readonly<Record<string, string>>)[sighting.acquisition],
                  ]
                    .filter(Boolean)
                    .join(' · ')}{' '}
                  <When at={sighting.seenAt} span size="xs" c="dimmed" full />
                </Text>
              </div>
            </Group>
          ))}
        </Stack>
      </Section>
      {alert.precedents.length > 0 && (
        <Section title={t.workbench.precedents}>
          <Stack gap={6}>
            {alert.precedents.map((precedent) => (
              <Group key={precedent.alertId} gap={8} justify="space-between" wrap="nowrap">
                <Anchor component={Link} href={`/alerts/${precedent.alertId}`} size="sm">
                  {t.workbench.precedent(precedent.decidedBy, precedent.distance)}
                </Anchor>
                <Badge variant="default" tt="none">
                  {t.decisions[precedent.decision]}
                </Badge>
              </Group>
            ))}
          </Stack>
        </Section>
      )}
      {alert.siblings.length > 0 && (
        <Section title={t.workbench.siblings}>
          <Stack gap={6}>
            {alert.siblings.map((other) => (
              <Group key={other.id} gap={8} justify="space-between" wrap="nowrap">
                <Anchor component={Link} href={`/alerts/${other.id}`} size="sm">
                  {other.title} · {shownScore(other.confidence)}
                </Anchor>
                <Badge variant="default" tt="none">
                  {other.decision === null ? t.states[other.state] : t.decisions[other.decision]}
                </Badge>
              </Group>
            ))}
          </Stack>
        </Section>
      )}
      <Section title={t.workbench.timeline}>
        <ol className={classes.events}>
          {alert.events.toReversed().map(({ seq, at, actor, event }) => (
            <li key={seq} className={classes.event}>
              <Text size="sm">
                <Text span fw={600} size="sm">
                  {actor === '' ? t.review.someone : actor}
                </Text>{' '}
                <Happened event={event} />
              </Text>
              <When at={at} size="xs" c="dimmed" full />
            </li>
          ))}
        </ol>
        <Note alert={alert} />
      </Section>
    </aside>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={classes.section}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Place({ sighting }: { sighting: AlertDetail['seenAt'][number] }) {
  const t = useText();
  const url = sighting.pageUrl ?? sighting.imageUrl;
  // Only what can be no script: the address came from elsewhere.
  if (url === null || !/^https?:/.test(url)) return <Text size="sm">{t.workbench.handedIn}</Text>;
  return (
    <Anchor href={url} target="_blank" rel="noreferrer noopener" size="sm" className={classes.link ?? ''}>
      {url}
    </Anchor>
  );
}

function Happened({ event }: { event: AlertEvent }) {
  const { t } = useLocale();
  if (event.veiled === true) return t.review.veiled;
  const words = t.events as Readonly<Record<string, string>>;
  const detail = [
    event.decision === undefined ? undefined : t.decisions[event.decision],
    event.assignee ?? undefined,
    event.rule?.name,
    event.reason ?? undefined,
    event.text,
  ].filter((each) => each !== undefined);
  return (
    <>
      {words[event.type] ?? event.type}
      {detail.length > 0 && `: ${detail.join(' – ')}`}
    </>
  );
}

function Note({ alert }: { alert: AlertDetail }) {
  const t = useText();
  const person = usePerson();
  const note = useNote();
  const [text, setText] = useState('');
  if (!person.may('reviewer')) return null;
  return (
    <Stack gap={6} mt="sm">
      <Textarea
        size="xs"
        autosize
        aria-label={t.workbench.note}
        placeholder={t.workbench.note}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {text.trim() !== '' && (
        <Button
          size="compact-sm"
          variant="light"
          loading={note.isPending}
          onClick={() =>
            note.mutate(
              { id: alert.id, text: text.trim(), expectedSeq: alert.lastSeq },
              { onSuccess: () => setText('') },
            )
          }
        >
          {t.workbench.addNote}
        </Button>
      )}
      {note.isError && <Failed error={note.error} />}
    </Stack>
  );
}
