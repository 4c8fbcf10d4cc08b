import { Center, Loader } from '@mantine/core';
import { Suspense, lazy } from 'react';
import { Route, Switch } from 'wouter';
import { PersonContext, useSession } from './api/session.ts';
import { Empty, Failed, Loading } from './parts/states.tsx';
import { Frame } from './shell/frame.tsx';
import { SignIn } from './shell/sign-in.tsx';
import { useText } from './text/index.tsx';

const inbox = () => import('./inbox/inbox.tsx');
const workbench = () => import('./workbench/workbench.tsx');
// The page that the address names is fetched while the server says who is signed in.
if (window.location.pathname === '/') void inbox();
if (window.location.pathname.startsWith('/alerts/')) void workbench();
const Inbox = lazy(inbox);
const Workbench = lazy(workbench);
const Watch = lazy(() => import('./watch/watch.tsx'));
const Assets = lazy(() => import('./assets/assets.tsx'));
const Asset = lazy(() => import('./assets/asset.tsx'));
const Cases = lazy(() => import('./cases/cases.tsx'));
const Case = lazy(() => import('./cases/case.tsx'));
const Monitors = lazy(() => import('./monitors/monitors.tsx'));
const Reports = lazy(() => import('./reports/reports.tsx'));
const System = lazy(() => import('./system/system.tsx'));
const Notices = lazy(() => import('./notices/notices.tsx'));
const People = lazy(() => import('./people/people.tsx'));

export function Application() {
  const session = useSession();
  if (session.isPending) {
    return (
      <Center h="100%">
        <Loader type="dots" />
      </Center>
    );
  }
  if (session.isError) return <Failed error={session.error} retry={() => void session.refetch()} />;
  const { user } = session.data;
  if (user === null) return <SignIn session={session.data} />;
  return (
    <PersonContext value={user}>
      <Frame session={session.data}>
        <Suspense fallback={<Loading />}>
          <Switch>
            <Route path="/" component={Inbox} />
            <Route path="/alerts/:id" component={Workbench} />
            <Route path="/watch" component={Watch} />
            <Route path="/assets" component={Assets} />
            <Route path="/assets/:id" component={Asset} />
            <Route path="/cases" component={Cases} />
            <Route path="/cases/:id" component={Case} />
            <Route path="/monitors" component={Monitors} />
            <Route path="/reports" component={Reports} />
            <Route path="/system" component={System} />
            <Route path="/notices" component={Notices} />
            <Route path="/people" component={People} />
            <Route component={NotFound} />
          </Switch>
        </Suspense>
      </Frame>
    </PersonContext>
  );
}

function NotFound() {
  return <Empty title={useText().errors.not_found} />;
}
