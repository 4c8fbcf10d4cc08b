import { Alert, Button, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useHash } from '@mantine/hooks';
import { ApiError } from '../api/client.ts';
import { useRedeemLink, useSignIn } from '../api/session.ts';
import type { Session } from '../api/types.ts';
import { useErrorText } from '../parts/states.tsx';
import { useText } from '../text/index.tsx';
import { Appearance } from './appearance.tsx';
import classes from './sign-in.module.css';
import { Seal } from './seal.tsx';

/** Behind the `#`, so that no server's log holds the secret. */
const LINK = /^#\/link\/([\w-]+)$/;
const SHORTEST = 12;

/** Name and password, or the one-time link with which an account gets its password. */
export default function SignIn({ session }: { session: Session }) {
  const t = useText().signIn;
  const [hash] = useHash();
  const token = LINK.exec(hash)?.[1];
  return (
    <main className={classes.page}>
      <div className={classes.corner}>
        <Appearance />
      </div>
      <Paper className={classes.card} withBorder radius="lg" p="xl">
        <Stack gap="lg">
          <div className={classes.brand}>
            <Seal size={44} />
            <Title order={1} size="h2">
              Utsushi <span lang="ja">写し</span>
            </Title>
          </div>
          <Text size="sm" c="dimmed">
            {t.lead}
          </Text>
          {token === undefined ? <Password session={session} /> : <FirstPassword token={token} />}
        </Stack>
      </Paper>
    </main>
  );
}

function Password({ session }: { session: Session }) {
  const t = useText().signIn;
  const signIn = useSignIn();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate({ name, password });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {session.setup && <Alert variant="light">{t.setup}</Alert>}
        <TextInput
          label={t.name}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          autoComplete="username"
          required
          autoFocus
        />
        <PasswordInput
          label={t.password}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="current-password"
          required
        />
        <Refused error={signIn.error} />
        <Button type="submit" loading={signIn.isPending}>
          {t.submit}
        </Button>
        {session.oidc && (
          <Button component="a" href="/api/session/oidc" variant="default">
            {t.oidc}
          </Button>
        )}
      </Stack>
    </form>
  );
}

function FirstPassword({ token }: { token: string }) {
  const t = useText().signIn;
  const redeem = useRedeemLink();
  const [password, setPassword] = useState('');
  const [repeated, setRepeated] = useState('');
  const [tried, setTried] = useState(false);
  const short = password.length < SHORTEST;
  const different = password !== repeated;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (short || different) return;
    redeem.mutate({ token, password }, { onSuccess: () => history.replaceState(null, '', '/') });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Title order={2} size="h4">
          {t.linkTitle}
        </Title>
        <Text size="sm">{t.linkLead}</Text>
        <PasswordInput
          label={t.newPassword}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="new-password"
          error={tried && short && t.tooShort}
          autoFocus
        />
        <PasswordInput
          label={t.repeat}
          value={repeated}
          onChange={(event) => setRepeated(event.currentTarget.value)}
          autoComplete="new-password"
          error={tried && different && t.mismatch}
        />
        <Refused error={redeem.error} />
        <Button type="submit" loading={redeem.isPending}>
          {t.start}
        </Button>
      </Stack>
    </form>
  );
}

function Refused({ error }: { error: Error | null }) {
  const t = useText().signIn;
  const explain = useErrorText();
  if (error === null) return null;
  const wrong = error instanceof ApiError && error.status === 401;
  const { title, detail } = explain(error);
  return (
    <Alert color="red" variant="light" role="alert" title={wrong ? t.wrong : title}>
      {wrong ? null : detail}
    </Alert>
  );
}
