import { signal } from '@preact/signals';
import { Card } from '../components/basics';
import { Empty } from '../components/feedback';
import { Icon } from '../components/icon';
import { formatTime } from '../format';
import { feed, type FeedEntry } from '../store/events';
import { machineLink } from '../store/route';

const filter = signal('');

export function EventsView() {
  const shown = feed.value.filter((entry) => `${entry.name ?? ''} ${entry.backend} ${entry.text}`.toLowerCase().includes(filter.value.toLowerCase()));
  return (
    <>
      <div class="toolbar">
        <h1>Events</h1>
        <label class="search"><Icon name="search" /><input type="search" aria-label="Filter events" placeholder="Filter" value={filter.value} onInput={(event) => (filter.value = event.currentTarget.value)} /></label>
      </div>
      <Card flush><Feed entries={shown} /></Card>
    </>
  );
}

export function Feed({ entries, brief, label = 'Events, newest first' }: { entries: readonly FeedEntry[]; brief?: boolean; label?: string }) {
  if (entries.length === 0) {
    return <Empty icon="events" title="Nothing has happened since this page was opened"><p>Starts, stops, changes and lost connections appear here as they happen.</p></Empty>;
  }
  return (
    <ol class="feed" aria-label={label}>
      {entries.map((entry) => (
        <li key={entry.number} class={entry.tone}>
          <time>{formatTime(entry.at)}</time>
          <i class="dot" aria-hidden="true" />
          {!brief && <span class="feed-what">{entry.id === undefined ? <b>{entry.backend}</b> : <a href={machineLink({ backend: entry.backend, id: entry.id })}>{entry.name ?? entry.id}</a>}</span>}
          <span>{entry.text}</span>
        </li>
      ))}
    </ol>
  );
}
