import { Card, Facts, Meter } from '../components/basics';
import { Sparkline } from '../components/charts';
import { useClock } from '../components/feedback';
import { formatBytes, formatPercent, formatRate, formatTime, formatUptime, unknown } from '../format';
import type { Instance, Metrics } from '../model';
import { feed } from '../store/events';
import { keyOf } from '../store/instances';
import { instanceSeries } from '../store/metrics';
import { type Sample, whyMissing } from '../store/rates';
import { machineLink } from '../store/route';
import { Feed } from './events';

export function SummaryTab({ instance }: { instance: Instance }) {
  const now = useClock(1000);
  const series = instanceSeries.value.get(keyOf(instance));
  const samples = series?.samples ?? [];
  const running = instance.startedAt !== undefined && instance.state !== 'stopped';
  return (
    <div class="summary">
      <LiveTiles instance={instance} samples={samples} latest={series?.latest} />
      <Card title="Machine">
        <Facts items={[
          ['Up', running ? formatUptime((now - Date.parse(instance.startedAt!)) / 1000) : unknown],
          ['Processors', instance.cpus ?? unknown],
          ['Memory', formatBytes(instance.memory)],
          ['Architecture', instance.architecture ?? unknown],
          ['Backend', instance.backend],
          ...(instance.node ? [['Node', instance.node] as const] : []),
          ...(instance.guestOs ? [['Guest', instance.guestOs] as const] : []),
          ['Created', formatTime(instance.createdAt)],
          ['Id', <code class="cut">{instance.id}</code>],
          ...(instance.clonedFrom ? [['Cloned from', <a href={machineLink({ backend: instance.backend, id: instance.clonedFrom })}>{instance.clonedFrom}</a>] as const] : []),
          ...(instance.description ? [['Description', instance.description] as const] : []),
        ]} />
        {Object.keys(instance.labels ?? {}).length > 0 && <div class="labels">{Object.entries(instance.labels!).map(([key, value]) => <span class="label" key={key}>{key}<b>{value}</b></span>)}</div>}
      </Card>
      <Card title="Disks and network" flush>
        <table>
          <tbody>
            {(instance.disks ?? []).map((disk) => (
              <tr key={disk.id}><td class="name"><b>{disk.id}</b></td><td>{disk.bus ?? unknown}</td><td class="wide-cell"><Meter fraction={disk.size && disk.allocated !== undefined ? disk.allocated / disk.size : 0} label={`Allocated of ${disk.id}`} /></td><td class="num">{formatBytes(disk.allocated)}<small> / {formatBytes(disk.size)}</small></td></tr>
            ))}
            {(instance.networks ?? []).map((card) => (
              <tr key={card.id}><td class="name"><b>{card.id}</b></td><td>{card.network ?? unknown}</td><td class="mono">{card.mac ?? unknown}</td><td class="num">{card.addresses?.join(', ') || unknown}</td></tr>
            ))}
            {(instance.disks ?? []).length + (instance.networks ?? []).length === 0 && <tr><td class="hint">Neither disks nor network cards.</td></tr>}
          </tbody>
        </table>
      </Card>
      <Card title="Events" flush><Feed brief entries={feed.value.filter((entry) => entry.backend === instance.backend && entry.id === instance.id && entry.kind !== 'other').slice(0, 8)} /></Card>
    </div>
  );
}

function LiveTiles({ instance, samples, latest }: { instance: Instance; samples: readonly Sample[]; latest: Metrics | undefined }) {
  const last = samples[samples.length - 1];
  const points = (read: (sample: Sample) => number | undefined) => samples.map((sample) => [sample.at, read(sample)] as const);
  const sum = (a: number | undefined, b: number | undefined) => (a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0));
  const disk = (sample: Sample) => sum(sample.diskRead, sample.diskWrite);
  const net = (sample: Sample) => sum(sample.netReceived, sample.netSent);
  const tiles = [
    ['CPU', formatPercent(last?.cpu), `of ${instance.cpus ?? '?'} × ${instance.architecture ?? 'CPU'}`, 'a', points((sample) => sample.cpu), 1, whyMissing(latest, 'cpuTime')],
    ['Memory', formatBytes(last?.memory), `of ${formatBytes(instance.memory)}`, 'b', points((sample) => sample.memory), Math.max(instance.memory ?? 0, last?.memory ?? 0) || 1, whyMissing(latest, 'memoryUsed')],
    ['Disk', formatRate(last && disk(last)), `${formatRate(last?.diskRead)} read`, 'c', points(disk), undefined, whyMissing(latest, 'diskReadBytes', 'diskWriteBytes')],
    ['Network', formatRate(last && net(last)), `${formatRate(last?.netReceived)} in`, 'd', points(net), undefined, whyMissing(latest, 'networkReceivedBytes', 'networkSentBytes')],
  ] as const;
  return (
    <div class="tiles">
      {tiles.map(([name, value, note, tone, line, max, reason]) => (
        <div class="tile" key={name}>
          <div><span class="caption">{name}</span><b>{value}</b><span class="hint" title={reason}>{reason && line.every(([, known]) => known === undefined) ? reason : note}</span></div>
          <Sparkline points={line} {...(max === undefined ? {} : { max })} tone={tone} width={150} height={44} label={`${name} over two minutes`} />
        </div>
      ))}
    </div>
  );
}
