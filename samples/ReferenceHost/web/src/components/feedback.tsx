import { Component, type ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { Button } from './basics';
import { Icon, type IconName } from './icon';

export function Loading({ what }: { what: string }) {
  return <div class="notice" role="status"><span class="spinner" aria-hidden="true" /><p>Loading {what} …</p></div>;
}

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return <div class="notice"><Icon name={icon} size={26} /><h3>{title}</h3>{children !== undefined && <div class="notice-text">{children}</div>}</div>;
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export function ErrorNotice({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = error instanceof ApiError ? error.problem : undefined;
  return (
    <div class="notice bad" role="alert">
      <Icon name="warning" size={24} />
      <p>{messageOf(error)}</p>
      {problem?.code && <p class="hint">{[problem.code, problem.outcome, problem.backendCode].filter(Boolean).join(' · ')}</p>}
      {retry && <Button icon="restart" onClick={retry}>Try again</Button>}
    </div>
  );
}

/** A view that throws while it is drawn takes only itself down. */
export class ErrorBoundary extends Component<{ children: ComponentChildren; of: string }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static override getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override componentDidUpdate(previous: Readonly<{ of: string }>): void {
    if (previous.of !== this.props.of && this.state.error !== undefined) {
      this.setState({ error: undefined });
    }
  }

  override render() {
    return this.state.error === undefined ? this.props.children : <ErrorNotice error={this.state.error} retry={() => this.setState({ error: undefined })} />;
  }
}

export interface Loaded<T> {
  value: T | undefined;
  error: unknown;
  loading: boolean;
  reload: () => void;
}

/** Asks the server when `key` or `version` changes and when told to; keeps the old answer of that key while it asks, and never takes the answer to an older question. */
export function useLoaded<T>(key: string, ask: () => Promise<T>, version = 0): Loaded<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: unknown; loading: boolean }>({ key, loading: true });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let current = true;
    setState((before) => (before.key === key ? { ...before, loading: true } : { key, loading: true }));
    ask().then(
      (value) => current && setState({ key, value, loading: false }),
      (error: unknown) => current && setState((before) => ({ ...before, error, loading: false })),
    );
    return () => {
      current = false;
    };
  }, [key, round, version]);
  return { value: state.key === key ? state.value : undefined, error: state.error, loading: state.loading, reload: () => setRound((before) => before + 1) };
}

/** Draws again every so often: for spans of time that grow. */
export function useClock(intervalMs: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), intervalMs);
    return () => window.clearInterval(timer);
  }, [intervalMs]);
  return now;
}
