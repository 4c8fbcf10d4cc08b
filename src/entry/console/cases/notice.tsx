import { Alert, Button, Checkbox, Group, Select, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconAlertTriangle, IconDownload, IconFileCheck } from '@tabler/icons-react';
import { useState } from 'react';
import { type NoticeChoice, useApproveNotice, useNoticeDraft } from '../api/cases.ts';
import { queryString } from '../api/query-string.ts';
import { usePerson } from '../api/session.ts';
import type { Block, CaseDetail, NoticeDraft, NoticeForm } from '../api/types.ts';
import { Card } from '../parts/page.tsx';
import { Answered, useErrorText } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { useLocale, useText } from '../text/index.tsx';
import classes from './cases.module.css';

const LANGUAGES: Record<NoticeForm, readonly ('ja' | 'en')[]> = {
  'ja-a': ['ja'],
  'ja-platform': ['ja'],
  dmca: ['en'],
  dsa16: ['en'],
  generator: ['ja', 'en'],
};

/** The notice as it would be sent: what is missing, how it reads, and its approval. */
export function Notice({ of }: { of: CaseDetail }) {
  const t = useText();
  const rung = of.ladder.rungs.find(({ id }) => id === of.rung);
  const forms = rung === undefined || rung.forms.length === 0 ? (['ja-a'] as const) : rung.forms;
  const [form, setForm] = useState<NoticeForm>(forms[0]!);
  const [wanted, setLang] = useState<'ja' | 'en'>('ja');
  const lang = LANGUAGES[form].includes(wanted) ? wanted : LANGUAGES[form][0]!;
  const choice = { form, lang };
  const draft = useNoticeDraft(of.id, of.seq, choice);
  return (
    <Card
      title={t.cases.notice}
      actions={
        <Group gap="xs">
          <Select
            size="xs"
            w={230}
            aria-label={t.cases.form}
            data={Object.entries(t.cases.forms).map(([value, label]) => ({ value, label }))}
            value={form}
            allowDeselect={false}
            onChange={(value) => setForm(value as NoticeForm)}
          />
          <Select
            size="xs"
            w={110}
            aria-label={t.shell.language}
            data={LANGUAGES[form].map((value) => ({ value, label: value === 'ja' ? '日本語' : 'English' }))}
            value={lang}
            allowDeselect={false}
            onChange={(value) => setLang(value as 'ja' | 'en')}
          />
        </Group>
      }
    >
      <Answered by={draft}>
        {(data) => (
          <Stack>
            <Lint draft={data} />
            <Sheet draft={data} lang={lang} />
            {of.state === 'open' && <Approval key={`${form} ${lang}`} of={of} choice={choice} draft={data} />}
          </Stack>
        )}
      </Answered>
      <Approved of={of} />
    </Card>
  );
}

function Lint({ draft }: { draft: NoticeDraft }) {
  const { language, t } = useLocale();
  return (
    <>
      {draft.details.length > 0 && (
        <Alert
          color="orange"
          variant="light"
          icon={<IconAlertTriangle aria-hidden />}
          title={t.cases.missing(draft.details.length)}
        >
          <ul>
            {draft.details.map(({ element, message, remedy }) => (
              <li key={element}>
                {message[language]} <code>{remedy}</code>
              </li>
            ))}
          </ul>
        </Alert>
      )}
      {draft.warnings.map((warning) => (
        <Alert key={warning.en} color="yellow" variant="light">
          {warning[language]}
        </Alert>
      ))}
    </>
  );
}

function Sheet({ draft, lang }: { draft: NoticeDraft; lang: 'ja' | 'en' }) {
  return (
    <article className={classes.sheet} lang={lang}>
      <h2>{draft.title}</h2>
      {draft.blocks.map((block, at) => (
        <Printed key={at} block={block} />
      ))}
    </article>
  );
}

function Printed({ block }: { block: Block }) {
  const t = useText();
  switch (block.kind) {
    case 'heading':
      return <h3>{block.text}</h3>;
    case 'paragraph':
      return <p style={{ textAlign: block.align ?? 'left' }}>{block.text}</p>;
    case 'list':
      return (
        <ul>
          {block.items.map((item) => (
            <li key={item}>{item}</li>
          ))}
        </ul>
      );
    case 'fields':
      return (
        <table>
          <tbody>
            {block.rows.map(({ label, text }) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                <td>{text.trim() === '' ? <span className={classes.gap}>{t.cases.gap}</span> : text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      );
    default:
      return null;
  }
}

function Approval({ of, choice, draft }: { of: CaseDetail; choice: NoticeChoice; draft: NoticeDraft }) {
  const { language, t } = useLocale();
  const person = usePerson();
  const explain = useErrorText();
  const approve = useApproveNotice(of.id);
  const [attested, setAttested] = useState<string[]>([]);
  const complete = draft.details.length === 0;
  return (
    <div>
      {complete && (
        <Checkbox.Group label={t.cases.attest} value={attested} onChange={setAttested}>
          <Stack gap={6} mt={6}>
            {draft.attestations.map((each) => (
              <Checkbox key={each.id} value={each.id} label={each[language]} />
            ))}
          </Stack>
        </Checkbox.Group>
      )}
      <Group justify="flex-end" mt="sm">
        {complete && (
          <Button
            component="a"
            href={`/api/cases/${of.id}/notice${queryString({ ...choice, format: 'pdf' })}`}
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
          >
            {t.cases.draftPdf}
          </Button>
        )}
        <Button
          leftSection={<IconFileCheck size={16} aria-hidden />}
          disabled={!complete || !person.may('approver') || attested.length < draft.attestations.length}
          loading={approve.isPending}
          onClick={() =>
            approve.mutate(
              { ...choice, attested },
              {
                onError: (error) => {
                  const { title, detail } = explain(error);
                  notifications.show({ color: 'red', title, message: detail });
                },
              },
            )
          }
        >
          {t.cases.approve}
        </Button>
      </Group>
    </div>
  );
}

function Approved({ of }: { of: CaseDetail }) {
  const t = useText();
  if (of.notices.length === 0) return null;
  return (
    <Stack gap={6} mt="md">
      <Text size="sm" fw={650}>
        {t.cases.approvedNotices}
      </Text>
      {of.notices.map((notice) => (
        <Group key={notice.noticeId} gap="sm">
          <Text size="sm">{t.cases.forms[notice.form]}</Text>
          <Text size="xs" c="dimmed">
            {notice.approvedBy} <When at={notice.approvedAt} span size="xs" c="dimmed" full />
          </Text>
          <Button
            component="a"
            size="compact-xs"
            variant="light"
            href={`/api/cases/${of.id}/notice${queryString({ form: notice.form, lang: notice.lang, format: 'pdf', approved: true })}`}
          >
            PDF
          </Button>
        </Group>
      ))}
    </Stack>
  );
}
