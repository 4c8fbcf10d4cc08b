import { ActionIcon, Button, Group, Tooltip, useMantineColorScheme } from '@mantine/core';
import { IconDeviceDesktop, IconMoon, IconSun } from '@tabler/icons-react';
import { useLocale } from '../text/index.tsx';

const NEXT = { auto: 'light', light: 'dark', dark: 'auto' } as const;
const ICONS = { auto: IconDeviceDesktop, light: IconSun, dark: IconMoon };

/** Language and colours. */
export function Appearance() {
  const { language, setLanguage, t } = useLocale();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const other = language === 'ja' ? 'en' : 'ja';
  const Symbol = ICONS[colorScheme];
  return (
    <Group gap={4} wrap="nowrap">
      <Button
        variant="subtle"
        color="gray"
        size="compact-sm"
        lang={other}
        onClick={() => setLanguage(other)}
        data-testid="language"
      >
        {other === 'ja' ? '日本語' : 'English'}
      </Button>
      <Tooltip label={t.shell.theme[colorScheme]}>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t.shell.theme[colorScheme]}
          onClick={() => setColorScheme(NEXT[colorScheme])}
        >
          <Symbol size={18} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
