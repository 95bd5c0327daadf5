import { computed } from '@preact/signals';
import { Meter, stateTone } from '../components/basics';
import { Sparkline } from '../components/charts';
import { formatBytes, formatPercent, formatWord } from '../format';
import { instances, stateCounts, synchronized } from '../store/instances';
import type { NodeMetrics } from '../model';
import { nodeSeries, type Series } from '../store/metrics';

/** One computer may be a node of several backends: what knows its load knows most. */
const byNode = computed(() => {
  const nodes = new Map<string, [string, Series<NodeMetrics>]>();
  for (const [key, series] of nodeSeries.value) {
    if (!nodes.has(series.latest.node) || (series.latest.loadAverage1 !== undefined && nodes.get(series.latest.node)![1].latest.loadAverage1 === undefined)) {
      nodes.set(series.latest.node, [key, series]);
    }
  }
  return [...nodes.values()];
});

/** The state of everything on one line: each node's processors, memory and load, and how many machines are in which state. */
export function Strip() {
  return (
    <div class="strip" aria-label="Overview" role="group">
      {byNode.value.slice(0, 3).map(([key, { latest, samples }]) => {
        const now = samples[samples.length - 1];
        const used = now?.memory;
        return (
          <div class="strip-node" key={key}>
            <span class="strip-name" title={`${latest.cpus ?? '?'} processors`}>{latest.node}</span>
            <span class="strip-item" title="Processors"><span class="caption">CPU</span><Sparkline points={samples.map(({ at, cpu }) => [at, cpu] as const)} max={1} label={`CPU ${formatPercent(now?.cpu)}`} width={56} height={18} /><b>{formatPercent(now?.cpu)}</b></span>
            <span class="strip-item" title="Memory"><span class="caption">MEM</span><Meter fraction={used !== undefined && latest.memoryTotal ? used / latest.memoryTotal : undefined} label="Memory of the node" /><b>{formatBytes(used)}<small> / {formatBytes(latest.memoryTotal)}</small></b></span>
            <span class="strip-item" title="Load average over 1, 5 and 15 minutes"><span class="caption">LOAD</span><b>{latest.loadAverage1?.toFixed(2) ?? '–'}<small> {latest.loadAverage5?.toFixed(2)} {latest.loadAverage15?.toFixed(2)}</small></b></span>
          </div>
        );
      })}
      <div class="strip-counts">
        {stateCounts.value.map(([state, count]) => <span key={state} class={`count ${stateTone(state)}`}><i class="dot" aria-hidden="true" /><b>{count}</b> {formatWord(state)}</span>)}
        {synchronized.value && instances.value.length === 0 && <span class="count idle">no machines</span>}
      </div>
    </div>
  );
}
