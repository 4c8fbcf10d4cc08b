import {
  Anchor,
  Badge,
  Button,
  Group,
  Modal,
  Select,
  Stack,
  Text,
  TextInput,
  Textarea,
  Tooltip,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconArrowLeft, IconFileZip, IconPlus } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Link, useParams } from 'wouter';
import { useCase, useCaseEvent } from '../api/cases.ts';
import { download } from '../api/client.ts';
import { outputImage } from '../api/pictures.ts';
import { usePerson } from '../api/session.ts';
import type { CaseDetail } from '../api/types.ts';
import { DueText } from '../parts/due.tsx';
import { Thumb } from '../parts/labels.tsx';
import { Card, Page } from '../parts/page.tsx';
import { Failed, Loading, useErrorText } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { useLocale, useText } from '../text/index.tsx';
import facts from '../workbench/facts.module.css';
import { nextActionText } from './cases.tsx';
import classes from './cases.module.css';
import { LinkAlert } from './link-alert.tsx';
import { Notice } from './notice.tsx';
import { ParticularsForm } from './particulars.tsx';

/** One case: where it stands, its notice, what to do next, and everything that happened. */
export default function Case() {
  const { id } = useParams<{ id: string }>();
  const found = useCase(id);
  if (found.isPending) return <Loading />;
  if (found.isError) return <Failed error={found.error} retry={() => void found.refetch()} />;
  return <Shown of={found.data} />;
}

function Shown({ of }: { of: CaseDetail }) {
  const { language, t } = useLocale();
  return (
    <Page
      title={of.title}
      actions={
        <>
          <EvidenceButton id={of.id} />
          <Button
            component={Link}
            href="/cases"
            variant="subtle"
            color="gray"
            leftSection={<IconArrowLeft size={16} aria-hidden />}
          >
            {t.navigation.cases}
          </Button>
        </>
      }
    >
      <ol className={classes.ladder} aria-label={t.cases.ladder}>
        {of.ladder.rungs.map((rung) => (
          <li key={rung.id} className={classes.rung} aria-current={rung.id === of.rung ? 'step' : undefined}>
            {rung.label[language]}
          </li>
        ))}
      </ol>
      <div className={classes.columns}>
        <div className={classes.stack}>
          <Next of={of} />
          {/* Begun anew when somebody changed them, and only then: other events must not take what is being typed. */}
          <ParticularsForm key={JSON.stringify(of.particulars)} of={of} />
          <Notice of={of} />
        </div>
        <div className={classes.stack}>
          <Materials of={of} />
          <Timeline of={of} />
        </div>
      </div>
    </Page>
  );
}

/** Everything the case rests on, packed and signed; making it takes a moment. */
function EvidenceButton({ id }: { id: string }) {
  const t = useText();
  const person = usePerson();
  const explain = useErrorText();
  const evidence = useMutation({
    mutationFn: () => download(`/cases/${id}/evidence`, `evidence-${id}.zip`),
    onError: (error) => {
      const { title, detail } = explain(error);
      notifications.show({ color: 'red', title, message: detail });
    },
  });
  return (
    <Tooltip label={t.cases.evidenceNote} multiline maw={320}>
      <Button
        variant="light"
        leftSection={<IconFileZip size={16} aria-hidden />}
        loading={evidence.isPending}
        disabled={!person.may('reviewer')}
        onClick={() => evidence.mutate()}
      >
        {t.cases.evidence}
      </Button>
    </Tooltip>
  );
}

/** What a person may report of a case, by its state. */
const REPORTS = {
  open: ['sent', 'reply', 'advance', 'note', 'external-ref', 'close'],
  closed: ['note', 'external-ref', 'reopen'],
} as const;
type Report = (typeof REPORTS)[keyof typeof REPORTS][number];

function Next({ of }: { of: CaseDetail }) {
  const t = useText();
  const person = usePerson();
  const [reporting, report] = useState<Report | undefined>();
  return (
    <Card title={t.cases.next}>
      <Group justify="space-between">
        <Group gap="sm">
          <Badge size="lg" variant="light" tt="none">
            {of.outcome === null ? nextActionText(t, of.nextAction) : t.cases.outcomes[of.outcome]}
          </Badge>
          {of.clock !== null && <DueText at={of.clock.dueAt} />}
          {of.reply !== null && (
            <Text size="sm">
              {t.cases.replied}: {t.cases.replies[of.reply.class]}
            </Text>
          )}
          {of.externalRef !== null && (
            <Text size="sm">
              {t.cases.externalRef}: <b>{of.externalRef}</b>
            </Text>
          )}
        </Group>
        {person.may('reviewer') && (
          <Group gap="xs">
            {REPORTS[of.state].map((each) => (
              <Button key={each} size="xs" variant="default" onClick={() => report(each)}>
                {t.cases.reports[each]}
              </Button>
            ))}
          </Group>
        )}
      </Group>
      {reporting !== undefined && <ReportDialog of={of} report={reporting} close={() => report(undefined)} />}
    </Card>
  );
}

