import { effect } from '@preact/signals';
import { render } from 'preact';
import { api } from './api/client';
import { session, socket } from './store/connection';
import { followInstances, forgetInstances } from './store/instances';
import { followMetrics } from './store/metrics';
import { hash } from './store/route';
import { Page } from './views/page';
import { signInError } from './views/sign-in';

/** The token of an address like /#token=…, which is removed from the address (and its history) before anything else happens. */
function takeToken(): string | undefined {
  const match = /^#token=(.+)$/.exec(window.location.hash);
  if (!match) {
    return undefined;
  }
  window.history.replaceState(undefined, '', window.location.pathname);
  hash.value = '';
  return match[1];
}

async function begin(): Promise<void> {
  const token = takeToken();
  try {
    if (await api.session()) {
      session.value = 'signedIn';
      return;
    }
    if (token !== undefined) {
      await api.signIn(token);
      session.value = 'signedIn';
      return;
    }
  } catch (error) {
    signInError.value = error;
  }
  session.value = 'signedOut';
}

// Signed in: one socket, with the machines' events and everybody's metrics on it for as long as the session lasts.
effect(() => {
  if (session.value === 'signedIn') {
    followInstances();
    followMetrics();
    socket.connect();
    return forgetInstances;
  }
  return undefined;
});

// Somebody opens the address with a new token where the page is open already.
window.addEventListener('hashchange', () => {
  if (window.location.hash.startsWith('#token=')) {
    void begin();
  }
});

render(<Page />, document.getElementById('page')!);
void begin();
