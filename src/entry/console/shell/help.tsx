import { Modal, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import { useText } from '../text/index.tsx';

/** Which keys do what, everywhere. */
export default function Help({ close }: { close: () => void }) {
  const t = useText();
  return (
    <Modal
      opened
      onClose={close}
      title={t.shell.help}
      size="xl"
      closeButtonProps={{ 'aria-label': t.common.close }}
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xl">
        {t.help.groups.map(({ title, keys }) => (
          <Stack key={title} gap="xs">
            <Title order={3} size="h5">
              {title}
            </Title>
            <Table withRowBorders={false} verticalSpacing={3}>
              <Table.Tbody>
                {keys.map(([key, what]) => (
                  <Table.Tr key={key}>
                    <Table.Td w={150}>
                      {key.split(' ').map((each) => (
                        <span key={each}>
                          <kbd>{each}</kbd>{' '}
                        </span>
                      ))}
                    </Table.Td>
                    <Table.Td>
                      <Text size="sm">{what}</Text>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Stack>
        ))}
      </SimpleGrid>
    </Modal>
  );
}
