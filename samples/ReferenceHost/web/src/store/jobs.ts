import { signal } from '@preact/signals';
import { api } from '../api/client';
import type { Job, JobFilter, JobPage } from '../model';

const pageJobs = 50;
const reloadMs = 500;

export const anyJob: JobFilter = { state: '', type: '', machine: '', text: '' };

/** A page of the jobs that are asked for, newest first, with the lanes that are held and what comes by the clock; undefined until they were read. */
export const jobPage = signal<JobPage | undefined>(undefined);
export const jobsError = signal<unknown>(undefined);
/** What is asked for, and where each page that was gone through ended. */
export const jobFilter = signal<JobFilter>(anyJob);
export const jobCursors = signal<readonly string[]>([]);
/** The types of jobs that were seen: what can be asked for. */
export const jobTypes = signal<readonly string[]>([]);

let round = 0;

/** Reads everything anew. Of several that are under way the last one counts. */
export async function loadJobs(): Promise<void> {
  const mine = ++round;
  const filter = jobFilter.value;
  try {
    const read = await api.jobs(filter, jobCursors.value.at(-1), pageJobs);
    if (mine !== round) {
      return;
    }
    const known = new Map((jobPage.value?.jobs ?? []).map((job) => [job.id, job]));
    jobPage.value = { ...read, jobs: read.jobs.map((job) => later(job, known.get(job.id))).filter((job) => isAsked(job, filter)) };
    jobTypes.value = [...new Set([...jobTypes.value, ...read.jobs.map((job) => job.type)])].sort();
    jobsError.value = undefined;
  } catch (error) {
    if (mine === round) {
      jobsError.value = error;
    }
  }
}

/** Asks for other jobs, from the newest on. */
export function filterJobs(change: Partial<JobFilter>): void {
  jobFilter.value = { ...jobFilter.value, ...change };
  jobCursors.value = [];
  void loadJobs();
}

/** The page of older jobs. */
export function olderJobs(): void {
  const next = jobPage.value?.next;
  if (next !== undefined) {
    jobCursors.value = [...jobCursors.value, next];
    void loadJobs();
  }
}

/** The page before. */
export function newerJobs(): void {
  jobCursors.value = jobCursors.value.slice(0, -1);
  void loadJobs();
}

/** Each change of a job is told as it comes; which jobs there are, lanes, and why others wait, are read again after those that may change them. Until what this returns is called. */
export function followJobs(machine: string): () => void {
  let source: EventSource | undefined;
  let timer: number | undefined;
  let over = false;

  const begin = async (): Promise<void> => {
    jobFilter.value = { ...anyJob, machine };
    jobCursors.value = [];
    jobPage.value = undefined;
    await loadJobs();
    if (over) {
      return;
    }
    source = new EventSource(`/jobs/changes?after=${readPosition()}`);
    source.onmessage = (event: MessageEvent<string>) => {
      if (take(JSON.parse(event.data) as Job)) {
        return;
      }
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

/** False where more than this one job may have changed: what is on the page, or who waits for whom. */
function take(job: Job): boolean {
  const page = jobPage.value;
  const old = page?.jobs.find((other) => other.id === job.id);
  if (page === undefined || old === undefined) {
    return false;
  }
  const jobs = page.jobs.map((other) => (other.id === job.id ? later(job, other) : other)).filter((other) => isAsked(other, jobFilter.value));
  jobPage.value = { ...page, jobs };
  return old.state === job.state && job.state === 'inProgress';
}

const readPosition = (): number => jobPage.value?.position ?? 0;

const isAsked = (job: Job, filter: JobFilter): boolean => filter.state === '' || job.state === filter.state;

const later = (one: Job, other: Job | undefined): Job => (other !== undefined && other.position > one.position ? other : one);
