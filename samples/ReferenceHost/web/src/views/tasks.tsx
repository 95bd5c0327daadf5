import { api } from '../api/client';
import { Badge, Button, Card, Meter, stateTone } from '../components/basics';
import { Empty, useClock } from '../components/feedback';
import { formatTime, formatUptime, formatWord } from '../format';
import { taskError, tasks } from '../store/operations';

export function TasksView() {
  const now = useClock(1000);
  return (
    <>
      <div class="toolbar"><h1>Tasks</h1></div>
      <Card flush>
        {tasks.value.length === 0 ? <Empty icon="tasks" title="No tasks yet"><p>What this page asks the host to do is listed here with its progress and its end.</p></Empty> : (
          <table>
            <thead><tr><th scope="col">Begun</th><th scope="col">Task</th><th scope="col">State</th><th scope="col">Progress</th><th scope="col" class="num">Took</th><th scope="col" class="end" /></tr></thead>
            <tbody>
              {tasks.value.map((task) => (
                <tr key={task.number}>
                  <td class="mono">{formatTime(new Date(task.startedAt).toISOString())}</td>
                  <td class="name"><b>{task.action}</b><span class="hint">{task.target}</span></td>
                  <td><Badge tone={task.endedAt === undefined ? 'busy' : stateTone(task.state)}><i class="dot" aria-hidden="true" />{task.state}</Badge></td>
                  <td data-label="Progress">{taskError(task) ?? (task.endedAt === undefined ? <>{task.fraction !== undefined && <Meter fraction={task.fraction} label="Progress" />} {task.stage && formatWord(task.stage)}</> : '')}</td>
                  <td class="num" data-label="Took">{formatUptime(((task.endedAt ?? now) - task.startedAt) / 1000)}</td>
                  <td class="end">{task.endedAt === undefined && task.id !== undefined && <Button small onClick={() => void api.cancelOperation(task.id!)}>Cancel</Button>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Card>
    </>
  );
}
