import { signal } from '@preact/signals';
import { api } from '../api/client';
import { Button } from '../components/basics';
import { ask } from '../components/dialog';
import type { IconName } from '../components/icon';
import type { Instance } from '../model';
import { leave } from '../store/instances';
import { run, start, tasks } from '../store/operations';
import { go, route } from '../store/route';
import { cloning } from './clone';

/** The machine whose console is docked at the bottom of the page. */
export const docked = signal<{ backend: string; id: string } | undefined>(undefined);

interface Action {
  name: string;
  icon: IconName;
  on: readonly string[];
  danger?: boolean;
  /** Of machines only, of templates only; else of both. */
  of?: 'machine' | 'template';
  /** Only where there is room: not in rows and cards. */
  roomy?: boolean;
  begin: (instance: Instance) => void;
}

const call = (name: string, path: string, body?: unknown) => (instance: Instance) => start(name, instance.name, () => api.act(instance, path, body));

async function confirmed(instance: Instance, title: string, text: string, confirm: string, begin: () => void): Promise<void> {
  if (await ask({ title: `${title} ${instance.name}?`, text, confirm, danger: true })) {
    begin();
  }
}

const alive = ['running', 'paused', 'starting', 'stopping', 'suspended', 'unknown'];

/** What can be asked of a machine, and in which states. The server decides; this only keeps buttons quiet that would be refused. */
export const actions: readonly Action[] = [
  { name: 'Start', icon: 'play', on: ['stopped', 'crashed', 'suspended'], of: 'machine', begin: call('Start', 'start') },
  { name: 'Shut down', icon: 'power', on: ['running'], begin: call('Shut down', 'stop', { gracePeriod: 60, forceAfterGrace: false }) },
  { name: 'Restart', icon: 'restart', on: ['running'], begin: call('Restart', 'restart', { gracePeriod: 30, forceAfterGrace: true }) },
  { name: 'Pause', icon: 'pause', on: ['running'], begin: call('Pause', 'pause') },
  { name: 'Resume', icon: 'play', on: ['paused'], begin: call('Resume', 'resume') },
  { name: 'Clone', icon: 'copy', on: ['stopped'], roomy: true, begin: (instance) => { cloning.value = instance; } },
  { name: 'Make template', icon: 'template', on: ['stopped'], of: 'machine', roomy: true, begin: call('Make template', 'template') },
  { name: 'Make machine', icon: 'template', on: ['stopped'], of: 'template', roomy: true, begin: (instance) => start('Make machine', instance.name, () => api.unmakeTemplate(instance)) },
  {
    name: 'Force off', icon: 'stop', on: alive, danger: true,
    begin: (instance) => void confirmed(instance, 'Force off', 'The machine is switched off at once, as by pulling the plug. What it has not written is lost.', 'Force off',
      () => start('Force off', instance.name, () => api.act(instance, 'stop', { gracePeriod: 0, forceAfterGrace: true }))),
  },
  { name: 'Delete', icon: 'trash', on: [...alive, 'stopped', 'crashed'], danger: true, begin: (instance) => void remove(instance) },
];

async function remove(instance: Instance): Promise<void> {
  const disks = (instance.disks ?? []).filter((disk) => disk.disposal === 'deletedWithInstance').length;
  const yes = await ask({
    title: `Delete ${instance.name}`,
    text: `${instance.state === 'stopped' ? 'The machine' : 'The machine is switched off at once. It'} and its snapshots are deleted${disks > 0 ? `, and ${disks === 1 ? 'its disk' : `${disks} disks`} with all content` : ''}. This cannot be undone.`,
    confirm: 'Delete', danger: true, typed: instance.name,
  });
  if (!yes) {
    return;
  }
  if (docked.value?.backend === instance.backend && docked.value.id === instance.id) {
    docked.value = undefined;
  }
  const at = route.value;
  if (at.view === 'machine' && at.id === instance.id) {
    go('#/');
  }
  // Its toast says how it ended.
  leave(instance, () => run('Delete', instance.name, () => api.remove(instance))).catch(() => undefined);
}

/** `compact`: icons only, and the console; for rows and cards. */
export function ActionBar({ instance, compact }: { instance: Instance; compact?: boolean }) {
  const busy = tasks.value.some((task) => task.endedAt === undefined && task.target === instance.name);
  const kind = instance.isTemplate ? 'template' : 'machine';
  const fitting = actions.filter((action) => action.on.includes(instance.state) && (action.of ?? kind) === kind && !(compact && action.roomy));
  return (
    <div class={`actions ${compact ? 'compact' : ''}`} role="group" aria-label={`Actions for ${instance.name}`}>
      {compact && <Button icon="terminal" tone="ghost" small label={`Console of ${instance.name}`} disabled={instance.state === 'stopped'} onClick={() => (docked.value = { backend: instance.backend, id: instance.id })} />}
      {fitting.map((action) => (compact
        ? <Button key={action.name} icon={action.icon} small tone="ghost" label={`${action.name}: ${instance.name}`} disabled={busy} onClick={() => action.begin(instance)} />
        : <Button key={action.name} icon={action.icon} tone={action.danger ? 'danger' : 'plain'} disabled={busy} onClick={() => action.begin(instance)}>{action.name}</Button>))}
    </div>
  );
}

