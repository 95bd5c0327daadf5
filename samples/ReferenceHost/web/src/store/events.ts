import { signal } from '@preact/signals';
import type { Backend, BackendEvent } from '../model';

export interface FeedEntry {
  number: number;
  at: string;
  backend: string;
  kind: string;
  id?: string;
  name?: string;
  text: string;
  tone: 'good' | 'bad' | 'info' | 'muted';
}

const maxEntries = 500;
let count = 0;

/** What happened since the page was opened, newest first. */
export const feed = signal<FeedEntry[]>([]);

export interface BackendLink {
  state: string;
  reason?: string;
}

/** How the server reaches its backends, where it has said so. */
export const backendLinks = signal<Record<string, BackendLink>>({});

export function recordBackend(backend: string, state: string, reason: string | undefined): void {
  backendLinks.value = { ...backendLinks.value, [backend]: reason === undefined ? { state } : { state, reason } };
  add({ at: new Date().toISOString(), backend, kind: 'backend', text: reason ? `${state}: ${reason}` : state, tone: state === 'connected' ? 'good' : state === 'disconnected' ? 'bad' : 'info' });
}

/** How things stand at the beginning, which nobody announces. */
export function knowBackends(backends: readonly Backend[]): void {
  backendLinks.value = Object.fromEntries(backends.map(({ name, state }) => [name, { state: state ?? 'connected' }]));
}

export function recordEvent(backend: string, event: BackendEvent, name: string | undefined): void {
  const line = describeEvent(event);
  if (line) {
    add({ at: event.at ?? new Date().toISOString(), backend, kind: event.kind, ...line, ...(event.id === undefined ? {} : { id: event.id }), ...(name === undefined ? {} : { name }) });
  }
}

/** A line of the feed; nothing for the snapshot that a subscription begins with. */
export function describeEvent(event: BackendEvent): Pick<FeedEntry, 'text' | 'tone'> | undefined {
  switch (event.kind) {
    case 'instanceObserved':
    case 'synchronized':
      return undefined;
    case 'instanceCreated':
      return { text: 'created', tone: 'good' };
    case 'instanceDeleted':
      return { text: 'deleted', tone: 'muted' };
    case 'instanceChanged':
      return { text: 'configuration changed', tone: 'info' };
    case 'instanceStateChanged': {
      const text = `${event.from && event.from !== event.to ? `${event.from} → ` : ''}${event.to ?? 'unknown'}${event.reason ? ` (${event.reason})` : ''}`;
      return { text, tone: event.to === 'running' ? 'good' : event.to === 'crashed' ? 'bad' : 'info' };
    }
    case 'eventGap':
      return { text: `events were lost: ${event.reason ?? 'the whole list is read again'}`, tone: 'bad' };
    default:
      return { text: event.nativeType ?? event.kind, tone: 'muted' };
  }
}

function add(entry: Omit<FeedEntry, 'number'>): void {
  feed.value = [{ number: ++count, ...entry }, ...feed.value].slice(0, maxEntries);
}
