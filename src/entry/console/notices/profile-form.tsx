import { Button, Fieldset, Group, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api } from '../api/client.ts';
import { usePerson } from '../api/session.ts';
import type { Bilingual, Profile } from '../api/types.ts';
import { Card } from '../parts/page.tsx';
import { useErrorText } from '../parts/states.tsx';
import { useLocale } from '../text/index.tsx';

const BILINGUAL = ['name', 'address', 'signatory'] as const;
const LANGUAGES = ['ja', 'en'] as const;

/** Who makes the claims. Recipients and terms go along unchanged. */
export function ProfileForm({ of }: { of: Profile }) {
  const { language, t } = useLocale();
  const person = usePerson();
  const client = useQueryClient();
  const explain = useErrorText();
  const [texts, setTexts] = useState({
    name: inBoth(of.name),
    address: inBoth(of.address),
    signatory: inBoth(of.signatory),
  });
  const [phone, setPhone] = useState(of.phone ?? '');
  const [email, setEmail] = useState(of.email ?? '');
  const save = useMutation({
    mutationFn: (profile: Profile) =>
      api('/profile', { method: 'PUT', body: { source: JSON.stringify(profile) } }),
    onSuccess: () => {
      notifications.show({ message: t.notices.saved });
      return client.invalidateQueries({
        predicate: ({ queryKey }) => ['profile', 'case'].includes(String(queryKey[0])),
      });
    },
    onError: (error) => {
      const { title, detail } = explain(error);
      notifications.show({ color: 'red', title, message: detail });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { recipients, policy } = of;
    save.mutate({
      recipients,
      ...(policy === undefined ? {} : { policy }),
      ...Object.fromEntries(
        BILINGUAL.map((field) => [field, written(texts[field])] as const).filter(
          ([, each]) => each !== undefined,
        ),
      ),
      ...(phone.trim() === '' ? {} : { phone: phone.trim() }),
      ...(email.trim() === '' ? {} : { email: email.trim() }),
    });
  };
  return (
    <Card title={t.notices.profile}>
      <form onSubmit={submit}>
        <Fieldset variant="unstyled" disabled={!person.may('admin')}>
          <Stack gap="sm">
            <Text size="sm" c="dimmed">
              {person.may('admin') ? t.notices.profileLead : t.notices.adminOnly}
            </Text>
            {BILINGUAL.map((field) => (
              <SimpleGrid key={field} cols={{ base: 1, sm: 2 }}>
                {LANGUAGES.map((lang) => (
                  <TextInput
                    key={lang}
                    lang={lang}
                    label={`${t.notices.fields[field]} – ${t.notices.languages[lang]}`}
                    value={texts[field][lang]}
                    onChange={(event) => {
                      const { value } = event.currentTarget;
                      setTexts((before) => ({ ...before, [field]: { ...before[field], [lang]: value } }));
                    }}
                  />
                ))}
              </SimpleGrid>
            ))}
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <TextInput
                type="tel"
                label={t.notices.phone}
                value={phone}
                onChange={(event) => setPhone(event.currentTarget.value)}
              />
              <TextInput
                type="email"
                label={t.notices.email}
                value={email}
                onChange={(event) => setEmail(event.currentTarget.value)}
              />
            </SimpleGrid>
            {of.recipients.length > 0 && (
              <div>
                <Text size="sm" fw={600}>
                  {t.notices.recipients}
                </Text>
                {of.recipients.map(({ id, name, hosts }) => (
                  <Text key={id} size="sm">
                    {name[language]} ({hosts.join(', ')})
                  </Text>
                ))}
              </div>
            )}
            <Group justify="space-between">
              <Text size="xs" c="dimmed">
                {t.notices.recipientsNote}
              </Text>
              <Button type="submit" variant="light" loading={save.isPending}>
                {t.common.save}
              </Button>
            </Group>
          </Stack>
        </Fieldset>
      </form>
    </Card>
  );
}

interface Both {
  readonly ja: string;
  readonly en: string;
}

const inBoth = (value: Bilingual = {}): Both =>
  // One text for both languages is read as the Japanese one, which stands in where there is no English one.
  typeof value === 'string' ? { ja: value, en: '' } : { ja: value.ja ?? '', en: value.en ?? '' };

function written(texts: Both): Bilingual | undefined {
  const filled = LANGUAGES.map((lang) => [lang, texts[lang].trim()] as const).filter(
    ([, text]) => text !== '',
  );
  return filled.length === 0 ? undefined : Object.fromEntries(filled);
}
