import { formatUptime, formatWord } from '../format';
import { dismiss, dismissed, taskError, tasks, type Task } from '../store/operations';
import { Button, Meter } from './basics';
import { useClock } from './feedback';
import { Icon } from './icon';

/** What this page has asked for and has not yet ended, and how the last ones ended. Failures stay until they are closed. */
export function Toasts() {
  const shown = tasks.value.filter((task) => !dismissed.value.has(task.number)).slice(0, 5);
  return <div class="toasts" role="status" aria-live="polite">{shown.map((task) => <Toast key={task.number} task={task} />)}</div>;
}

function Toast({ task }: { task: Task }) {
  const running = task.endedAt === undefined;
  const now = useClock(1000);
  const error = taskError(task);
  return (
    <div class={`toast ${running ? 'running' : task.state}`} data-state={task.state}>
      {running ? <span class="spinner" aria-hidden="true" /> : <Icon name={task.state === 'succeeded' ? 'check' : 'warning'} />}
      <div>
        <p><b>{task.action}</b> {task.target}</p>
        <p class="hint">{error ?? [running ? task.stage && formatWord(task.stage) : formatWord(task.state), formatUptime(((task.endedAt ?? now) - task.startedAt) / 1000)].filter(Boolean).join(' · ')}</p>
        {running && task.fraction !== undefined && <Meter fraction={task.fraction} label="Progress" />}
      </div>
      <Button icon="close" tone="ghost" small label="Dismiss" onClick={() => dismiss(task.number)} />
    </div>
  );
}
