import { ActionIcon, Button, Checkbox, Group, Menu, Modal, Stack, TextInput, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconBookmark, IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { useChangeViews, useViews } from '../api/alerts.ts';
import { usePerson } from '../api/session.ts';
import { useText } from '../text/index.tsx';

/** Filters under a name, one's own and shared ones. */
export function Views({ query }: { query: string }) {
  const t = useText();
  const person = usePerson();
  const [path, go] = useLocation();
  const views = useViews();
  const { save, remove } = useChangeViews();
  const [naming, dialog] = useDisclosure();
  const [name, setName] = useState('');
  const [shared, setShared] = useState(false);
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <Tooltip label={t.inbox.views}>
            <ActionIcon variant="default" size={36} aria-label={t.inbox.views}>
              <IconBookmark size={18} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{t.inbox.views}</Menu.Label>
          {views.data?.views.map((view) => (
            <Menu.Item
              key={view.id}
              onClick={() => go(view.query === '' ? path : `${path}?${view.query}`)}
              rightSection={
                view.owner === person.name && (
                  <ActionIcon
                    component="span"
                    size="sm"
                    variant="subtle"
                    color="gray"
                    aria-label={`${t.common.delete}: ${view.name}`}
                    onClick={(event) => {
                      event.stopPropagation();
                      remove.mutate(view.id);
                    }}
                  >
                    <IconTrash size={14} aria-hidden />
                  </ActionIcon>
                )
              }
            >
              {view.name}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconPlus size={14} aria-hidden />} onClick={dialog.open}>
            {t.inbox.saveView}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal
        opened={naming}
        onClose={dialog.close}
        title={t.inbox.saveView}
        closeButtonProps={{ 'aria-label': t.common.close }}
      >
        <form
          onSubmit={(event) => {
            event.preventDefault();
            save.mutate({ name: name.trim(), query, shared }, { onSuccess: dialog.close });
          }}
        >
          <Stack>
            <TextInput
              label={t.inbox.viewName}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              required
              data-autofocus
            />
            <Checkbox
              label={t.inbox.viewShared}
              checked={shared}
              onChange={(event) => setShared(event.currentTarget.checked)}
            />
            <Group justify="flex-end">
              <Button type="submit" loading={save.isPending} disabled={name.trim() === ''}>
                {t.common.save}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
