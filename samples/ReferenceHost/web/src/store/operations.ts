import { computed, signal } from '@preact/signals';
import { api, ApiError, describe } from '../api/client';
import type { Operation, Problem } from '../model';
import { socket } from './connection';

export interface Task {
  number: number;
  /** The server's name for it, once it has answered. */
  id?: string;
  /** What is being done, to what: "Start", "alpha". */
  action: string;
  target: string;
  state: string;
  fraction?: number;
  stage?: string;
  problem?: Problem;
  startedAt: number;
  endedAt?: number;
}

const maxTasks = 200;
const final = new Set(['succeeded', 'failed', 'cancelled', 'unknown']);
let count = 0;

/** What this page has asked for, newest first. */
export const tasks = signal<Task[]>([]);
export const runningTasks = computed(() => tasks.value.filter((task) => task.endedAt === undefined));

/** Tasks whose toast was closed or has had its time. */
export const dismissed = signal<ReadonlySet<number>>(new Set());
export const dismiss = (number: number): void => {
  dismissed.value = new Set([...dismissed.value, number]);
};

/**
 * Begins work and follows it to its end: shown as a toast and in the list of tasks. Ends with the finished operation, or throws what it failed with;
 * the failure has been shown then, so callers only catch it to stop.
 */
export async function run(action: string, target: string, begin: () => Promise<Operation>): Promise<Operation> {
  const number = ++count;
  tasks.value = [{ number, action, target, state: 'running', startedAt: Date.now() }, ...tasks.value].slice(0, maxTasks);
  try {
    let operation = await begin();
    update(number, { ...progressOf(operation), id: operation.id });
    if (!final.has(operation.state)) {
      operation = await follow(operation.id, (now) => update(number, progressOf(now)));
    }
    if (operation.state !== 'succeeded') {
      throw new ApiError(operation.error ?? { detail: `The operation ended as ${operation.state}.` }, 0);
    }
    update(number, { state: 'succeeded', endedAt: Date.now() });
    window.setTimeout(() => dismiss(number), 3500);
    return operation;
  } catch (error) {
    const problem = error instanceof ApiError ? error.problem : { detail: String(error) };
    const state = tasks.value.find((task) => task.number === number)?.state === 'cancelled' ? 'cancelled' : 'failed';
    update(number, { state, problem, endedAt: Date.now() });
    throw error;
  }
}

/** The same for calls from a button, where nobody waits for the end. */
export function start(action: string, target: string, begin: () => Promise<Operation>): void {
  // Shown by run().
  run(action, target, begin).catch(() => undefined);
}

export const taskError = (task: Task): string | undefined => (task.problem ? describe(task.problem) : undefined);

function progressOf(operation: Operation): Partial<Task> {
  return {
    state: operation.state,
    ...(operation.fraction === undefined ? {} : { fraction: operation.fraction }),
    ...(operation.stage === undefined ? {} : { stage: operation.stage }),
  };
}

/** Over the socket; where the channel ends early the operation is asked for by itself, which also tells how it ended. */
function follow(id: string, progress: (operation: Operation) => void): Promise<Operation> {
  return new Promise((resolve, reject) => {
    const ask = () => poll(id, progress).then(resolve, reject);
    const channel = socket.channel({ kind: 'operation', id }, {
      message: (message) => {
        const operation = message['operation'] as Operation | undefined;
        if (!operation) {
          return;
        }
        progress(operation);
        if (final.has(operation.state)) {
          channel.close();
          resolve(operation);
        }
      },
      failed: ask,
      closed: ask,
    }, false);
  });
}

async function poll(id: string, progress: (operation: Operation) => void): Promise<Operation> {
  for (let failures = 0; ; ) {
    try {
      const operation = await api.operation(id);
      failures = 0;
      progress(operation);
      if (final.has(operation.state)) {
        return operation;
      }
    } catch (error) {
      if (++failures > 20 || (error instanceof ApiError && error.status !== 0)) {
        throw error;
      }
    }
    await new Promise((resolve) => window.setTimeout(resolve, 1000));
  }
}

function update(number: number, change: Partial<Task>): void {
  tasks.value = tasks.value.map((task) => (task.number === number ? { ...task, ...change } : task));
}
