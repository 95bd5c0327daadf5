import { useState } from 'preact/hooks';
import { Button, Card, Facts, Input } from '../components/basics';
import { formatBytes, parseBytes, unknown } from '../format';
import type { Instance } from '../model';
import { keyOf } from '../store/instances';
import { parseLabels } from './create-spec';
import { PlanDialog } from './plan';

interface Form {
  name: string;
  cpus: string;
  memory: string;
  description: string;
  labels: string;
}

const read = (instance: Instance): Form => ({
  name: instance.name, cpus: String(instance.cpus ?? ''), memory: instance.memory === undefined ? '' : formatBytes(instance.memory), description: instance.description ?? '',
  labels: Object.entries(instance.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(', '),
});

/** Only what differs from what the machine has: everything else is not mentioned. Undefined when something cannot be understood. */
export function changeOf(instance: Instance, form: Form): Record<string, unknown> | undefined {
  const before = read(instance);
  const labels = parseLabels(form.labels);
  const memory = parseBytes(form.memory, 'M');
  const cpus = Number(form.cpus);
  if (labels === undefined || form.name.trim() === '' || (form.memory !== before.memory && !memory) || (form.cpus !== before.cpus && (!Number.isInteger(cpus) || cpus < 1))) {
    return undefined;
  }
  const change: Record<string, unknown> = {};
  if (form.name.trim() !== before.name) {
    change['name'] = form.name.trim();
  }
  if (form.description !== before.description) {
    change['description'] = form.description === '' ? null : form.description;
  }
  if (form.cpus !== before.cpus || form.memory !== before.memory) {
    change['sizing'] = { kind: 'explicit', cpus, memory: form.memory === before.memory ? instance.memory : memory };
  }
  const known = instance.labels ?? {};
  const changed = [...Object.entries(labels).filter(([key, value]) => known[key] !== value), ...Object.keys(known).filter((key) => !(key in labels)).map((key) => [key, null] as const)];
  if (changed.length > 0) {
    change['labels'] = Object.fromEntries(changed);
  }
  return change;
}

export function ConfigurationTab({ instance }: { instance: Instance }) {
  const [form, setForm] = useState(() => read(instance));
  const [planned, setPlanned] = useState<Record<string, unknown> | undefined>();
  const change = changeOf(instance, form);
  const same = change !== undefined && Object.keys(change).length === 0;
  const set = (field: keyof Form) => (value: string) => setForm((before) => ({ ...before, [field]: value }));
  return (
    <div class="columns">
      <Card title="Change">
        <form onSubmit={(event) => { event.preventDefault(); if (change && !same) { setPlanned(change); } }}>
          <div class="fields">
            <Input label="Name" name="change-name" value={form.name} onValue={set('name')} error={form.name.trim() === '' ? 'A machine needs a name.' : undefined} />
            <Input label="CPUs" name="change-cpus" value={form.cpus} onValue={set('cpus')} error={/^[1-9]\d*$/.test(form.cpus) || form.cpus === read(instance).cpus ? undefined : 'A whole number, 1 or more.'} />
            <Input label="Memory" name="change-memory" value={form.memory} onValue={set('memory')} error={form.memory === read(instance).memory || parseBytes(form.memory, 'M') ? undefined : 'A size such as 512 MiB or 2 GiB.'} />
            <Input label="Description" name="change-description" value={form.description} onValue={set('description')} />
            <Input label="Labels" name="change-labels" value={form.labels} onValue={set('labels')} placeholder="role=web, tier=front" error={parseLabels(form.labels) === undefined ? 'Pairs such as role=web, separated by commas.' : undefined} />
          </div>
          <div class="form-foot">
            <Button disabled={same} onClick={() => setForm(read(instance))}>Reset</Button>
            <Button submit tone="primary" disabled={change === undefined || same}>Show the plan</Button>
          </div>
        </form>
      </Card>
      <Card title="Now">
        <Facts items={[
          ['Revision', <code class="cut">{instance.revision ?? unknown}</code>], ['Incarnation', <code class="cut">{instance.incarnation ?? unknown}</code>], ['Kind', instance.kind],
          ...(instance.disks ?? []).map((disk) => [`Disk ${disk.id}`, `${formatBytes(disk.size)} ${disk.bus ?? ''}`] as const),
          ...(instance.networks ?? []).map((card) => [`Card ${card.id}`, `${card.network ?? unknown} ${card.mac ?? ''}`] as const),
        ]} />
      </Card>
      {planned && <PlanDialog key={keyOf(instance)} instance={instance} title="Change configuration" change={planned} close={(applied) => { setPlanned(undefined); if (applied) { setForm((before) => ({ ...before, name: before.name.trim() })); } }} />}
    </div>
  );
}
