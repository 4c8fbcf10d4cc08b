import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client.ts';
import type { Profile } from '../api/types.ts';
import { Page } from '../parts/page.tsx';
import { Answered } from '../parts/states.tsx';
import { useText } from '../text/index.tsx';
import { ProfileForm } from './profile-form.tsx';
import { Templates } from './templates.tsx';

/** In whose name notices are written, and with which words. */
export default function Notices() {
  const t = useText();
  const profile = useQuery({
    queryKey: ['profile'],
    queryFn: ({ signal }) => api<Profile>('/profile', { signal }),
  });
  return (
    <Page title={t.navigation.notices}>
      <Answered by={profile}>{(data) => <ProfileForm key={JSON.stringify(data)} of={data} />}</Answered>
      <Templates />
    </Page>
  );
}
