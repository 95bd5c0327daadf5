import { useState } from 'preact/hooks';
import { api, ApiError } from '../api/client';
import { Badge, Button, Card, Checkbox, Input } from '../components/basics';
import { ask, Dialog } from '../components/dialog';
import { Empty, ErrorNotice, Loading, useLoaded } from '../components/feedback';
import { formatBytes, formatTime } from '../format';
import type { Instance, Snapshot } from '../model';
import { keyOf } from '../store/instances';
import { run } from '../store/operations';
import { snapshotTree } from '../store/snapshot-tree';

export function SnapshotsTab({ instance }: { instance: Instance }) {
  const list = useLoaded(keyOf(instance), () => api.snapshots(instance));
  const [creating, setCreating] = useState(false);
  const [busy, setBusy] = useState(false);

  const work = async (action: string, name: string, begin: () => ReturnType<typeof api.revert>) => {
    setBusy(true);
    try {
      await run(action, `${instance.name}: ${name}`, begin);
    } catch {
      // The toast says why.
    }
    setBusy(false);
    list.reload();
  };
  const revert = async (snapshot: Snapshot) => {
    const text = `Everything that ${instance.name} has written since is lost${snapshot.includesMemory ? '; it goes on from the moment of the snapshot' : '; its disks go back and its memory is not kept'}.`;
    if (await ask({ title: `Go back to ${snapshot.name}?`, text, confirm: 'Revert', danger: true })) {
      await work('Revert to snapshot', snapshot.name, () => api.revert(instance, snapshot.name));
    }
  };
  const remove = async (snapshot: Snapshot) => {
    if (await ask({ title: `Delete the snapshot ${snapshot.name}?`, text: 'The machine stays as it is; only the way back is gone.', confirm: 'Delete', danger: true })) {
      await work('Delete snapshot', snapshot.name, () => api.deleteSnapshot(instance, snapshot.name));
    }
  };

  return (
    <Card flush title="Snapshots" actions={<Button small tone="primary" icon="camera" disabled={busy} onClick={() => setCreating(true)}>Take snapshot</Button>}>
      {list.error !== undefined && list.value === undefined ? <ErrorNotice error={list.error} retry={list.reload} />
        : list.value === undefined ? <Loading what="the snapshots" />
          : list.value.length === 0 ? <Empty icon="camera" title="No snapshots"><p>A snapshot is a moment that the machine can be taken back to.</p></Empty> : (
            <table class="snapshots">
              <thead><tr><th scope="col">Name</th><th scope="col">Taken</th><th scope="col">Holds</th><th scope="col" class="num">Size</th><th scope="col" class="end">Actions</th></tr></thead>
              <tbody>
                {snapshotTree(list.value).map(({ snapshot, depth }) => (
                  <tr key={snapshot.name} data-snapshot={snapshot.name}>
                    <td class="name"><div class="branch" style={{ paddingLeft: `${depth * 18}px` }}>{depth > 0 && <i class="twig" aria-hidden="true" />}<b>{snapshot.name}</b>{snapshot.isCurrent && <Badge tone="good">you are here</Badge>}</div>{snapshot.description && <span class="hint">{snapshot.description}</span>}</td>
                    <td class="mono" data-label="Taken">{formatTime(snapshot.createdAt)}</td>
                    <td data-label="Holds">{snapshot.includesMemory ? 'disks and memory' : 'disks'}</td>
                    <td class="num" data-label="Size">{formatBytes(snapshot.size)}</td>
                    <td class="end"><div class="actions"><Button small icon="revert" disabled={busy} onClick={() => void revert(snapshot)}>Revert</Button><Button small tone="danger" icon="trash" label={`Delete ${snapshot.name}`} disabled={busy} onClick={() => void remove(snapshot)} /></div></td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
      {creating && <CreateSnapshot instance={instance} taken={list.value ?? []} close={() => { setCreating(false); list.reload(); }} />}
    </Card>
  );
}

function CreateSnapshot({ instance, taken, close }: { instance: Instance; taken: readonly Snapshot[]; close: () => void }) {
  const running = instance.state === 'running' || instance.state === 'paused';
  const [name, setName] = useState(() => nextName(taken));
  const [description, setDescription] = useState('');
  const [memory, setMemory] = useState(running);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);

  const submit = async () => {
    setBusy(true);
    try {
      await run('Take snapshot', `${instance.name}: ${name}`, () => api.takeSnapshot(instance, { name, includeMemory: memory && running, ...(description ? { description } : {}) }));
      close();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  const fields = error instanceof ApiError ? error.fields : {};
  return (
    <Dialog title={`Take a snapshot of ${instance.name}`} onClose={close} onSubmit={() => void submit()}
      footer={<><Button onClick={close}>Cancel</Button><Button submit tone="primary" icon="camera" busy={busy} disabled={name === ''}>Take snapshot</Button></>}>
      <Input label="Name" name="snapshot-name" value={name} onValue={setName} error={fields['name']} required autofocus />
      <Input label="Description" name="snapshot-description" value={description} onValue={setDescription} error={fields['description']} />
      <Checkbox label="With its memory: going back continues at this very moment" checked={memory && running} disabled={!running} onValue={setMemory} />
      {error !== undefined && Object.keys(fields).length === 0 && <ErrorNotice error={error} />}
    </Dialog>
  );
}

function nextName(taken: readonly Snapshot[]): string {
  const names = new Set(taken.map((snapshot) => snapshot.name));
  let number = taken.length + 1;
  while (names.has(`snap-${number}`)) {
    number++;
  }
  return `snap-${number}`;
}
