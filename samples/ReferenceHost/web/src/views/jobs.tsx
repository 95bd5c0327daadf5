import { useEffect, useState } from 'preact/hooks';
import { api } from '../api/client';
import { Badge, Button, Card, Meter, Select, stateTone } from '../components/basics';
import { Empty, ErrorNotice, Loading, messageOf } from '../components/feedback';
import { Icon } from '../components/icon';
import { formatTime, formatWord } from '../format';
import type { Job, JobPage } from '../model';
import { followJobs, jobPage, jobsError, loadJobs } from '../store/jobs';

const states = [['', 'Any state'], ['pending', 'Pending'], ['inProgress', 'In progress'], ['completed', 'Completed'], ['failed', 'Failed'], ['cancelled', 'Cancelled']] as const;

export function JobsView() {
  const [state, setState] = useState('');
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string>();
  useEffect(followJobs, []);
  const page = jobPage.value;
  if (page === undefined) {
    return jobsError.value === undefined ? <Loading what="the jobs" /> : <ErrorNotice error={jobsError.value} />;
  }
  const shown = page.jobs.filter((job) => (state === '' || job.state === state) && `${job.type} ${job.progress ?? ''} ${job.id}`.toLowerCase().includes(text.toLowerCase()));
  const act = (send: Promise<Response>): void => {
    send.then(() => { setProblem(undefined); return loadJobs(); }, (error: unknown) => setProblem(messageOf(error)));
  };
  return (
    <>
      <div class="toolbar">
        <h1>Jobs</h1>
        <label class="search"><Icon name="search" /><input type="search" aria-label="Filter jobs" placeholder="Filter" value={text} onInput={(event) => setText(event.currentTarget.value)} /></label>
        <Select label="State" name="job-state" hideLabel value={state} onValue={setState} options={states} />
      </div>
      {problem !== undefined && <p class="bad-text" role="alert">{problem}</p>}
      <Card flush>
        {shown.length === 0 ? <Empty icon="tasks" title="No such jobs"><p>Everything that is done to a machine is a job: it is listed here while it waits, while it runs and when it has ended.</p></Empty> : (
          <table aria-label="Jobs, newest first">
            <thead><tr><th scope="col">Made</th><th scope="col">Job</th><th scope="col">State</th><th scope="col">Progress</th><th scope="col" class="num">Attempts</th><th scope="col" class="end" /></tr></thead>
            <tbody>{shown.map((job) => <Row key={job.id} job={job} act={act} />)}</tbody>
          </table>
        )}
      </Card>
      <Lanes page={page} />
      <Schedules page={page} />
    </>
  );
}

function Row({ job, act }: { job: Job; act: (send: Promise<Response>) => void }) {
  const open = job.state === 'pending' || job.state === 'inProgress';
  return (
    <tr data-job={job.id} data-state={job.state}>
      <td class="mono">{formatTime(job.createdAt)}</td>
      <td class="name"><b>{job.progress ?? job.type}</b><span class="hint">{job.type} · {job.id}</span></td>
      <td><Badge tone={stateTone(job.state)}><i class="dot" aria-hidden="true" />{formatWord(job.state)}</Badge></td>
      <td data-label="Progress">
        {job.state === 'inProgress' && job.fraction !== undefined && <Meter fraction={job.fraction} label="Progress" />} {job.waits ?? (open && job.isCancelRequested ? 'Asked to stop.' : job.error ?? '')}
      </td>
      <td class="num" data-label="Attempts">{job.attempts}</td>
      <td class="end">
        {open && <Button small disabled={job.isCancelRequested} onClick={() => act(api.cancelJob(job.id))}>Cancel</Button>}
        {job.state === 'failed' && <><Button small onClick={() => act(api.retryJob(job.id))}>Retry</Button> <Button small onClick={() => act(api.discardJob(job.id))}>Discard</Button></>}
      </td>
    </tr>
  );
}

function Lanes({ page }: { page: JobPage }) {
  const names = new Map(page.jobs.map((job) => [job.id, job.progress ?? job.type]));
  return (
    <Card title="Lanes and who holds them" flush>
      {page.lanes.length === 0 ? <Empty icon="tasks" title="No lane is held" /> : (
        <table aria-label="Lanes">
          <thead><tr><th scope="col">Lane</th><th scope="col">Mode</th><th scope="col">Held by</th></tr></thead>
          <tbody>
            {page.lanes.map((lane) => (
              <tr key={`${lane.key} ${lane.holder}`} data-lane={lane.key}>
                <td class="mono">{lane.key}</td>
                <td>{lane.isExclusive ? 'alone' : `${lane.weight} of ${lane.capacity ?? 'any number'}`}</td>
                <td>{names.get(lane.holder) ?? lane.holder}</td>
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
              <td>{schedule.error && <span class="hint">{schedule.error}</span>}{schedule.next.map((at) => <time key={at} class="mono" datetime={at}>{new Date(at).toLocaleString()} </time>)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
