import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { api, ApiError } from '../api/client';
import { Button, Input, Select } from '../components/basics';
import { Dialog } from '../components/dialog';
import { ErrorNotice } from '../components/feedback';
import { formatBytes, parseBytes } from '../format';
import type { Instance } from '../model';
import { run } from '../store/operations';
import { go, machineLink } from '../store/route';

/** The machine that a copy is asked of. */
export const cloning = signal<Instance | undefined>(undefined);

export function CloneDialog() {
  const source = cloning.value;
  return source ? <CloneForm key={`${source.backend}/${source.id}`} source={source} /> : null;
}

function CloneForm({ source }: { source: Instance }) {
  const disk = source.disks?.[0];
  const [form, setForm] = useState({ name: '', mode: source.isTemplate ? 'linked' : 'full', cpus: `${source.cpus ?? 1}`, memory: formatBytes(source.memory), disk: formatBytes(disk?.size) });
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const set = (change: Partial<typeof form>) => setForm((before) => ({ ...before, ...change }));
  const close = () => { cloning.value = undefined; };
  useEffect(() => {
    // Only a proposal: what was typed meanwhile stays.
    api.suggestName(source.backend, `${source.name}-{number}`).then((name) => setForm((before) => (before.name === '' ? { ...before, name } : before))).catch(() => undefined);
  }, []);

  const memory = parseBytes(form.memory, 'M');
  const size = parseBytes(form.disk, 'G');
  const cpus = Number(form.cpus);
  const errors = {
    cpus: Number.isInteger(cpus) && cpus >= 1 ? undefined : 'A whole number, 1 or more.',
    memory: memory ? undefined : 'A size such as 512 MiB or 2 GiB.',
    disk: disk === undefined || size ? undefined : 'A size such as 8 GiB.',
  };
  const wrong = Object.values(errors).some(Boolean) || form.name.trim() === '';
  const submit = async () => {
    if (wrong) {
      return;
    }
    setBusy(true);
    // What was left as it is shown is not asked for: a shown size is rounded.
    const same = cpus === source.cpus && form.memory === formatBytes(source.memory);
    const grown = disk !== undefined && form.disk !== formatBytes(disk.size);
    try {
      const done = await run('Clone', source.name, () => api.act(source, 'clone', {
        name: form.name.trim(), mode: form.mode, ...(same ? {} : { sizing: { kind: 'explicit', cpus, memory } }), ...(grown ? { resizeDisks: { [disk.id]: size } } : {}),
      }));
      close();
      const id = (done.result as { id?: string } | undefined)?.id;
      if (id !== undefined) {
        go(machineLink({ backend: source.backend, id }, 'summary'));
      }
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };

  const fields = error instanceof ApiError ? error.fields : {};
  const about = (prefix: string) => Object.entries(fields).find(([field]) => field.startsWith(prefix))?.[1];
  return (
    <Dialog title={source.isTemplate ? `New machine from ${source.name}` : `Clone ${source.name}`} onClose={close} onSubmit={() => void submit()}
      footer={<><Button onClick={close}>Cancel</Button><Button submit tone="primary" icon="plus" busy={busy} disabled={wrong}>Create clone</Button></>}>
      <Input label="Name" name="clone-name" value={form.name} onValue={(name) => set({ name })} error={fields['name']} required autofocus />
      <Select label="Disks" name="clone-mode" value={form.mode} onValue={(mode) => set({ mode })} options={source.isTemplate ? [['linked', 'Share what is unchanged'], ['full', 'Copy']] : [['full', 'Copy']]} error={about('mode')} />
      <Input label="CPUs" name="clone-cpus" value={form.cpus} onValue={(text) => set({ cpus: text })} error={errors.cpus ?? about('sizing.cpus')} />
      <Input label="Memory" name="clone-memory" value={form.memory} onValue={(text) => set({ memory: text })} error={errors.memory ?? about('sizing.memory')} />
      {disk && <Input label={`Disk ${disk.id}`} name="clone-disk" hint="As large as it is, or larger" value={form.disk} onValue={(text) => set({ disk: text })} error={errors.disk ?? about('resizeDisks')} />}
      {error !== undefined && Object.keys(fields).length === 0 && <ErrorNotice error={error} />}
    </Dialog>
  );
}
