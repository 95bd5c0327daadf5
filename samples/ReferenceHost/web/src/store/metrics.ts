import { signal } from '@preact/signals';
import type { InstanceMetrics, NodeMetrics } from '../model';
import { socket } from './connection';
import { findInstance } from './instances';
import { instanceSample, nodeSample, type Sample } from './rates';

export const intervalSeconds = 2;

/** Ten minutes. */
const maxSamples = 300;

export interface Series<T> {
  latest: T;
  samples: Sample[];
}

/** By key (`backend/id`), and by node. Replaced with every message, so that what reads them is drawn again. */
export const instanceSeries = signal<ReadonlyMap<string, Series<InstanceMetrics>>>(new Map());
export const nodeSeries = signal<ReadonlyMap<string, Series<NodeMetrics>>>(new Map());

export function followMetrics(): void {
  socket.channel({ kind: 'metrics', interval: intervalSeconds }, {
    message: (message) => {
      const backend = message['backend'] === undefined ? undefined : String(message['backend']);
      const nodes = (message['nodes'] ?? []) as NodeMetrics[];
      const instances = (message['instances'] ?? []) as InstanceMetrics[];
      nodeSeries.value = merge(nodeSeries.value, nodes, (node) => `${node.backend ?? backend ?? ''}/${node.node}`, nodeSample);
      instanceSeries.value = merge(instanceSeries.value, instances, (item) => `${item.backend ?? backend ?? ''}/${item.id}`, (before, now, key) =>
        instanceSample(before, now, findInstance(key)?.cpus));
    },
  }, true);
}

/** What did not report this time keeps its past for a minute, so that a short gap is a gap and not a new beginning. */
function merge<T extends { at: string }>(
  series: ReadonlyMap<string, Series<T>>, readings: T[], keyOf: (reading: T) => string, sample: (before: T | undefined, now: T, key: string) => Sample,
): ReadonlyMap<string, Series<T>> {
  const next = new Map(series);
  for (const now of readings) {
    const key = keyOf(now);
    const before = series.get(key);
    if (before?.latest.at !== now.at) {
      next.set(key, { latest: now, samples: [...(before?.samples ?? []), sample(before?.latest, now, key)].slice(-maxSamples) });
    }
  }
  for (const [key, { latest }] of next) {
    if (Date.now() - Date.parse(latest.at) > 60_000) {
      next.delete(key);
    }
  }
  return next;
}
