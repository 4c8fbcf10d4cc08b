import { Badge, Button, Group, SimpleGrid, Stack, Table, Text, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconDownload, IconEye } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, apiText, download } from '../api/client.ts';
import { usePerson } from '../api/session.ts';
import type { NoticeTemplate } from '../api/types.ts';
import cases from '../cases/cases.module.css';
import { Card } from '../parts/page.tsx';
import { Answered, Failed, Loading, useErrorText } from '../parts/states.tsx';
import { useText } from '../text/index.tsx';

type Which = Pick<NoticeTemplate, 'form' | 'lang'>;

/** The words of notices: which are in force, and an editor with a preview. */
export function Templates() {
  const t = useText();
  const [opened, open] = useState<Which | undefined>();
  const templates = useQuery({
    queryKey: ['templates'],
    queryFn: ({ signal }) => api<{ templates: NoticeTemplate[] }>('/templates', { signal }),
  });
  const elements = t.notices.elements as Readonly<Record<string, string>>;
  return (
    <>
      <Card title={t.notices.templates}>
        <Text size="sm" c="dimmed">
          {t.notices.templatesLead}
        </Text>
        <Answered by={templates}>
          {(data) => (
            <Table verticalSpacing={6} miw={640}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t.cases.form}</Table.Th>
                  <Table.Th>{t.notices.version}</Table.Th>
                  <Table.Th>{t.monitors.state}</Table.Th>
                  <Table.Th>{t.monitors.actions}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.templates.map(({ form, lang, version, date, lacks }) => (
                  <Table.Tr key={`${form} ${lang}`}>
                    <Table.Th scope="row" fw={500}>
                      {t.cases.forms[form]} – {t.notices.languages[lang]}
                    </Table.Th>
                    <Table.Td>
                      {version.startsWith('own-') ? t.notices.own : t.notices.shipped}{' '}
                      <span className="numeric">
                        {version.split('-').at(-1)} ({date})
                      </span>
                    </Table.Td>
                    <Table.Td>
                      {lacks.length === 0 ? (
                        t.notices.complete
                      ) : (
                        <Badge color="orange" variant="light" tt="none">
                          {t.notices.lacks(lacks.map((each) => elements[each] ?? each).join(t.cases.and))}
                        </Badge>
                      )}
                    </Table.Td>
                    <Table.Td>
                      <Button size="xs" variant="default" onClick={() => open({ form, lang })}>
                        {t.common.open}
                      </Button>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </Answered>
      </Card>
      {opened !== undefined && <Opened key={`${opened.form} ${opened.lang}`} which={opened} />}
    </>
  );
}

function Opened({ which: { form, lang } }: { which: Which }) {
  const found = useQuery({
    queryKey: ['templates', form, lang],
    queryFn: ({ signal }) =>
      api<{ source: string; version: string }>(`/templates/${form}/${lang}`, { signal }),
  });
  if (found.isPending) return <Loading />;
  if (found.isError) return <Failed error={found.error} retry={() => void found.refetch()} />;
  return <Editor key={found.data.version} which={{ form, lang }} source={found.data.source} />;
}

function Editor({ which: { form, lang }, source }: { which: Which; source: string }) {
  const t = useText();
  const person = usePerson();
  const client = useQueryClient();
  const explain = useErrorText();
  const [text, setText] = useState(source);
  /** What the preview shows: it follows when it is asked for, not with every letter. */
  const [shown, show] = useState(source);
  const preview = useQuery({
    queryKey: ['templates', 'preview', shown],
    queryFn: ({ signal }) =>
      apiText('/templates/preview', { body: { source: shown, format: 'text' }, signal }),
  });
  const fail = (error: unknown) => {
    const { title, detail } = explain(error);
    notifications.show({ color: 'red', title, message: detail });
  };
  const pdf = useMutation({
    mutationFn: () =>
      download('/templates/preview', `preview-${form}.${lang}.pdf`, {
        body: { source: text, format: 'pdf' },
      }),
    onError: fail,
  });
  const use = useMutation({
    mutationFn: () => api('/templates', { body: { source: text } }),
    onSuccess: () => {
      notifications.show({ message: t.notices.used(t.cases.forms[form]) });
      return client.invalidateQueries({
        predicate: ({ queryKey }) => ['templates', 'case'].includes(String(queryKey[0])),
      });
    },
    onError: fail,
  });
  return (
    <Card title={`${t.cases.forms[form]} – ${t.notices.languages[lang]}`}>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Stack gap="sm">
          <Textarea
            label={t.notices.source}
            value={text}
            readOnly={!person.may('admin')}
            autosize
            minRows={12}
            maxRows={28}
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Group justify="flex-end" gap="xs">
            <Button
              variant="default"
              leftSection={<IconEye size={16} aria-hidden />}
              loading={preview.isFetching}
              onClick={() => (text === shown ? void preview.refetch() : show(text))}
            >
              {t.notices.preview}
            </Button>
            <Button
              variant="default"
              leftSection={<IconDownload size={16} aria-hidden />}
              loading={pdf.isPending}
              onClick={() => pdf.mutate()}
            >
              {t.notices.previewPdf}
            </Button>
            {person.may('admin') && (
              <Button disabled={text === source} loading={use.isPending} onClick={() => use.mutate()}>
                {t.notices.use}
              </Button>
            )}
          </Group>
        </Stack>
        <Stack gap="sm">
          <Text size="sm" c="dimmed">
            {t.notices.previewNote}
          </Text>
          <Answered by={preview}>
            {(data) => (
              <article className={cases.sheet} lang={lang} aria-label={t.notices.preview}>
                {data}
              </article>
            )}
          </Answered>
        </Stack>
      </SimpleGrid>
    </Card>
  );
}
