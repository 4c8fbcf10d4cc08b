import {
  ActionIcon,
  Badge,
  Button,
  Group,
  Modal,
  Select,
  Stack,
  Switch,
  Table,
  Text,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconKey, IconLink, IconTrash, IconUserPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { useChange } from '../api/use-change.ts';
import { usePerson } from '../api/session.ts';
import type { Role, Token, User } from '../api/types.ts';
import { Card, Page } from '../parts/page.tsx';
import { type Secret, ShownOnce } from '../parts/shown-once.tsx';
import { Answered } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { useText } from '../text/index.tsx';

const ROLES: readonly Role[] = ['viewer', 'reviewer', 'approver', 'admin'];

/** Who may do what, and the tokens with which programs come in. */
export default function People() {
  const t = useText();
  const person = usePerson();
  const [secret, setSecret] = useState<Secret | undefined>();
  return (
    <Page title={t.navigation.people}>
      {person.may('admin') && <Users tell={setSecret} />}
      <Tokens tell={setSecret} />
      <ShownOnce secret={secret} close={() => setSecret(undefined)} />
    </Page>
  );
}

interface Link {
  readonly token: string;
}
const urlOf = ({ token }: Link) => `${window.location.origin}/#/link/${token}`;

function Users({ tell }: { tell: (secret: Secret) => void }) {
  const t = useText();
  const users = useQuery({
    queryKey: ['users'],
    queryFn: ({ signal }) => api<{ users: User[] }>('/users', { signal }),
  });
  const [adding, dialog] = useDisclosure();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('reviewer');
  const add = useChange(['users'], (body: { name: string; role: Role }) =>
    api<{ user: User; link: Link }>('/users', { body }),
  );
  const change = useChange(
    ['users'],
    ({ id, ...body }: { id: string; role?: Role; enabled?: boolean; link?: true }) =>
      api<{ user: User; link?: Link }>(`/users/${id}`, { body }),
  );
  const tellLink = ({ user, link }: { user: User; link?: Link }) =>
    link !== undefined &&
    tell({ title: t.people.linkFor(user.name), value: urlOf(link), note: t.people.once });
  return (
    <Card
      title={t.people.users}
      actions={
        <Button size="xs" leftSection={<IconUserPlus size={16} aria-hidden />} onClick={dialog.open}>
          {t.people.add}
        </Button>
      }
    >
      <Answered by={users}>
        {(data) => (
          <Table verticalSpacing="xs" miw={640}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t.people.name}</Table.Th>
                <Table.Th>{t.people.role}</Table.Th>
                <Table.Th>{t.people.lastSignIn}</Table.Th>
                <Table.Th>{t.people.enabled}</Table.Th>
                <Table.Th aria-label={t.people.link} />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.users.map((user) => (
                <Table.Tr key={user.id}>
                  <Table.Td fw={600}>
                    {user.name}{' '}
                    {user.signIn === 'none' && (
                      <Badge variant="light" color="gray" tt="none">
                        {t.people.notYet}
                      </Badge>
                    )}
                  </Table.Td>
                  <Table.Td>
                    <Select
                      size="xs"
                      w={150}
                      aria-label={`${t.people.role}: ${user.name}`}
                      data={ROLES.map((value) => ({ value, label: t.roles[value] }))}
                      value={user.role}
                      allowDeselect={false}
                      onChange={(value) => change.mutate({ id: user.id, role: value as Role })}
                    />
                  </Table.Td>
                  <Table.Td>
                    {user.lastSignInAt === null ? '–' : <When at={user.lastSignInAt} size="sm" />}
                  </Table.Td>
                  <Table.Td>
                    <Switch
                      aria-label={`${t.people.enabled}: ${user.name}`}
                      checked={user.enabled}
                      onChange={(event) =>
                        change.mutate({ id: user.id, enabled: event.currentTarget.checked })
                      }
                    />
                  </Table.Td>
                  <Table.Td>
                    <Tooltip label={t.people.link}>
                      <ActionIcon
                        variant="subtle"
                        aria-label={`${t.people.link}: ${user.name}`}
                        onClick={() => change.mutate({ id: user.id, link: true }, { onSuccess: tellLink })}
                      >
                        <IconLink size={18} aria-hidden />
                      </ActionIcon>
                    </Tooltip>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Answered>
      <Modal
        opened={adding}
        onClose={dialog.close}
        title={t.people.add}
        closeButtonProps={{ 'aria-label': t.common.close }}
      >
        <form
          onSubmit={(event) => {
            event.preventDefault();
            add.mutate(
              { name, role },
              {
                onSuccess: (added) => {
                  dialog.close();
                  setName('');
                  tellLink(added);
                },
              },
            );
          }}
        >
          <Stack>
            <TextInput
              label={t.people.name}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              required
              data-autofocus
            />
            <Select
              label={t.people.role}
              data={ROLES.map((value) => ({ value, label: t.roles[value] }))}
              value={role}
              allowDeselect={false}
              onChange={(value) => setRole(value as Role)}
            />
            <Group justify="flex-end">
              <Button type="submit" loading={add.isPending}>
                {t.people.add}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </Card>
  );
}

function Tokens({ tell }: { tell: (secret: Secret) => void }) {
  const t = useText();
  const person = usePerson();
  const tokens = useQuery({
    queryKey: ['tokens'],
    queryFn: ({ signal }) => api<{ tokens: Token[] }>('/tokens', { signal }),
  });
  const [name, setName] = useState('');
  const make = useChange(['tokens'], (body: { name: string }) =>
    api<{ token: Token; secret: string }>('/tokens', { body }),
  );
  const remove = useChange(['tokens'], (id: string) => api(`/tokens/${id}`, { method: 'DELETE' }));
  return (
    <Card title={t.people.tokens}>
      <Text size="sm" c="dimmed" mb="sm">
        {t.people.tokensLead}
      </Text>
      <Answered by={tokens}>
        {(data) =>
          data.tokens.length > 0 && (
            <Table verticalSpacing="xs" mb="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t.people.tokenName}</Table.Th>
                  <Table.Th>{t.people.owner}</Table.Th>
                  <Table.Th>{t.people.lastUsed}</Table.Th>
                  <Table.Th aria-label={t.common.delete} />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.tokens.map((token) => (
                  <Table.Tr key={token.id}>
                    <Table.Td>{token.name}</Table.Td>
                    <Table.Td>{token.user}</Table.Td>
                    <Table.Td>
                      {token.lastUsedAt === null ? '–' : <When at={token.lastUsedAt} size="sm" />}
                    </Table.Td>
                    <Table.Td ta="end">
                      <ActionIcon
                        variant="subtle"
                        color="red"
                        aria-label={`${t.common.delete}: ${token.name}`}
                        onClick={() => remove.mutate(token.id)}
                      >
                        <IconTrash size={16} aria-hidden />
                      </ActionIcon>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Answered>
      {person.id !== null && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            make.mutate(
              { name },
              {
                onSuccess: ({ token, secret }) => {
                  setName('');
                  tell({ title: token.name, value: secret, note: t.people.once });
                },
              },
            );
          }}
        >
          <Group align="flex-end">
            <TextInput
              label={t.people.tokenName}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              required
            />
            <Button
              type="submit"
              variant="light"
              leftSection={<IconKey size={16} aria-hidden />}
              loading={make.isPending}
            >
              {t.people.makeToken}
            </Button>
          </Group>
        </form>
      )}
    </Card>
  );
}
