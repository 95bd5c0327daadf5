import { signal } from '@preact/signals';
import { Badge, Button, Card, Select, StateBadge } from '../components/basics';
import { Sparkline } from '../components/charts';
import { Empty, Loading, useClock } from '../components/feedback';
import { Icon } from '../components/icon';
import { formatBytes, formatPercent, formatRate, formatUptime, formatWord, unknown } from '../format';
import type { Instance } from '../model';
import { backendLinks } from '../store/events';
import { instances, keyOf, stateCounts, synchronized } from '../store/instances';
import { instanceSeries } from '../store/metrics';
import { go, machineLink } from '../store/route';
import { ActionBar } from './actions';
import { Overview } from './overview';

const filter = signal('');
const state = signal('');
const view = signal<'table' | 'cards'>(window.localStorage.getItem('view') === 'cards' ? 'cards' : 'table');

function show(which: 'table' | 'cards'): void {
  view.value = which;
  window.localStorage.setItem('view', which);
}

/** Every word of the filter is somewhere in the name, the backend, the description or a label. */
export function matches(instance: Instance, words: string): boolean {
  const text = [instance.name, instance.id, instance.backend, instance.node, instance.description, ...Object.entries(instance.labels ?? {}).map(([key, value]) => `${key}=${value}`)].join('\n').toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

export function MachinesView() {
  const shown = instances.value.filter((instance) => (state.value === '' || instance.state === state.value) && matches(instance, filter.value));
  return (
    <>
      <div class="toolbar">
        <h1>Machines</h1>
        <label class="search"><Icon name="search" /><input type="search" aria-label="Filter machines" placeholder="Filter by name or label" value={filter.value} onInput={(event) => (filter.value = event.currentTarget.value)} /></label>
        <Select hideLabel label="State" name="state" value={state.value} onValue={(value) => (state.value = value)} options={[['', 'All states'], ...stateCounts.value.map(([word, count]) => [word, `${formatWord(word)} (${count})`] as const)]} />
        <div class="segmented" role="group" aria-label="View">
          <Button icon="table" label="Table" pressed={view.value === 'table'} onClick={() => show('table')} />
          <Button icon="cards" label="Cards" pressed={view.value === 'cards'} onClick={() => show('cards')} />
        </div>
        <Button tone="primary" icon="plus" onClick={() => go('#/create')}>New machine</Button>
      </div>
      {Object.entries(backendLinks.value).filter(([, link]) => link.state === 'disconnected').map(([backend, link]) => (
        <div class="banner" role="alert" key={backend}><p><b>{backend}</b> is not connected, and its machines are shown as they were{link.reason ? `: ${link.reason}` : '.'}</p></div>
      ))}
      {!synchronized.value && instances.value.length === 0 ? <Loading what="the machines" />
        : instances.value.length === 0 ? <Empty icon="machines" title="No machines yet"><p>A machine needs a name, a processor, some memory and something to boot from.</p><Button tone="primary" icon="plus" onClick={() => go('#/create')}>Create the first one</Button></Empty>
          : shown.length === 0 ? <Empty icon="search" title="Nothing matches the filter"><Button onClick={() => { filter.value = ''; state.value = ''; }}>Show all {instances.value.length}</Button></Empty>
            : view.value === 'table' ? <Table items={shown} /> : <Cards items={shown} />}
      <Overview />
    </>
  );
}

const samplesOf = (instance: Instance) => instanceSeries.value.get(keyOf(instance))?.samples ?? [];
const memoryOf = (instance: Instance) => samplesOf(instance).at(-1)?.memory;
const uptimeOf = (instance: Instance, now: number) => (instance.startedAt && instance.state !== 'stopped' ? formatUptime((now - Date.parse(instance.startedAt)) / 1000) : unknown);
const disksOf = (instance: Instance) => (instance.disks ?? []).reduce((sum, disk) => sum + (disk.size ?? 0), 0);

function Table({ items }: { items: readonly Instance[] }) {
  const now = useClock(5000);
  return (
    <Card flush class="machines">
      <table>
        <thead><tr><th scope="col">Name</th><th scope="col">State</th><th scope="col" class="num">CPUs</th><th scope="col">CPU</th><th scope="col">Memory</th><th scope="col" class="num">Disk I/O</th><th scope="col" class="num">Disks</th><th scope="col" class="num">Up</th><th scope="col" class="end">Actions</th></tr></thead>
        <tbody>
          {items.map((instance) => {
            const samples = samplesOf(instance);
            const last = samples.at(-1);
            const io = last?.diskRead === undefined && last?.diskWrite === undefined ? undefined : (last.diskRead ?? 0) + (last.diskWrite ?? 0);
            return (
              <tr key={keyOf(instance)} data-name={instance.name} data-state={instance.state}>
                <td class="name"><a href={machineLink(instance)}>{instance.name || instance.id}</a><span class="hint">{instance.backend}{instance.node ? ` · ${instance.node}` : ''}</span></td>
                <td><StateBadge state={instance.state} reason={instance.stateReason} />{instance.isTemplate && <Badge>template</Badge>}{instance.hasPendingChanges && <Badge tone="warn" title="Changes wait for the next start">pending</Badge>}</td>
                <td class="num" data-label="CPUs">{instance.cpus ?? unknown}</td>
                <td class="live" data-label="CPU"><div><Sparkline points={samples.map(({ at, cpu }) => [at, cpu] as const)} max={1} label="CPU over two minutes" /><b>{formatPercent(last?.cpu)}</b></div></td>
                <td class="live" data-label="Memory"><div><Sparkline tone="b" points={samples.map(({ at, memory }) => [at, memory] as const)} max={Math.max(instance.memory ?? 0, last?.memory ?? 0) || 1} label="Memory over two minutes" /><b>{formatBytes(memoryOf(instance))}<small> / {formatBytes(instance.memory)}</small></b></div></td>
                <td class="num" data-label="Disk I/O">{formatRate(io)}</td>
                <td class="num" data-label="Disks">{instance.disks?.length ? formatBytes(disksOf(instance)) : unknown}</td>
                <td class="num" data-label="Up">{uptimeOf(instance, now)}</td>
                <td class="end"><ActionBar instance={instance} compact /></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Card>
  );
}

function Cards({ items }: { items: readonly Instance[] }) {
  const now = useClock(5000);
  return (
    <div class="cards">
      {items.map((instance) => {
        const samples = samplesOf(instance);
        const last = samples.at(-1);
        return (
          <Card key={keyOf(instance)} class="machine-card" title={<a href={machineLink(instance)}>{instance.name || instance.id}</a>} actions={<StateBadge state={instance.state} reason={instance.stateReason} />}>
            <p class="hint">{[instance.backend, instance.node, instance.guestOs, `up ${uptimeOf(instance, now)}`].filter(Boolean).join(' · ')}</p>
            <div class="card-live"><span>CPU <b>{formatPercent(last?.cpu)}</b></span><Sparkline points={samples.map(({ at, cpu }) => [at, cpu] as const)} max={1} label="CPU over two minutes" width={220} height={34} /></div>
            <div class="card-live"><span>Memory <b>{formatBytes(last?.memory)}<small> / {formatBytes(instance.memory)}</small></b></span><Sparkline tone="b" points={samples.map(({ at, memory }) => [at, memory] as const)} max={Math.max(instance.memory ?? 0, last?.memory ?? 0) || 1} label="Memory over two minutes" width={220} height={34} /></div>
            <ActionBar instance={instance} compact />
          </Card>
        );
      })}
    </div>
  );
}
