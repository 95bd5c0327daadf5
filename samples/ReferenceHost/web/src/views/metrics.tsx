import { signal } from '@preact/signals';
import { Card, Select } from '../components/basics';
import { Chart, type ChartSeries } from '../components/charts';
import { formatBytes, formatPercent, formatRate } from '../format';
import type { Instance } from '../model';
import { keyOf } from '../store/instances';
import { instanceSeries, intervalSeconds } from '../store/metrics';
import { type Sample, whyMissing } from '../store/rates';

const span = signal('120');

export function MetricsTab({ instance }: { instance: Instance }) {
  const series = instanceSeries.value.get(keyOf(instance));
  const samples = series?.samples ?? [];
  const spanMs = Number(span.value) * 1000;
  const line = (name: string, tone: string, read: (sample: Sample) => number | undefined): ChartSeries => ({ name, tone, points: samples.map((sample) => [sample.at, read(sample)] as const) });
  const stopped = instance.state === 'stopped' ? 'The machine is stopped.' : undefined;
  const why = (...names: string[]) => stopped ?? whyMissing(series?.latest, ...names);
  return (
    <Card title="Metrics" actions={<><span class="hint">every {intervalSeconds} s</span><Select hideLabel label="Span" name="span" value={span.value} onValue={(value) => (span.value = value)} options={[['60', 'Last minute'], ['120', '2 minutes'], ['300', '5 minutes'], ['600', '10 minutes']]} /></>}>
      <div class="charts">
        <Chart title="Processors" spanMs={spanMs} max={1} format={formatPercent} series={[line('busy', 'a', (sample) => sample.cpu)]} unavailable={why('cpuTime')} />
        <Chart title="Memory" spanMs={spanMs} max={instance.memory ?? 0} format={formatBytes} series={[line('used', 'b', (sample) => sample.memory)]} unavailable={why('memoryUsed')} />
        <Chart title="Disk" spanMs={spanMs} format={formatRate} series={[line('read', 'c', (sample) => sample.diskRead), line('written', 'a', (sample) => sample.diskWrite)]} unavailable={why('diskReadBytes', 'diskWriteBytes')} />
        <Chart title="Network" spanMs={spanMs} format={formatRate} series={[line('received', 'd', (sample) => sample.netReceived), line('sent', 'b', (sample) => sample.netSent)]} unavailable={why('networkReceivedBytes', 'networkSentBytes')} />
      </div>
    </Card>
  );
}
