import { Card } from '../components/basics';
import { Chart } from '../components/charts';
import { formatBytes, formatPercent } from '../format';
import { feed } from '../store/events';
import { nodeSeries } from '../store/metrics';
import { whyMissing } from '../store/rates';
import { Feed } from './events';

const spanMs = 300_000;

/** Beneath the list: what somebody should look at, the nodes over the last minutes, and what happened last. */
export function Overview() {
  const nodes = [...nodeSeries.value];
  const alerts = feed.value.filter((entry) => entry.tone === 'bad').slice(0, 5);
  return (
    <div class="overview">
      {alerts.length > 0 && <Card flush class="alerts" title="Recent alerts"><Feed entries={alerts} label="Alerts, newest first" /></Card>}
      {nodes.map(([key, { latest, samples }]) => (
        <Card key={key} title={latest.node} actions={<span class="hint">{latest.cpus ?? '?'} processors · {formatBytes(latest.memoryTotal)} · load {[latest.loadAverage1, latest.loadAverage5, latest.loadAverage15].map((load) => load?.toFixed(2) ?? '–').join(' ')}</span>}>
          <div class="charts">
            <Chart title="Processors" spanMs={spanMs} max={1} format={formatPercent} series={[{ name: 'busy', tone: 'a', points: samples.map(({ at, cpu }) => [at, cpu] as const) }]} unavailable={whyMissing(latest, 'cpuTime')} />
            <Chart title="Memory" spanMs={spanMs} max={latest.memoryTotal ?? 0} format={formatBytes} series={[{ name: 'used', tone: 'b', points: samples.map(({ at, memory }) => [at, memory] as const) }]} unavailable={whyMissing(latest, 'memoryTotal', 'memoryAvailable')} />
          </div>
        </Card>
      ))}
      <Card flush title="Recent events" actions={<a class="hint" href="#/events">All events</a>}><Feed entries={feed.value.filter((entry) => entry.kind !== 'other').slice(0, 6)} /></Card>
    </div>
  );
}
