import { useState } from 'preact/hooks';
import { Badge, Button, Card, Input, Select } from '../components/basics';
import { Dialog } from '../components/dialog';
import { Empty } from '../components/feedback';
import { formatBytes, parseBytes, unknown } from '../format';
import type { Disk, Instance } from '../model';
import { PlanDialog } from './plan';

interface Proposal {
  title: string;
  change: Record<string, unknown>;
}

export function DisksTab({ instance }: { instance: Instance }) {
  const [form, setForm] = useState<{ disk?: Disk } | undefined>();
  const [proposal, setProposal] = useState<Proposal | undefined>();
  const propose = (next: Proposal) => {
    setForm(undefined);
    setProposal(next);
  };
  const disks = instance.disks ?? [];
  return (
    <Card flush title="Disks" actions={<Button small tone="primary" icon="plus" onClick={() => setForm({})}>Add disk</Button>}>
      {disks.length === 0 ? <Empty icon="disk" title="No disks"><p>This machine lives in its memory alone.</p></Empty> : (
        <table>
          <thead><tr><th scope="col">Disk</th><th scope="col">Volume</th><th scope="col">Bus</th><th scope="col" class="num">Size</th><th scope="col" class="num">Takes</th><th scope="col">When deleted</th><th scope="col" class="end">Actions</th></tr></thead>
          <tbody>
            {disks.map((disk) => (
              <tr key={disk.id} data-disk={disk.id}>
                <td class="name"><b>{disk.id}</b>{disk.readOnly && <Badge>read only</Badge>}</td>
                <td class="mono cut" data-label="Volume" title={disk.volume}>{disk.volume ?? unknown}</td>
                <td data-label="Bus">{disk.bus ?? unknown}</td>
                <td class="num" data-label="Size">{formatBytes(disk.size)}</td>
                <td class="num" data-label="Takes">{formatBytes(disk.allocated)}</td>
                <td data-label="When deleted">{disk.disposal === 'deletedWithInstance' ? 'goes with the machine' : 'is kept'}</td>
                <td class="end"><div class="actions"><Button small icon="expand" label={`Resize ${disk.id}`} onClick={() => setForm({ disk })}>Resize</Button><Button small tone="danger" icon="trash" label={`Remove ${disk.id}`} onClick={() => propose({ title: `Remove disk ${disk.id}`, change: { removeDevices: [disk.id] } })} /></div></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {form && <DiskForm disk={form.disk} propose={propose} close={() => setForm(undefined)} />}
      {proposal && <PlanDialog instance={instance} title={proposal.title} change={proposal.change} close={() => setProposal(undefined)} />}
    </Card>
  );
}

function DiskForm({ disk, propose, close }: { disk: Disk | undefined; propose: (proposal: Proposal) => void; close: () => void }) {
  const [size, setSize] = useState(disk?.size ? formatBytes(disk.size) : '1 GiB');
  const [bus, setBus] = useState('');
  const bytes = parseBytes(size, 'G');
  const error = bytes === undefined || bytes <= 0 ? 'A size such as 512 MiB or 2 GiB.' : disk?.size !== undefined && bytes < disk.size ? `A disk can only grow: it has ${formatBytes(disk.size)} now.` : undefined;
  const submit = () => {
    if (error === undefined) {
      propose(disk
        ? { title: `Resize disk ${disk.id}`, change: { resizeDisks: { [disk.id]: bytes } } }
        : { title: 'Add a disk', change: { addDisks: [{ content: { kind: 'blank', size: bytes }, ...(bus ? { bus } : {}) }] } });
    }
  };
  return (
    <Dialog title={disk ? `Resize ${disk.id}` : 'Add a disk'} onClose={close} onSubmit={submit} footer={<><Button onClick={close}>Cancel</Button><Button submit tone="primary" disabled={error !== undefined}>Show the plan</Button></>}>
      <Input label="Size" name="disk-size" value={size} onValue={setSize} error={error} autofocus />
      {!disk && <Select label="Bus" name="disk-bus" value={bus} onValue={setBus} options={[['', 'The backend’s choice'], ['virtio', 'virtio'], ['scsi', 'SCSI'], ['sata', 'SATA'], ['ide', 'IDE']]} />}
    </Dialog>
  );
}
