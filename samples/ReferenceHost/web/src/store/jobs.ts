import { signal } from '@preact/signals';
import { api } from '../api/client';
import type { Job, JobPage } from '../model';

const maxJobs = 200;
const reloadMs = 500;

/** The jobs of the host, newest first, with the lanes that are held and what comes by the clock; undefined until they were read. */
export const jobPage = signal<JobPage | undefined>(undefined);
export const jobsError = signal<unknown>(undefined);

let round = 0;

/** Reads everything anew. Of several that are under way the last one counts. */
export async function loadJobs(): Promise<void> {
  const mine = ++round;
  try {
    const read = await api.jobs();
    if (mine !== round) {
      return;
    }
    const known = new Map((jobPage.value?.jobs ?? []).map((job) => [job.id, job]));
    jobPage.value = { ...read, jobs: read.jobs.map((job) => later(job, known.get(job.id))) };
    jobsError.value = undefined;
  } catch (error) {
    jobsError.value = error;
  }
}

/** Each change of a job is told as it comes; lanes, and why others wait, are read again after changes. Until what this returns is called. */
export function followJobs(): () => void {
  let source: EventSource | undefined;
  let timer: number | undefined;
  let over = false;

  const begin = async (): Promise<void> => {
    await loadJobs();
    if (over) {
      return;
    }
    source = new EventSource(`/jobs/changes?after=${jobPage.value?.position ?? 0}`);
    source.onmessage = (event: MessageEvent<string>) => {
      take(JSON.parse(event.data) as Job);
      timer ??= window.setTimeout(() => {
        timer = undefined;
        void loadJobs();
      }, reloadMs);
    };
  };

  void begin();
  return () => {
    over = true;
    source?.close();
    window.clearTimeout(timer);
  };
}

function take(job: Job): void {
  const page = jobPage.value;
  if (page) {
    const rest = page.jobs.filter((other) => other.id !== job.id);
    const old = page.jobs.find((other) => other.id === job.id);
    jobPage.value = { ...page, jobs: [later(job, old), ...rest].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, maxJobs) };
  }
}

const later = (one: Job, other: Job | undefined): Job => (other !== undefined && other.position > one.position ? other : one);
