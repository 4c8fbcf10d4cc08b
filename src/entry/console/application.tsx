import { Center, Loader } from '@mantine/core';
import { Suspense, lazy } from 'react';
import { Route, Switch } from 'wouter';
import { PersonContext, useSession } from './api/session.ts';
import { Inbox } from './inbox/inbox.tsx';
import { Empty, Failed, Loading } from './parts/states.tsx';
import { Frame } from './shell/frame.tsx';
import { useText } from './text/index.tsx';
import { Workbench } from './workbench/workbench.tsx';

// Where reviewers live is there from the first; React holds back what it had to wait for by a third of a second.
const SignIn = lazy(() => import('./shell/sign-in.tsx'));
const Watch = lazy(() => import('./watch/watch.tsx'));
const Assets = lazy(() => import('./assets/assets.tsx'));
const Asset = lazy(() => import('./assets/asset.tsx'));
const Cases = lazy(() => import('./cases/cases.tsx'));
const Case = lazy(() => import('./cases/case.tsx'));
const Monitors = lazy(() => import('./monitors/monitors.tsx'));
const Reports = lazy(() => import('./reports/reports.tsx'));
const System = lazy(() => import('./system/system.tsx'));
const Notices = lazy(() => import('./notices/notices.tsx'));
const Rules = lazy(() => import('./rules/rules.tsx'));
const Webhooks = lazy(() => import('./webhooks/webhooks.tsx'));
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
  if (user === null) {
    return (
      <Suspense fallback={<Loading />}>
        <SignIn session={session.data} />
      </Suspense>
    );
  }
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
            <Route path="/rules" component={Rules} />
            <Route path="/people" component={People} />
            <Route path="/webhooks" component={Webhooks} />
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
