import { computed, signal } from '@preact/signals';
import { api, ApiError, type InstanceAddress } from '../api/client';
import type { BackendEvent, Instance } from '../model';
import { knowBackends, recordBackend, recordEvent } from './events';
import { socket } from './connection';

export const keyOf = (at: InstanceAddress): string => `${at.backend}/${at.id}`;

const known = new Map<string, Instance>();
const stale = new Set<string>();
const refetching = new Map<string, number>();

/** Deleted, or about to be: what events still say about them is not looked into. An id that is given again is a new machine. */
const gone = new Set<string>();
const version = signal(0);
let scheduled = false;

/** False until the first complete list has come. */
export const synchronized = signal(false);

/** Every machine that the server knows, by name. */
export const instances = computed<Instance[]>(() => {
  void version.value;
  return [...known.values()].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }) || a.id.localeCompare(b.id));
});

export const stateCounts = computed<[string, number][]>(() => {
  const counts = new Map<string, number>();
  for (const instance of instances.value) {
    counts.set(instance.state, (counts.get(instance.state) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
});

export const findInstance = (key: string): Instance | undefined => (void version.value, known.get(key));

/** Follows all machines for as long as the page is signed in. */
export function followInstances(): void {
  socket.channel({ kind: 'events' }, {
    opened: () => {
      markStale(undefined);
      // Where this fails, the names of the backends come with their machines.
      api.backends().then((backends) => {
        knowBackends(backends);
        synchronized.value ||= backends.length === 0;
      }, () => undefined);
    },
    message: (message) => {
      const backend = String(message['backend'] ?? '');
      if (message['op'] === 'event') {
        receive(backend, message['event'] as BackendEvent);
      } else if (message['op'] === 'backend') {
        recordBackend(backend, String(message['state'] ?? ''), message['reason'] as string | undefined);
        // From this one nothing comes for now: the others are not to wait for it.
        synchronized.value ||= message['state'] === 'disconnected';
      }
    },
  }, true);
}

export function forgetInstances(): void {
  known.clear();
  stale.clear();
  gone.clear();
  synchronized.value = false;
  changed();
}

function receive(backend: string, event: BackendEvent): void {
  const id = event.instance?.id ?? event.id;
  const key = id === undefined ? '' : keyOf({ backend, id });
  const before = known.get(key);
  switch (event.kind) {
    case 'instanceObserved':
      known.set(key, { ...event.instance!, backend });
      stale.delete(key);
      gone.delete(key);
      break;
    case 'synchronized':
      dropStale(backend);
      synchronized.value = true;
      break;
    case 'eventGap':
      markStale(backend);
      break;
    case 'instanceDeleted':
      window.clearTimeout(refetching.get(key));
      gone.add(key);
      known.delete(key);
      break;
    case 'instanceStateChanged':
      if (before && event.to) {
        known.set(key, withState(before, event.to, event.reason));
      }
      refetch({ backend, id: id! });
      break;
    case 'instanceCreated':
      gone.delete(key);
      refetch({ backend, id: id! });
      break;
    case 'instanceChanged':
      refetch({ backend, id: id! });
      break;
  }
  recordEvent(backend, event, before?.name ?? event.instance?.name);
  changed();
}

function withState(instance: Instance, state: string, reason: string | undefined): Instance {
  const { stateReason: _, ...rest } = instance;
  return { ...rest, state, ...(reason === undefined ? {} : { stateReason: reason }) };
}

/** Events say what changed, not how it is now. Several in a row cost one request. */
function refetch(at: InstanceAddress): void {
  const key = keyOf(at);
  window.clearTimeout(refetching.get(key));
  if (gone.has(key)) {
    return;
  }
  refetching.set(key, window.setTimeout(() => void load(at), 80));
}

/** Deletes a machine; its last events are not looked into, because it may be gone before the answer. */
export async function leave<T>(at: InstanceAddress, deletion: () => Promise<T>): Promise<T> {
  const key = keyOf(at);
  gone.add(key);
  window.clearTimeout(refetching.get(key));
  try {
    return await deletion();
  } catch (error) {
    gone.delete(key);
    refetch(at);
    throw error;
  }
}

export async function load(at: InstanceAddress): Promise<void> {
  try {
    known.set(keyOf(at), await api.instance(at));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) {
      known.delete(keyOf(at));
    }
  }
  changed();
}

function markStale(backend: string | undefined): void {
  for (const instance of known.values()) {
    if (backend === undefined || instance.backend === backend) {
      stale.add(keyOf(instance));
    }
  }
}

function dropStale(backend: string): void {
  for (const key of [...stale]) {
    if (backend === '' || key.startsWith(`${backend}/`)) {
      stale.delete(key);
      known.delete(key);
    }
  }
}

/** Many events, one drawing. */
function changed(): void {
  if (!scheduled) {
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      version.value++;
    });
  }
}
