import { Alert, Button, Code, CopyButton, Modal, Stack } from '@mantine/core';
import { useText } from '../text/index.tsx';

/** Shown once and kept nowhere. */
export interface Secret {
  readonly title: string;
  readonly value: string;
  /** What to do with it. */
  readonly note: string;
}

/** A secret, to be copied now or never. */
export function ShownOnce({ secret, close }: { secret: Secret | undefined; close: () => void }) {
  const t = useText();
  return (
    <Modal
      opened={secret !== undefined}
      onClose={close}
      title={secret?.title}
      closeButtonProps={{ 'aria-label': t.common.close }}
    >
      {secret !== undefined && (
        <Stack>
          <Alert variant="light">{secret.note}</Alert>
          <Code block>{secret.value}</Code>
          <CopyButton value={secret.value}>
            {({ copied, copy }) => (
              <Button onClick={copy} variant="light">
                {copied ? t.common.copied : t.common.copy}
              </Button>
            )}
          </CopyButton>
        </Stack>
      )}
    </Modal>
  );
}
