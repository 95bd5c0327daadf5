import { useState } from 'preact/hooks';
import { Button } from '../components/basics';
import { QuestionDialog } from '../components/dialog';
import { CloneDialog } from './clone';
import { ErrorBoundary, Loading, useClock } from '../components/feedback';
import { Toasts } from '../components/toasts';
import { session, signOut, socket } from '../store/connection';
import { hash, route } from '../store/route';
import { CreateView } from './create';
import { ConsoleDock } from './dock';
import { EventsView } from './events';
import { JobsView } from './jobs';
import { MachineView } from './machine';
import { MachinesView } from './machines';
import { Sidebar } from './sidebar';
import { SignIn } from './sign-in';
import { Strip } from './strip';
import { TasksView } from './tasks';

export function Page() {
  switch (session.value) {
    case 'unknown':
      return <main class="centre"><Loading what="the session" /></main>;
    case 'signedOut':
      return <SignIn />;
    case 'signedIn':
      return <Shell />;
  }
}

function Shell() {
  const [menu, setMenu] = useState(false);
  return (
    <div class={`shell ${menu ? 'menu-open' : ''}`}>
      <a class="skip" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById('content')?.focus(); }}>Skip to the content</a>
      <header class="topbar">
        <span class="only-narrow"><Button icon="menu" tone="ghost" label="Menu" pressed={menu} onClick={() => setMenu(!menu)} /></span>
        <a class="brand" href="#/"><img src="/favicon.svg" alt="" width={20} height={20} />Hypervisor<b>.Sdk</b></a>
        <Strip />
        <Connection />
        <Button icon="out" tone="ghost" label="Sign out" onClick={() => void signOut()} />
      </header>
      <Sidebar close={() => setMenu(false)} />
      <button type="button" class="veil" aria-label="Close the menu" tabIndex={-1} onClick={() => setMenu(false)} />
      <main id="content" tabIndex={-1}>
        <Offline />
        <ErrorBoundary of={hash.value}><View /></ErrorBoundary>
      </main>
      <ConsoleDock />
      <Toasts />
      <QuestionDialog />
      <CloneDialog />
    </div>
  );
}

function View() {
  const at = route.value;
  switch (at.view) {
    case 'machines':
      return <MachinesView />;
    case 'create':
      return <CreateView />;
    case 'events':
      return <EventsView />;
    case 'tasks':
      return <TasksView />;
    case 'jobs':
      return <JobsView key={at.machine} machine={at.machine} />;
    case 'machine':
      return <MachineView backend={at.backend} id={at.id} tab={at.tab} />;
  }
}

function Connection() {
  const state = socket.state.value;
  const text = state === 'online' ? 'Live' : state === 'connecting' ? 'Connecting' : 'Offline';
  return <span class={`link-state ${state}`} role="status" title={state === 'online' ? 'Changes are shown as they happen' : 'What is shown may be out of date'}><i aria-hidden="true" />{text}</span>;
}

function Offline() {
  const now = useClock(500);
  const retryAt = socket.retryAt.value;
  if (socket.state.value !== 'offline') {
    return null;
  }
  const seconds = retryAt === undefined ? 0 : Math.max(0, Math.ceil((retryAt - now) / 1000));
  return (
    <div class="banner" role="alert">
      <p>The connection to the host is lost; what you see is from before. {seconds > 0 ? `Next attempt in ${seconds} s.` : 'Connecting …'}</p>
      <Button small onClick={() => socket.connect()}>Connect now</Button>
    </div>
  );
}
