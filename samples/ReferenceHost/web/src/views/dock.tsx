import { Button, StateDot } from '../components/basics';
import { findInstance, keyOf } from '../store/instances';
import { machineLink, route } from '../store/route';
import { docked } from './actions';
import { TerminalPane } from './terminal';

/** A machine's console at the bottom of the page, beside whatever else is looked at. Not where the machine's own page shows it already. */
export function ConsoleDock() {
  const at = docked.value;
  const instance = at && findInstance(keyOf(at));
  const here = route.value;
  if (!instance || (here.view === 'machine' && here.id === instance.id && here.backend === instance.backend && here.tab === 'console')) {
    return null;
  }
  return (
    <section class="dock" aria-label={`Console of ${instance.name}`}>
      <header>
        <StateDot state={instance.state} /><b>{instance.name}</b><span class="hint">serial console</span><span class="grow" />
        <a class="button ghost small" href={machineLink(instance, 'console')}>Open in full</a>
        <Button icon="close" tone="ghost" small label="Close the console" onClick={() => (docked.value = undefined)} />
      </header>
      <TerminalPane key={keyOf(instance)} instance={instance} />
    </section>
  );
}
