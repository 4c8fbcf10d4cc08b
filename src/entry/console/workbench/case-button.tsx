import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconBriefcase } from '@tabler/icons-react';
import { Link, useLocation } from 'wouter';
import { useCases, useOpenCase } from '../api/cases.ts';
import { usePerson } from '../api/session.ts';
import { useErrorText } from '../parts/states.tsx';
import { useText } from '../text/index.tsx';

/** From a confirmed alert, or a promoted watch entry, to its case: the one it is in, or a new one. */
export function CaseButton({ alertId }: { alertId: string }) {
  const t = useText();
  const person = usePerson();
  const explain = useErrorText();
  const [, go] = useLocation();
  const cases = useCases({ alertId });
  const open = useOpenCase();
  const known = cases.data?.cases[0];
  const icon = <IconBriefcase size={16} aria-hidden />;
  if (known !== undefined) {
    return (
      <Button
        component={Link}
        href={`/cases/${known.id}`}
        size="compact-sm"
        variant="light"
        leftSection={icon}
      >
        {t.cases.show}
      </Button>
    );
  }
  return (
    <Button
      size="compact-sm"
      color="shu"
      leftSection={icon}
      loading={open.isPending || cases.isPending}
      disabled={!person.may('reviewer')}
      onClick={() =>
        open.mutate([alertId], {
          onSuccess: ({ id }) => go(`/cases/${id}`),
          onError: (error) => {
            const { title, detail } = explain(error);
            notifications.show({ color: 'red', title, message: detail });
          },
        })
      }
    >
      {t.cases.open}
    </Button>
  );
}
