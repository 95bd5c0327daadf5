import { signal } from '@preact/signals';
import { api } from '../api/client';
import { MultiplexedSocket } from '../socket/socket';

export type SessionState = 'unknown' | 'signedOut' | 'signedIn';

export const session = signal<SessionState>('unknown');

const url = `${window.location.protocol === 'https:' ? 'wss' : 'ws'}://${window.location.host}/api/v1/ws`;

/** A connection that is refused may mean that the session has ended (the host was reset): ask, and show the sign-in page if so. */
export const socket = new MultiplexedSocket(url, () => {
  api.session().then(
    (signedIn) => {
      if (!signedIn) {
        ended();
      }
    },
    // The server does not answer either: the socket's own back-off asks again.
    () => undefined,
  );
});

function ended(): void {
  session.value = 'signedOut';
  socket.disconnect();
}

api.signedOut = ended;

export async function signOut(): Promise<void> {
  await api.signOut();
  ended();
}
