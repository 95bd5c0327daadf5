import { useState } from 'preact/hooks';
import { api } from '../api/client';
import { Badge, Button, Card, Input, Select } from '../components/basics';
import { ask, Dialog } from '../components/dialog';
import { Empty, ErrorNotice, Loading, useLoaded } from '../components/feedback';
import type { Instance, PortForward } from '../model';
import { keyOf } from '../store/instances';

const mostPort = 65535;

/** The ports of the host that lead into a container. Nothing is open that is not listed. */
export function PortsTab({ instance }: { instance: Instance }) {
  const ports = useLoaded(keyOf(instance), () => api.ports(instance));
  const [adding, setAdding] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const remove = async (port: PortForward) => {
    if (!(await ask({ title: `Close ${port.host}?`, text: `Nothing leads to port ${port.guestPort} of ${instance.name} by it any more.`, confirm: 'Close', danger: true }))) {
      return;
    }
    setFailure(undefined);
    try {
      await api.removePort(instance, port.id);
    } catch (error) {
      setFailure(error);
    }
    ports.reload();
  };
  return (
    <Card flush title="Ports" actions={<Button small tone="primary" icon="plus" onClick={() => setAdding(true)}>Add port</Button>}>
      {failure !== undefined && <ErrorNotice error={failure} />}
      {ports.error !== undefined && ports.value === undefined ? <ErrorNotice error={ports.error} retry={ports.reload} />
        : ports.value === undefined ? <Loading what="the ports" />
          : ports.value.length === 0 ? <Empty icon="network" title="No ports"><p>No port of the host leads into this container.</p></Empty> : (
            <table aria-label="Ports">
              <thead><tr><th scope="col">On the host</th><th scope="col" aria-label="leads to" /><th scope="col">In the container</th><th scope="col">Protocol</th><th scope="col" class="end">Actions</th></tr></thead>
              <tbody>
                {ports.value.map((port) => (
                  <tr key={port.id} data-port={port.id}>
                    <td class="name mono"><b>{port.host}</b></td>
                    <td class="wide-cell"><span class="leads" aria-hidden="true">→</span></td>
                    <td class="mono" data-label="In the container">{instance.name}:{port.guestPort}</td>
                    <td data-label="Protocol"><Badge>{port.protocol}</Badge></td>
                    <td class="end"><div class="actions"><Button small tone="danger" icon="trash" label={`Close ${port.host}`} onClick={() => void remove(port)} /></div></td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
      {adding && <AddPort instance={instance} close={() => { setAdding(false); ports.reload(); }} />}
    </Card>
  );
}

function AddPort({ instance, close }: { instance: Instance; close: () => void }) {
  const [guest, setGuest] = useState('80');
  const [host, setHost] = useState('');
  const [protocol, setProtocol] = useState('tcp');
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const fine = isPort(guest) && (host === '' || isPort(host));
  const submit = async () => {
    if (!fine) {
      return;
    }
    setBusy(true);
    try {
      await api.addPort(instance, { guest: Number(guest), protocol, ...(host === '' ? {} : { host: Number(host) }) });
      close();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog title={`A port into ${instance.name}`} onClose={close} onSubmit={() => void submit()} footer={<><Button onClick={close}>Cancel</Button><Button submit tone="primary" icon="plus" busy={busy} disabled={!fine}>Add port</Button></>}>
      <Input label="Port in the container" name="port-guest" value={guest} onValue={setGuest} error={isPort(guest) ? undefined : `A number from 1 to ${mostPort}.`} required autofocus />
      <Input label="Port of the host" name="port-host" value={host} onValue={setHost} placeholder="one that is free" hint="On the host’s loopback address" error={host === '' || isPort(host) ? undefined : `A number from 1 to ${mostPort}, or nothing.`} />
      <Select label="Protocol" name="port-protocol" value={protocol} onValue={setProtocol} options={[['tcp', 'TCP'], ['udp', 'UDP']]} />
      {error !== undefined && <ErrorNotice error={error} />}
    </Dialog>
  );
}

const isPort = (text: string): boolean => /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= mostPort;
