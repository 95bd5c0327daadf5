import { Icon, type IconName } from '../components/icon';
import { StateDot } from '../components/basics';
import { Sparkline } from '../components/charts';
import { formatPercent } from '../format';
import { instances, keyOf } from '../store/instances';
import { backendLinks } from '../store/events';
import { instanceSeries } from '../store/metrics';
import { runningTasks } from '../store/operations';
import { machineLink, route } from '../store/route';

export function Sidebar({ close }: { close: () => void }) {
  const at = route.value;
  // A backend without machines is worth a line only when something is wrong with it.
  const troubled = Object.entries(backendLinks.value).filter(([, link]) => link.state === 'disconnected').map(([backend]) => backend);
  const backends = [...new Set([...troubled, ...instances.value.map((instance) => instance.backend)])].sort();
  return (
    <nav class="sidebar" aria-label="Main" onClick={(event) => (event.target as Element).closest('a') && close()}>
      <Item icon="machines" link="#/" active={at.view === 'machines'} count={instances.value.length}>Machines</Item>
      <Item icon="plus" link="#/create" active={at.view === 'create'}>New machine</Item>
      <Item icon="events" link="#/events" active={at.view === 'events'}>Events</Item>
      <Item icon="tasks" link="#/tasks" active={at.view === 'tasks'} count={runningTasks.value.length || undefined}>Tasks</Item>
      <Item icon="clock" link="#/jobs" active={at.view === 'jobs'}>Jobs</Item>
      {backends.map((backend) => (
        <div class="tree" key={backend}>
          <h2>{backend}<BackendState backend={backend} /></h2>
          {instances.value.filter((instance) => instance.backend === backend).map((instance) => {
            const samples = instanceSeries.value.get(keyOf(instance))?.samples ?? [];
            const cpu = samples[samples.length - 1]?.cpu;
            const here = at.view === 'machine' && at.backend === backend && at.id === instance.id;
            return (
              <a key={instance.id} href={machineLink(instance, at.view === 'machine' ? at.tab : 'summary')} class={`tree-item ${here ? 'active' : ''}`} aria-current={here ? 'page' : undefined}>
                <StateDot state={instance.state} />
                <span class="cut">{instance.name || instance.id}</span>
                {instance.state === 'running' && <Sparkline points={samples.map((sample) => [sample.at, sample.cpu] as const)} max={1} width={40} height={14} label={`CPU ${formatPercent(cpu)}`} />}
              </a>
            );
          })}
        </div>
      ))}
    </nav>
  );
}

function Item({ icon, link, active, count, children }: { icon: IconName; link: string; active: boolean; count?: number | undefined; children: string }) {
  return (
    <a class={`nav-item ${active ? 'active' : ''}`} href={link} aria-current={active ? 'page' : undefined}>
      <Icon name={icon} /><span>{children}</span>{count !== undefined && <span class="nav-count">{count}</span>}
    </a>
  );
}

function BackendState({ backend }: { backend: string }) {
  const link = backendLinks.value[backend];
  return link && link.state !== 'connected' && link.state !== 'idle' ? <span class="bad-text" title={link.reason}>{link.state}</span> : null;
}
