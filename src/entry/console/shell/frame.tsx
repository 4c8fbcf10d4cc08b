import { ActionIcon, Indicator, Menu, Text, Tooltip, UnstyledButton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  type Icon,
  IconActivityHeartbeat,
  IconBriefcase,
  IconChartHistogram,
  IconDots,
  IconEye,
  IconFileText,
  IconInbox,
  IconKeyboard,
  IconLogout,
  IconPhotoScan,
  IconPhotoSearch,
  IconRadar2,
  IconShieldCheck,
  IconUsers,
  IconWebhook,
} from '@tabler/icons-react';
import { type ReactNode, Suspense, lazy, useEffect } from 'react';
import { Link, useLocation } from 'wouter';
import { useLiveUpdates } from '../api/live.ts';
import { usePerson, useSignOut } from '../api/session.ts';
import type { Role, Session } from '../api/types.ts';
import { DropHere } from '../check/drop-here.tsx';
import { useAdHocCheck } from '../check/use-ad-hoc-check.ts';
import { useText } from '../text/index.tsx';
import type { Messages } from '../text/ja.ts';
import { Appearance } from './appearance.tsx';
import classes from './frame.module.css';
import { Seal } from './seal.tsx';
import { useKeys } from './use-keys.ts';

const AdHocCheck = lazy(() => import('../check/ad-hoc-check.tsx'));
const Help = lazy(() => import('./help.tsx'));

interface Place {
  readonly key: keyof Messages['navigation'];
  readonly path: string;
  readonly icon: Icon;
  readonly least?: Role;
}

const PLACES: readonly Place[] = [
  { key: 'inbox', path: '/', icon: IconInbox },
  { key: 'watch', path: '/watch', icon: IconEye },
  { key: 'cases', path: '/cases', icon: IconBriefcase },
  { key: 'assets', path: '/assets', icon: IconPhotoScan },
  { key: 'monitors', path: '/monitors', icon: IconRadar2 },
  { key: 'reports', path: '/reports', icon: IconChartHistogram },
  { key: 'system', path: '/system', icon: IconActivityHeartbeat },
  { key: 'rules', path: '/rules', icon: IconShieldCheck },
  { key: 'notices', path: '/notices', icon: IconFileText },
  { key: 'webhooks', path: '/webhooks', icon: IconWebhook, least: 'admin' },
  { key: 'people', path: '/people', icon: IconUsers },
];
/** On a phone the bar has room for these; the others are behind the dots. */
const IN_BAR = 4;

export function Frame({ session, children }: { session: Session; children: ReactNode }) {
  const t = useText();
  const person = usePerson();
  const live = useLiveUpdates();
  const signOut = useSignOut();
  const [path] = useLocation();
  const [helpOpened, help] = useDisclosure();
  const check = useAdHocCheck();
  useKeys({ '?': help.open });

  const places = PLACES.filter(({ least }) => least === undefined || person.may(least));
  const here = (place: Place) =>
    place.path === '/' ? path === '/' || path.startsWith('/alerts') : path.startsWith(place.path);
  const current = places.find(here);
  useEffect(() => {
    document.title = current === undefined ? t.name : `${t.navigation[current.key]} – ${t.name}`;
  }, [current, t]);

  const link = (place: Place) => (
    <Link
      key={place.path}
      href={place.path}
      className={classes.place}
      aria-current={here(place) ? 'page' : undefined}
    >
      <place.icon size={20} stroke={1.7} aria-hidden />
      <span>{t.navigation[place.key]}</span>
    </Link>
  );

  return (
    <div className={classes.frame} data-demo={session.demo || undefined}>
      <a className={classes.skip} href="#content">
        {t.navigation.skip}
      </a>
      {session.demo && (
        <div className={classes.banner} role="note">
          {t.shell.demo}
        </div>
      )}
      <header className={classes.side}>
        <Link href="/" className={classes.brand} aria-label={t.name}>
          <Seal size={30} />
          <span className={classes.name}>Utsushi</span>
        </Link>
        <nav className={classes.places} aria-label={t.navigation.label}>
          {places.map(link)}
        </nav>
        <div className={classes.foot}>
          <UnstyledButton className={classes.check} onClick={check.choose}>
            <IconPhotoSearch size={20} stroke={1.7} aria-hidden />
            <span>{t.navigation.check}</span>
          </UnstyledButton>
          <Text size="xs" c="dimmed" className={classes.note}>
            {t.shell.notLegal}
          </Text>
          <div className={classes.tools}>
            <Appearance />
            <Tooltip label={t.shell.help}>
              <ActionIcon variant="subtle" color="gray" aria-label={t.shell.help} onClick={help.open}>
                <IconKeyboard size={18} aria-hidden />
              </ActionIcon>
            </Tooltip>
          </div>
          <div className={classes.person}>
            <Tooltip label={live ? t.shell.live : t.shell.offline}>
              <Indicator color={live ? 'teal' : 'orange'} size={9} offset={3} processing={!live}>
                <span className={classes.avatar} aria-hidden>
                  {person.name.slice(0, 1).toUpperCase()}
                </span>
              </Indicator>
            </Tooltip>
            <div className={classes.who}>
              <Text size="sm" fw={600} truncate>
                {person.name}
              </Text>
              <Text size="xs" c="dimmed">
                {t.roles[person.role]}
              </Text>
            </div>
            {!session.demo && (
              <Tooltip label={t.shell.signOut}>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={t.shell.signOut}
                  onClick={() => signOut.mutate(undefined)}
                >
                  <IconLogout size={18} aria-hidden />
                </ActionIcon>
              </Tooltip>
            )}
          </div>
        </div>
      </header>
      <main id="content" className={classes.content} tabIndex={0}>
        {children}
      </main>
      <nav className={classes.bar} aria-label={t.navigation.label}>
        {places.slice(0, IN_BAR).map(link)}
        <Menu position="top-end" withinPortal>
          <Menu.Target>
            <UnstyledButton className={classes.place}>
              <IconDots size={20} aria-hidden />
              <span>{t.navigation.other}</span>
            </UnstyledButton>
          </Menu.Target>
          <Menu.Dropdown>
            {places.slice(IN_BAR).map((place) => (
              <Menu.Item
                key={place.path}
                component={Link}
                href={place.path}
                leftSection={<place.icon size={16} aria-hidden />}
              >
                {t.navigation[place.key]}
              </Menu.Item>
            ))}
            <Menu.Item leftSection={<IconPhotoSearch size={16} aria-hidden />} onClick={check.choose}>
              {t.navigation.check}
            </Menu.Item>
            <Menu.Divider />
            <div className={classes.tools}>
              <Appearance />
            </div>
            {!session.demo && (
              <Menu.Item
                leftSection={<IconLogout size={16} aria-hidden />}
                onClick={() => signOut.mutate(undefined)}
              >
                {t.shell.signOut}
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      </nav>
      <Suspense>
        {helpOpened && <Help close={help.close} />}
        {check.file !== undefined && <AdHocCheck file={check.file} close={check.close} />}
      </Suspense>
      {check.hovering && <DropHere />}
    </div>
  );
}