function ReportDialog({ of, report, close }: { of: CaseDetail; report: Report; close: () => void }) {
  const t = useText();
  const explain = useErrorText();
  const send = useCaseEvent(of);
  const [text, setText] = useState(report === 'external-ref' ? (of.externalRef ?? '') : '');
  const [choice, setChoice] = useState<string>(report === 'reply' ? 'removed' : 'settled');
  const written = text.trim() === '' ? undefined : text.trim();
  const body = {
    sent: { type: 'sent', channel: written },
    reply: { type: 'reply', class: choice, reason: written },
    advance: { type: 'advance', reason: written },
    note: { type: 'note', text: written },
    'external-ref': { type: 'external-ref', externalRef: written ?? null },
    reopen: { type: 'reopen', reason: written },
    close: { type: 'close', outcome: choice, reason: written },
  }[report];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send.mutate(body, {
      onSuccess: close,
      onError: (error) => {
        const { title, detail } = explain(error);
        notifications.show({ color: 'red', title, message: detail });
      },
    });
  };
  const choices = report === 'reply' ? t.cases.replies : t.cases.outcomes;
  const needed = report === 'note' || report === 'reopen' || (report === 'close' && choice !== 'removed');
  return (
    <Modal
      opened
      onClose={close}
      title={t.cases.reports[report]}
      closeButtonProps={{ 'aria-label': t.common.close }}
    >
      <form onSubmit={submit}>
        <Stack>
          {(report === 'reply' || report === 'close') && (
            <Select
              label={report === 'reply' ? t.cases.replyClass : t.cases.outcome}
              data={Object.entries(choices).map(([value, label]) => ({ value, label }))}
              value={choice}
              allowDeselect={false}
              onChange={(value) => setChoice(value!)}
            />
          )}
          {report === 'sent' ? (
            <TextInput
              label={t.cases.channel}
              placeholder={t.cases.channelExample}
              value={text}
              required
              data-autofocus
              onChange={(event) => setText(event.currentTarget.value)}
            />
          ) : report === 'external-ref' ? (
            <TextInput
              label={t.cases.externalRef}
              description={t.cases.externalRefNote}
              value={text}
              data-autofocus
              onChange={(event) => setText(event.currentTarget.value)}
            />
          ) : (
            <Textarea
              label={report === 'note' ? t.workbench.note : t.review.reason}
              value={text}
              required={needed}
              autosize
              minRows={2}
              data-autofocus
              onChange={(event) => setText(event.currentTarget.value)}
            />
          )}
          <Group justify="flex-end">
            <Button type="submit" loading={send.isPending}>
              {t.cases.reports[report]}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Materials({ of }: { of: CaseDetail }) {
  const t = useText();
  const person = usePerson();
  const [adding, dialog] = useDisclosure();
  return (
    <Card
      title={t.cases.materials(of.materials.length)}
      actions={
        of.state === 'open' &&
        person.may('reviewer') && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={14} aria-hidden />}
            onClick={dialog.open}
          >
            {t.cases.addAlert}
          </Button>
        )
      }
    >
      <Stack gap="sm">
        {of.materials.map((material) => {
          const url = material.pageUrl ?? material.imageUrl;
          const seen = url === null ? undefined : of.urls[url];
          return (
            <Group
              key={`${material.alertId ?? material.watchId} ${url ?? ''}`}
              gap="sm"
              wrap="nowrap"
              align="flex-start"
            >
              <Thumb src={outputImage(material.outputSha256, 256)} alt={t.workbench.output} size={56} />
              <div>
                <Text size="sm" className={facts.link ?? ''}>
                  {url ?? t.workbench.handedIn}
                </Text>
                <Group gap={8}>
                  {material.alertId === null ? (
                    <Anchor component={Link} href="/watch" size="xs">
                      {t.navigation.watch}
                    </Anchor>
                  ) : (
                    <Anchor component={Link} href={`/alerts/${material.alertId}`} size="xs">
                      {t.review.openAlert}
                    </Anchor>
                  )}
                  {seen !== undefined && (
                    <Badge variant="light" tt="none" color={seen.outcome === 'gone' ? 'teal' : 'orange'}>
                      {t.cases.urlOutcomes[seen.outcome]}
                    </Badge>
                  )}
                </Group>
              </div>
            </Group>
          );
        })}
      </Stack>
      {adding && <LinkAlert to={of} close={dialog.close} />}
    </Card>
  );
}

function Timeline({ of }: { of: CaseDetail }) {
  const t = useText();
  const words = t.cases.events as Readonly<Record<string, string>>;
  return (
    <Card title={t.workbench.timeline}>
      <ol className={facts.events}>
        {of.events.toReversed().map(({ seq, at, actor, event }) => (
          <li key={seq} className={facts.event}>
            <Text size="sm">
              <b>{actor}</b> {words[event.type] ?? event.type}
              {['text', 'reason', 'channel', 'externalRef'].map((name) =>
                typeof event[name] === 'string' ? ` – ${event[name]}` : '',
              )}
            </Text>
            <When at={at} size="xs" c="dimmed" full />
          </li>
        ))}
      </ol>
    </Card>
  );
}
