import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { api } from '../api/client';
import { Button, Input } from '../components/basics';
import { messageOf } from '../components/feedback';
import { session } from '../store/connection';

/** Why the token of the address was not taken, if there was one. */
export const signInError = signal<unknown>(undefined);

export function SignIn() {
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  const error = signInError.value;

  const submit = async () => {
    setBusy(true);
    signInError.value = undefined;
    try {
      await api.signIn(token.trim());
      session.value = 'signedIn';
    } catch (failure) {
      signInError.value = failure;
      setBusy(false);
    }
  };
  return (
    <main class="centre">
      <form class="sign-in" onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <img src="/favicon.svg" alt="" width={44} height={44} />
        <h1>Hypervisor<b>.Sdk</b></h1>
        <p class="hint">Virtual machines on this host</p>
        <Input label="Sign-in token" name="token" secret value={token} onValue={setToken} required autofocus
          error={error === undefined ? undefined : messageOf(error)} hint={<>A token works once. <code>./run --token</code> prints a new one.</>} />
        <Button submit tone="primary" icon="key" busy={busy} disabled={token.trim() === ''}>Sign in</Button>
      </form>
    </main>
  );
}
