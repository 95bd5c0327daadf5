import { computed, signal } from '@preact/signals';

/** The page's place, in the part of the address after '#': never sent to the server. */
export const hash = signal(window.location.hash);

window.addEventListener('hashchange', () => {
  hash.value = window.location.hash;
});

export type Route =
  | { view: 'machines' | 'create' | 'events' | 'tasks' }
  | { view: 'jobs'; machine: string }
  | { view: 'machine'; backend: string; id: string; tab: string };

export const route = computed<Route>(() => parseRoute(hash.value));

export function parseRoute(text: string): Route {
  const [view, backend, id, tab] = text.replace(/^#\/?/, '').split('/').map(decode);
  if (view === 'machine' && backend && id) {
    return { view, backend, id, tab: tab || 'summary' };
  }
  if (view === 'jobs') {
    return { view, machine: backend ?? '' };
  }
  return { view: view === 'create' || view === 'events' || view === 'tasks' ? view : 'machines' };
}

export const machineLink = (at: { backend: string; id: string }, tab = 'summary'): string =>
  `#/machine/${encodeURIComponent(at.backend)}/${encodeURIComponent(at.id)}/${tab}`;

/** The jobs of one machine. */
export const jobsLink = (machine: string): string => `#/jobs/${encodeURIComponent(machine)}`;

export function go(link: string): void {
  window.location.hash = link;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
