import { Button, Group, MultiSelect, Select, Stack, TextInput, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type FormEvent, useState } from 'react';
import { useCaseEvent } from '../api/cases.ts';
import { usePerson } from '../api/session.ts';
import type { AiOrigin, CaseDetail, Manner } from '../api/types.ts';
import { Card } from '../parts/page.tsx';
import { useErrorText } from '../parts/states.tsx';
import { useText } from '../text/index.tsx';

/** What only a person can say: which right, why, in which manner, and how the origin is known. */
export function ParticularsForm({ of }: { of: CaseDetail }) {
  const t = useText();
  const explain = useErrorText();
  const person = usePerson();
  const send = useCaseEvent(of);
  const { particulars: given } = of;
  const [grounds, setGrounds] = useState(given.grounds ?? '');
  const [rights, setRights] = useState<string[]>([...(given.rights ?? [])]);
  const [manner, setManner] = useState<string | null>(given.manner ?? null);
  const [mannerText, setMannerText] = useState(given.mannerText ?? '');
  const [location, setLocation] = useState(given.location ?? '');
  const [origin, setOrigin] = useState<string | null>(given.aiOrigin?.grade ?? null);
  const [originText, setOriginText] = useState(given.aiOrigin?.reason ?? given.aiOrigin?.quotation ?? '');
  const editable = of.state === 'open' && person.may('reviewer');
  const explains = origin === 'suspected' || origin === 'declared-by-poster';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const text = (value: string) => (value.trim() === '' ? undefined : value.trim());
    send.mutate(
      {
        type: 'particulars',
        particulars: {
          grounds: text(grounds),
          rights: rights.length === 0 ? undefined : rights,
          manner: (manner as Manner | null) ?? undefined,
          mannerText: text(mannerText),
          location: text(location),
          aiOrigin:
            origin === null
              ? undefined
              : {
                  grade: origin as AiOrigin,
                  reason: origin === 'suspected' ? text(originText) : undefined,
                  quotation: origin === 'declared-by-poster' ? text(originText) : undefined,
                },
        },
      },
      {
        onError: (error) => {
          const { title, detail } = explain(error);
          notifications.show({ color: 'red', title, message: detail });
        },
      },
    );
  };
  const options = (labels: Readonly<Record<string, string>>) =>
    Object.entries(labels).map(([value, label]) => ({ value, label }));
  return (
    <Card title={t.cases.particulars}>
      <form onSubmit={submit}>
        <fieldset disabled={!editable} style={{ border: 0, padding: 0, margin: 0 }}>
          <Stack gap="sm">
            <MultiSelect
              label={t.cases.rights}
              data={options(t.cases.rightNames)}
              value={rights}
              onChange={setRights}
            />
            <Select
              label={t.cases.manner}
              data={options(t.cases.manners)}
              value={manner}
              onChange={setManner}
            />
            {manner === 'other' && (
              <Textarea
                label={t.cases.mannerText}
                value={mannerText}
                autosize
                onChange={(event) => setMannerText(event.currentTarget.value)}
              />
            )}
            <Textarea
              label={t.cases.grounds}
              description={t.cases.groundsNote}
              value={grounds}
              autosize
              minRows={3}
              onChange={(event) => setGrounds(event.currentTarget.value)}
            />
            <TextInput
              label={t.cases.location}
              value={location}
              onChange={(event) => setLocation(event.currentTarget.value)}
            />
            <Select
              label={t.cases.aiOrigin}
              data={options(t.cases.aiOrigins)}
              value={origin}
              onChange={setOrigin}
            />
            {explains && (
              <TextInput
                label={origin === 'suspected' ? t.review.reason : t.cases.quotation}
                value={originText}
                required
                onChange={(event) => setOriginText(event.currentTarget.value)}
              />
            )}
            <Group justify="flex-end">
              <Button type="submit" variant="light" loading={send.isPending}>
                {t.common.save}
              </Button>
            </Group>
          </Stack>
        </fieldset>
      </form>
    </Card>
  );
}
