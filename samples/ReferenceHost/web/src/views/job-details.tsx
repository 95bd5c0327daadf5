import { api } from '../api/client';
import { Facts } from '../components/basics';
import { ErrorNotice, Loading, useLoaded } from '../components/feedback';
import { formatTime, formatWord } from '../format';
import type { Job, JobDetail } from '../model';

/** Why a job waits or failed, what was tried, and what it said: read again whenever the job has changed. */
export function JobDetails({ job }: { job: Job }) {
  const read = useLoaded(job.id, () => api.job(job.id), job.position);
  if (read.value === undefined) {
    return read.error === undefined ? <Loading what="the job" /> : <ErrorNotice error={read.error} retry={read.reload} />;
  }
  return <Details detail={read.value} />;
}

/** Whether it is a request to the API about a machine or a volume. */
const isRequest = (job: Job): boolean => job.type === 'machine' || job.type.startsWith('upload');

function Details({ detail }: { detail: JobDetail }) {
  const { job, attempts, log, isLogCut } = detail;
  return (
    <div class="job-details">
      {job.waits !== undefined && <p data-part="waits">{job.waits}{job.waitsFor && <> Before it: <b>{job.waitsFor.name}</b>.</>}</p>}
      {job.error !== undefined && <p class={job.state === 'failed' ? 'bad-text' : 'hint'} data-part="error">{job.error}</p>}
      <Facts items={[['Id', <code key="id">{job.id}</code>], ['Made', formatTime(job.createdAt)], ['Ended', formatTime(job.endedAt)], ['Worker', job.worker ?? '–']]} />
      {job.state === 'completed' && isRequest(job) && <p><a href={api.jobAnswerLink(job.id)} target="_blank" rel="noreferrer">What it was answered with</a></p>}
      {attempts.length > 0 && (
        <table class="keep" aria-label="Attempts">
          <thead><tr><th scope="col" class="num">Attempt</th><th scope="col">Began</th><th scope="col">Ended</th><th scope="col">How</th><th scope="col">Why</th></tr></thead>
          <tbody>
            {attempts.map((attempt) => (
              <tr key={attempt.number} data-attempt={attempt.number}>
                <td class="num">{attempt.number}</td>
                <td class="mono">{formatTime(attempt.startedAt)}</td>
                <td class="mono">{formatTime(attempt.endedAt)}</td>
                <td>{attempt.end === undefined ? 'running' : formatWord(attempt.end)}</td>
                <td class="wrap">{attempt.reason ?? ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {log.length > 0 && (
        <ol class="job-log" aria-label="Log">
          {isLogCut && <li class="hint">Older lines are not shown.</li>}
          {log.map((line) => <li key={line.number}><time datetime={line.at}>{formatTime(line.at)}</time> <span>{line.text}</span></li>)}
        </ol>
      )}
    </div>
  );
}
