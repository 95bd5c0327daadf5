import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api } from '../api/client';
import { Button, Card, Input } from '../components/basics';
import { Empty, ErrorNotice, Loading, useLoaded } from '../components/feedback';
import { formatBytes } from '../format';
import type { Instance } from '../model';
import { keyOf } from '../store/instances';
import { plainText } from '../store/plain-text';

const tailBytes = 262144;
const find = signal('');

/** What the machine has written to its console since it was started, whether anybody looked or not. */
export function ConsoleLogTab({ instance }: { instance: Instance }) {
  const log = useLoaded(`${keyOf(instance)}/${instance.startedAt ?? ''}`, () => api.consoleLog(instance, tailBytes));
  const end = useRef<HTMLSpanElement>(null);
  useEffect(() => end.current?.scrollIntoView({ block: 'nearest' }), [log.value]);
  const text = log.value && plainText(log.value);
  const lines = text?.split('\n').filter((line) => line.toLowerCase().includes(find.value.toLowerCase())) ?? [];
  return (
    <Card flush class="log-card" title="Boot log" actions={<>
      {log.value && <span class="hint">{log.value.length >= tailBytes ? `the last ${formatBytes(tailBytes)}` : formatBytes(log.value.length)}</span>}
      <div class="inline-input"><Input label="Find" name="log-find" value={find.value} onValue={(value) => (find.value = value)} placeholder="Find" /></div>
      <Button small icon="restart" busy={log.loading} onClick={log.reload}>Refresh</Button>
    </>}>
      {log.error !== undefined && log.value === undefined ? <ErrorNotice error={log.error} retry={log.reload} />
        : text === undefined ? <Loading what="the log" />
          : lines.length === 0 || text.trim() === '' ? <Empty icon="tasks" title={text.trim() === '' ? 'Nothing was written to the console yet' : 'No line contains that'} />
            : <div class="log" tabIndex={0} role="log" aria-label="Boot log">{lines.map((line, index) => <div key={index}>{line || ' '}</div>)}<span ref={end} /></div>}
    </Card>
  );
}
