import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api/client';
import { Badge, Button, Card, Meter, Select, stateTone } from '../components/basics';
import { Empty, ErrorNotice, Loading, messageOf } from '../components/feedback';
import { Icon } from '../components/icon';
import { formatTime, formatWord } from '../format';
import type { Job, JobPage } from '../model';
import { filterJobs, followJobs, jobCursors, jobFilter, jobPage, jobsError, jobTypes, loadJobs, newerJobs, olderJobs } from '../store/jobs';
import { JobDetails } from './job-details';

const states = [['', 'Any state'], ['pending', 'Pending'], ['inProgress', 'In progress'], ['completed', 'Completed'], ['failed', 'Failed'], ['cancelled', 'Cancelled']] as const;
const typingMs = 250;

export function JobsView({ machine }: { machine: string }) {
  const [problem, setProblem] = useState<string>();
  const [open, setOpen] = useState<string>();
  useEffect(() => followJobs(machine), [machine]);
  const page = jobPage.value;
  if (page === undefined) {
    return jobsError.value === undefined ? <Loading what="the jobs" /> : <ErrorNotice error={jobsError.value} />;
  }
  const act = (send: Promise<Response>): void => {
    send.then(() => { setProblem(undefined); return loadJobs(); }, (error: unknown) => setProblem(messageOf(error)));
  };
  const told = problem ?? (jobsError.value === undefined ? undefined : messageOf(jobsError.value));
  return (
    <>
      <div class="toolbar">
        <h1>Jobs</h1>
        {machine !== '' && <Badge>{machine}</Badge>}
        {machine !== '' && <a class="button plain small" href="#/jobs">All machines</a>}
        <Search />
        <Select label="State" name="job-state" hideLabel value={jobFilter.value.state} onValue={(state) => filterJobs({ state })} options={states} />
        <Select label="Type" name="job-type" hideLabel value={jobFilter.value.type} onValue={(type) => filterJobs({ type })} options={[['', 'Any type'], ...jobTypes.value.map((type) => [type, type] as const)]} />
      </div>
      {told !== undefined && <p class="bad-text" role="alert">{told}</p>}
      <Card flush>
        {page.jobs.length === 0 ? <Nothing page={page} /> : (
          <table aria-label="Jobs, newest first">
            <thead><tr><th scope="col">Made</th><th scope="col">Job</th><th scope="col">State</th><th scope="col">Progress</th><th scope="col" class="num">Attempts</th><th scope="col" class="end" /></tr></thead>
            <tbody>{page.jobs.map((job) => <Row key={job.id} job={job} act={act} open={open === job.id} toggle={() => setOpen(open === job.id ? undefined : job.id)} />)}</tbody>
          </table>
        )}
        <Pages page={page} />
      </Card>
      <Lanes page={page} />
      <Schedules page={page} />
    </>
  );
}

/** Asks when nobody has typed for a moment. */
function Search() {
  const [text, setText] = useState(jobFilter.value.text);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const type = (typed: string): void => {
    setText(typed);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => filterJobs({ text: typed.trim() }), typingMs);
  };
  return <label class="search"><Icon name="search" /><input type="search" aria-label="Filter jobs" placeholder="Machine, words, id" maxLength={256} value={text} onInput={(event) => type(event.currentTarget.value)} /></label>;
}

function Nothing({ page }: { page: JobPage }) {
  return page.next !== undefined
    ? <Empty icon="tasks" title="No such jobs among the newest"><p>There are older ones that were not looked at yet.</p></Empty>
    : <Empty icon="tasks" title="No such jobs"><p>Everything that is done to a machine is a job: it is listed here while it waits, while it runs and when it has ended.</p></Empty>;
}

function Pages({ page }: { page: JobPage }) {
  const gone = jobCursors.value.length;
  return gone === 0 && page.next === undefined ? null : (
    <nav class="pages" aria-label="Pages of jobs">
      <Button small disabled={gone === 0} onClick={newerJobs}>Newer</Button>
      <span class="hint">Page {gone + 1}</span>
      <Button small disabled={page.next === undefined} onClick={olderJobs}>Older</Button>
    </nav>
  );
}

function Row({ job, act, open, toggle }: { job: Job; act: (send: Promise<Response>) => void; open: boolean; toggle: () => void }) {
  const unfinished = job.state === 'pending' || job.state === 'inProgress';
  return (
    <>
      <tr data-job={job.id} data-state={job.state}>
        <td class="mono">{formatTime(job.createdAt)}</td>
        <td class="name"><b>{job.progress ?? job.type}</b><span class="hint">{job.type} · {job.id}</span></td>
        <td><Badge tone={stateTone(job.state)}><i class="dot" aria-hidden="true" />{formatWord(job.state)}</Badge></td>
        <td data-label="Progress">
          {job.state === 'inProgress' && job.fraction !== undefined && <Meter fraction={job.fraction} label="Progress" />} {job.waits ?? (unfinished && job.isCancelRequested ? 'Asked to stop.' : job.state === 'completed' ? '' : job.error ?? '')}
        </td>
        <td class="num" data-label="Attempts">{job.attempts}</td>
        <td class="end"><div class="actions">
          <Button small pressed={open} onClick={toggle}>Details</Button>
          {unfinished && <Button small disabled={job.isCancelRequested} onClick={() => act(api.cancelJob(job.id))}>Cancel</Button>}
          {job.state === 'failed' && <><Button small onClick={() => act(api.retryJob(job.id))}>Retry</Button> <Button small onClick={() => act(api.discardJob(job.id))}>Discard</Button></>}
        </div></td>
      </tr>
      {open && <tr data-details={job.id}><td colSpan={6}><JobDetails job={job} /></td></tr>}
    </>
  );
}

function Lanes({ page }: { page: JobPage }) {
  return (
    <Card title="Lanes and who holds them" flush>
      {page.lanes.length === 0 ? <Empty icon="tasks" title="No lane is held" /> : (
        <table aria-label="Lanes">
          <thead><tr><th scope="col">Lane</th><th scope="col">Mode</th><th scope="col">Held by</th><th scope="col">Waiting for it</th></tr></thead>
          <tbody>
            {page.lanes.map((lane) => (
              <tr key={`${lane.key} ${lane.holder.id}`} data-lane={lane.key} data-holder={lane.holder.id}>
                <td class="mono">{lane.key}</td>
                <td data-label="Mode">{lane.isExclusive ? 'alone' : `${lane.weight} of ${lane.capacity ?? 'any number'}`}</td>
                <td data-label="Held by">{lane.holder.name}</td>
                <td data-label="Waiting for it">{lane.waiting.length === 0 ? <span class="hint">nobody</span> : lane.waiting.map((job) => <div key={job.id} data-waits={job.id}>{job.name}</div>)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}

function Schedules({ page }: { page: JobPage }) {
  return (
    <Card title="By the clock" flush>
      <table aria-label="Schedules">
        <thead><tr><th scope="col">Schedule</th><th scope="col">Cron</th><th scope="col">Next</th></tr></thead>
        <tbody>
          {page.schedules.map((schedule) => (
            <tr key={schedule.name} data-schedule={schedule.name}>
              <td>{schedule.name}</td>
              <td class="mono">{schedule.cron} <span class="hint">{schedule.zone}</span></td>
              <td>{schedule.error && <span class="bad-text">{schedule.error}</span>}{schedule.next.map((at) => <time key={at} class="mono" datetime={at}>{new Date(at).toLocaleString()} </time>)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
