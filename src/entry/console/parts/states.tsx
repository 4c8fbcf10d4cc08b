import { Alert, Button, Center, Loader, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { type Icon, IconAlertTriangle, IconInbox } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { ApiError } from '../api/client.ts';
import { useText } from '../text/index.tsx';

export function Loading() {
  const t = useText().common;
  return (
    <Center mih={160} role="status" aria-label={t.loading}>
      <Loader type="dots" />
    </Center>
  );
}

/** What was asked of the server, once it has answered; until then that it is on its way, or what went wrong. */
export function Answered<T>({
  by,
  isEmpty = () => false,
  empty,
  children,
}: {
  by: {
    readonly isPending: boolean;
    readonly isError: boolean;
    readonly error: unknown;
    readonly data: T | undefined;
    readonly refetch: () => Promise<unknown>;
  };
  isEmpty?: (data: T) => boolean;
  /** Shown where the answer holds nothing. */
  empty?: ReactNode;
  children: (data: T) => ReactNode;
}) {
  if (by.isPending) return <Loading />;
  if (by.isError) return <Failed error={by.error} retry={() => void by.refetch()} />;
  const data = by.data as T;
  return isEmpty(data) ? empty : children(data);
}

/** Nothing is here, and that is no fault: says what would be, and how it comes. */
export function Empty({
  icon: Symbol = IconInbox,
  title,
  children,
  action,
  small = false,
}: {
  icon?: Icon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  /** One part of a page, not all of it. */
  small?: boolean;
}) {
  return (
    <Center mih={small ? 120 : 280} p={small ? 'xs' : 'xl'}>
      <Stack align="center" gap="xs" maw={440}>
        <ThemeIcon size={small ? 40 : 56} radius="xl" variant="light" color="gray">
          <Symbol size={small ? 22 : 28} stroke={1.5} aria-hidden />
        </ThemeIcon>
        <Title order={2} size="h4" ta="center">
          {title}
        </Title>
        {children !== undefined && (
          <Text c="dimmed" ta="center" size="sm">
            {children}
          </Text>
        )}
        {action}
      </Stack>
    </Center>
  );
}

/** What went wrong, its code for the people who look after the installation, and what to do. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const t = useText();
  const { title, detail } = useErrorText()(error);
  return (
    <Alert m="md" color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} title={title}>
      <Text size="sm">{detail}</Text>
      {retry !== undefined && (
        <Button mt="sm" size="xs" variant="light" color="red" onClick={retry}>
          {t.common.retry}
        </Button>
      )}
    </Alert>
  );
}

/** An error in words: the code's own where there are some, else the server's. */
export function useErrorText(): (error: unknown) => { title: string; detail: string } {
  const t = useText();
  return (error) => {
    if (!(error instanceof ApiError)) return { title: t.errors.internal, detail: String(error) };
    const known = (t.errors as Readonly<Record<string, string>>)[error.code];
    const detail = [error.message, error.remedy].filter(Boolean).join(' ');
    return { title: known ?? t.errors.internal, detail: `${detail} (${error.code})` };
  };
}
