import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Badge, StateBadge } from '../components/basics';
import { Empty, ErrorBoundary, Loading } from '../components/feedback';
import { Icon, type IconName } from '../components/icon';
import type { Instance } from '../model';
import { findInstance, keyOf, synchronized } from '../store/instances';
import { jobsLink, machineLink } from '../store/route';
import { ActionBar } from './actions';
import { ConfigurationTab } from './configuration';
import { ConsoleLogTab } from './console-log';
import { DisksTab } from './disks';
import { FilesTab } from './files';
import { MetricsTab } from './metrics';
import { NativeTab } from './native';
import { PortsTab } from './ports';
import { ScreenTab } from './screen';
import { SnapshotsTab } from './snapshots';
import { SummaryTab } from './summary';
import { TerminalPane } from './terminal';

type View = (props: { instance: Instance }) => JSX.Element;

/** Which kind of instance has a tab; all, where none is named. */
const tabs: readonly [id: string, label: string, icon: IconName, view: View, kind?: string][] = [
  ['summary', 'Summary', 'machines', SummaryTab],
  ['console', 'Console', 'terminal', TerminalPane],
  ['screen', 'Screen', 'screen', ScreenTab, 'virtualMachine'],
  ['files', 'Files', 'template', FilesTab, 'container'],
  ['ports', 'Ports', 'network', PortsTab, 'container'],
  ['snapshots', 'Snapshots', 'camera', SnapshotsTab],
  ['disks', 'Disks', 'disk', DisksTab, 'virtualMachine'],
  ['configuration', 'Configuration', 'chip', ConfigurationTab],
  ['metrics', 'Metrics', 'events', MetricsTab],
  ['log', 'Boot log', 'tasks', ConsoleLogTab],
  ['native', 'Native', 'expand', NativeTab],
];

/** On a phone not all tabs fit: the one that is shown is moved into sight. */
function useVisibleTab(active: string) {
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    const tab = nav.current?.querySelector<HTMLElement>('.active');
    if (tab && nav.current) {
      nav.current.scrollLeft = tab.offsetLeft - (nav.current.clientWidth - tab.clientWidth) / 2;
    }
  }, [active]);
  return nav;
}

export function MachineView({ backend, id, tab }: { backend: string; id: string; tab: string }) {
  const nav = useVisibleTab(tab);
  const instance = findInstance(keyOf({ backend, id }));
  if (!instance) {
    return synchronized.value ? <Empty icon="machines" title="This machine does not exist"><p>It may have been deleted. <a href="#/">All machines</a></p></Empty> : <Loading what="the machine" />;
  }
  const fitting = tabs.filter(([, , , , kind]) => kind === undefined || kind === instance.kind);
  const [active, , , View] = fitting.find(([name]) => name === tab) ?? fitting[0]!;
  return (
    <article class="machine" data-name={instance.name} data-state={instance.state}>
      <header class="machine-head">
        <div class="title">
          <h1>{instance.name || instance.id}</h1>
          <StateBadge state={instance.state} reason={instance.stateReason} />
          {instance.isTemplate && <Badge>template</Badge>}
          {instance.hasPendingChanges && <Badge tone="warn">changes wait for the next start</Badge>}
          {instance.stateReason && <span class="hint">{instance.stateReason}</span>}
        </div>
        <ActionBar instance={instance} />
        <a class="button plain small" href={jobsLink(instance.name || instance.id)}><Icon name="tasks" /><span>Jobs</span></a>
      </header>
      <nav class="tabs" ref={nav} aria-label={`Parts of ${instance.name}`}>
        {fitting.map(([name, label, icon]) => <a key={name} href={machineLink(instance, name)} class={name === active ? 'active' : ''} aria-current={name === active ? 'page' : undefined}><Icon name={icon} size={14} />{label}</a>)}
      </nav>
      <div class={`tab-body tab-${active}`}>
        <ErrorBoundary of={`${keyOf(instance)}/${active}`}><View key={`${keyOf(instance)}/${active}`} instance={instance} /></ErrorBoundary>
      </div>
    </article>
  );
}
