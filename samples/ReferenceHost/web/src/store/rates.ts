import type { InstanceMetrics, Metrics, NodeMetrics } from '../model';

/** What can be drawn, worked out of two readings of counters. Undefined is "not known", never 0. */
export interface Sample {
  /** Milliseconds since 1970. */
  at: number;
  /** Fraction of all the machine's processors, 0 to 1. */
  cpu?: number;
  memory?: number;
  diskRead?: number;
  diskWrite?: number;
  netReceived?: number;
  netSent?: number;
}

/** The readings in between: counters per second. A counter that went back (the machine was restarted) says nothing. */
export function rate(before: number | undefined, after: number | undefined, seconds: number): number | undefined {
  return before === undefined || after === undefined || after < before || seconds <= 0 ? undefined : (after - before) / seconds;
}

/** Why none of the values is measured, in the backend's words; undefined where it does not say. The names of values are compared without case. */
export function whyMissing(metrics: Metrics | undefined, ...names: string[]): string | undefined {
  const wanted = names.map((name) => name.toLowerCase());
  return Object.entries(metrics?.unavailable ?? {}).find(([name]) => wanted.includes(name.toLowerCase()))?.[1];
}

export function instanceSample(before: InstanceMetrics | undefined, now: InstanceMetrics, cpus: number | undefined): Sample {
  return defined({ ...counters(before, now, cpus), memory: now.memoryUsedByGuest ?? now.memoryUsed });
}

export function nodeSample(before: NodeMetrics | undefined, now: NodeMetrics): Sample {
  const memory = now.memoryTotal !== undefined && now.memoryAvailable !== undefined ? now.memoryTotal - now.memoryAvailable : undefined;
  return defined({ ...counters(before, now, now.cpus), memory });
}

function counters(before: Metrics | undefined, now: Metrics, cpus: number | undefined) {
  const at = Date.parse(now.at);
  const seconds = before ? (at - Date.parse(before.at)) / 1000 : 0;
  const busy = rate(before?.cpuTime, now.cpuTime, seconds);
  return {
    at,
    cpu: busy === undefined ? undefined : Math.min(1, busy / Math.max(1, cpus ?? 1)),
    diskRead: rate(before?.diskReadBytes, now.diskReadBytes, seconds),
    diskWrite: rate(before?.diskWriteBytes, now.diskWriteBytes, seconds),
    netReceived: rate(before?.networkReceivedBytes, now.networkReceivedBytes, seconds),
    netSent: rate(before?.networkSentBytes, now.networkSentBytes, seconds),
  };
}

function defined(values: { [K in keyof Sample]: Sample[K] | undefined } & { at: number }): Sample {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as unknown as Sample;
}
