import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ApiError } from '../api/client';
import { Button, Card, Checkbox, Input, Select } from '../components/basics';
import { ErrorNotice, Loading, useLoaded } from '../components/feedback';
import { formatBytes } from '../format';
import type { Backend, Image, Network } from '../model';
import { run, start } from '../store/operations';
import { go, machineLink } from '../store/route';
import { type CreateForm, emptyForm, type FieldErrors, isDisk, isInitrd, isIso, isKernel, serverErrors, toSpec, validate } from './create-spec';

const advanced = ['maxCpus', 'maxMemory', 'firmware', 'bus', 'cpuModel', 'mac', 'labels', 'description'] as const;

interface Choices {
  images: Image[];
  networks: Network[];
}

/** A backend that has no list of images or networks still makes machines: then the form asks for names. */
async function choices(backend: string): Promise<Choices> {
  const orNone = <T,>(list: Promise<T[]>) => list.catch((error: unknown) => {
    if (error instanceof ApiError && (error.status === 422 || error.status === 404)) {
      return [] as T[];
    }
    throw error;
  });
  const [images, networks] = await Promise.all([orNone(api.images(backend)), orNone(api.networks(backend))]);
  return { images, networks };
}

export function CreateView() {
  const backends = useLoaded('backends', api.backends);
  // One that is not connected does not say what it runs.
  const fitting = backends.value?.filter((backend) => backend.roles?.some((role) => role === 'virtualMachines' || role === 'containers') ?? true) ?? [];
  return (
    <>
      <div class="toolbar"><h1>New machine</h1></div>
      {backends.value === undefined ? (backends.error === undefined ? <Loading what="the backends" /> : <ErrorNotice error={backends.error} retry={backends.reload} />)
        : fitting.length === 0 ? <ErrorNotice error="No backend of this host makes machines." retry={backends.reload} /> : <Form backends={fitting} />}
    </>
  );
}

/** One that is not connected yet is known by its kind. */
const makesContainers = ({ kind, roles }: Backend): boolean => (roles ? roles.includes('containers') && !roles.includes('virtualMachines') : kind === 'lxd' || kind === 'incus');

function Form({ backends }: { backends: readonly Backend[] }) {
  const [form, setForm] = useState<CreateForm>({ ...emptyForm, backend: backends[0]!.name, isContainer: makesContainers(backends[0]!) });
  const [attempt, setAttempt] = useState(0);
  const element = useRef<HTMLFormElement>(null);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const lists = useLoaded(form.backend, () => choices(form.backend));
  const set = (change: Partial<CreateForm>) => {
    setForm((before) => ({ ...before, ...change }));
    setError(undefined);
  };
  useEffect(() => {
    // Whoever was quicker than the lists keeps what the server has said to him.
    const { value } = lists;
    if (value) {
      setForm((before) => ({ ...before, ...(before.isContainer ? { network: value.networks[0]?.name ?? '' } : defaults(value)) }));
    }
  }, [lists.value]);
  useEffect(() => {
    // Only a proposal: what was typed meanwhile stays, and a backend without one leaves the field empty.
    api.suggestName(form.backend).then((name) => setForm((before) => (before.name === '' ? { ...before, name } : before))).catch(() => undefined);
  }, [form.backend]);

  const fromServer = error instanceof ApiError ? serverErrors(error.fields) : { known: {}, other: [] };
  const errors: FieldErrors = { ...(attempt > 0 ? validate(form) : {}), ...fromServer.known };
  // Somebody who sees the button does not see the field above: it is brought to them.
  const complaints = Object.keys(errors).length;
  useEffect(() => {
    if (complaints > 0) {
      element.current?.querySelector<HTMLElement>('.invalid input, .invalid select')?.focus();
    }
  }, [attempt, error]);
  const submit = async () => {
    setAttempt(attempt + 1);
    if (Object.keys(validate(form)).length > 0) {
      return;
    }
    setBusy(true);
    try {
      const done = await run('Create', form.name, () => api.create(form.backend, toSpec(form)));
      const id = (done.result as { id?: string } | undefined)?.id;
      if (id === undefined) {
        go('#/');
        return;
      }
      const at = { backend: form.backend, id };
      go(machineLink(at, form.start ? 'console' : 'summary'));
      if (form.start) {
        start('Start', form.name, () => api.act(at, 'start'));
      }
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };

  const text = (field: keyof CreateForm, label: string, more: { hint?: string; placeholder?: string; required?: boolean; autofocus?: boolean } = {}) =>
    <Input name={field} label={label} value={String(form[field])} onValue={(value) => set({ [field]: value })} error={errors[field]} {...more} />;
  return (
    <form class="create" ref={element} noValidate onSubmit={(event) => { event.preventDefault(); void submit(); }}>
      {error !== undefined && (Object.keys(fromServer.known).length === 0 || fromServer.other.length > 0) && <ErrorNotice error={fromServer.other.length > 0 ? fromServer.other.join('\n') : error} />}
      <Card title="Machine">
        <div class="fields">
          {text('name', 'Name', { required: true, autofocus: true, placeholder: 'web-1' })}
          {backends.length > 1 && <Select name="backend" label="Backend" value={form.backend} onValue={(backend) => set({ backend, isContainer: makesContainers(backends.find(({ name }) => name === backend)!), image: '' })} options={backends.map(({ name }) => [name, name])} />}
          {text('cpus', 'CPUs')}
          {text('memory', 'Memory', { hint: 'MiB, unless a unit is given' })}
        </div>
      </Card>
      {form.isContainer ? <Card title="Image and network"><ContainerParts form={form} set={set} text={text} lists={lists.value} errors={errors} /></Card> : (
        <>
          <Card title="Boot from"><Boot form={form} set={set} text={text} images={lists.value?.images ?? []} errors={errors} loading={lists.loading} /></Card>
          <Card title="Disk and network">
            <div class="fields">
              {text('disk', form.boot === 'image' ? 'Disk size (the image’s own, when empty)' : 'New disk', { placeholder: form.boot === 'image' ? '' : 'none', hint: 'GiB, unless a unit is given' })}
              <NetworkChoice form={form} set={set} networks={lists.value?.networks ?? []} error={errors.network} />
            </div>
          </Card>
        </>
      )}
      <details class="card advanced" open={advanced.some((field) => errors[field]) || undefined}>
        <summary>Advanced</summary>
        <div class="fields">
          {!form.isContainer && (
            <>
              {text('maxCpus', 'CPUs at most', { placeholder: 'as many as it has', hint: 'Room to add processors while it runs' })}
              {text('maxMemory', 'Memory at most', { placeholder: 'as much as it has', hint: 'Room to add memory while it runs' })}
              <Select name="firmware" label="Firmware" value={form.firmware} onValue={(firmware) => set({ firmware })} error={errors.firmware} options={[['default', 'The backend’s choice'], ['bios', 'BIOS'], ['uefi', 'UEFI'], ['uefiSecureBoot', 'UEFI with secure boot']]} />
              <Select name="bus" label="Disk bus" value={form.bus} onValue={(bus) => set({ bus })} options={[['', 'The backend’s choice'], ['virtio', 'virtio'], ['scsi', 'SCSI'], ['sata', 'SATA'], ['ide', 'IDE']]} />
              {text('cpuModel', 'CPU model', { placeholder: 'the backend’s choice' })}
            </>
          )}
          {text('mac', 'MAC address', { placeholder: 'chosen for you' })}
          {text('labels', 'Labels', { placeholder: 'role=web, tier=front' })}
          {text('description', 'Description')}
        </div>
      </details>
      <div class="form-foot">
        <Checkbox label="Start it when it is made" checked={form.start} onValue={(value) => set({ start: value })} />
        <Button onClick={() => go('#/')}>Cancel</Button>
        <Button submit tone="primary" icon="plus" busy={busy}>Create machine</Button>
      </div>
    </form>
  );
}

/** The first kernel there is, with the RAM disk beside it; nothing that the person has chosen is overwritten. */
function defaults({ images, networks }: Choices): Partial<CreateForm> {
  // A compressed kernel keeps the text console on the screen; an ELF one boots a little quicker without.
  const kernel = images.find((image) => isKernel(image) && !image.name.startsWith('vmlinux')) ?? images.find(isKernel);
  const initrd = images.find(isInitrd);
  const boot = kernel ? 'kernel' : images.some(isIso) ? 'iso' : images.some(isDisk) ? 'image' : 'disk';
  return {
    boot, kernelPath: kernel?.id ?? '', initrdPath: initrd?.id ?? '', commandLine: kernel ? 'console=tty0 console=ttyS0 quiet no_timer_check' : '',
    network: networks[0]?.name ?? '', image: boot === 'iso' ? images.find(isIso)!.id : boot === 'image' ? images.find(isDisk)!.id : '',
  };
}

function Boot({ form, set, text, images, errors, loading }: {
  form: CreateForm; set: (change: Partial<CreateForm>) => void; text: (field: keyof CreateForm, label: string, more?: { hint?: string; placeholder?: string }) => JSX.Element;
  images: readonly Image[]; errors: FieldErrors; loading: boolean;
}) {
  const fitting = images.filter(form.boot === 'iso' ? isIso : isDisk);
  const kernels = images.filter(isKernel);
  const initrds = images.filter(isInitrd);
  const kinds: [string, string][] = [['kernel', 'A kernel and RAM disk'], ['image', 'A copy of a disk image'], ['iso', 'A CD image (ISO)'], ['disk', 'Its own empty disk'], ['network', 'The network (PXE)']];
  const named = (list: readonly Image[]) => list.map((image) => [image.id, `${image.name}${image.size ? ` · ${formatBytes(image.size)}` : ''}`] as const);
  return (
    <>
      <div class="choice" role="radiogroup" aria-label="Boot from">
        {kinds.map(([kind, label]) => (
          <label key={kind} class={form.boot === kind ? 'chosen' : ''}><input type="radio" name="boot" value={kind} checked={form.boot === kind} onChange={() => set({ boot: kind, image: images.find(kind === 'iso' ? isIso : isDisk)?.id ?? '' })} />{label}</label>
        ))}
      </div>
      {loading && <p class="hint">Loading the images …</p>}
      <div class="fields">
        {form.boot === 'kernel' && (
          <>
            {kernels.length > 0 ? <Select name="kernelPath" label="Kernel" value={form.kernelPath} onValue={(kernelPath) => set({ kernelPath })} error={errors.kernelPath} options={named(kernels)} /> : text('kernelPath', 'Kernel', { hint: 'Path on the host' })}
            {initrds.length > 0 ? <Select name="initrdPath" label="RAM disk" value={form.initrdPath} onValue={(initrdPath) => set({ initrdPath })} error={errors.initrdPath} options={[['', 'none'], ...named(initrds)]} /> : text('initrdPath', 'RAM disk', { hint: 'Path on the host' })}
            {text('commandLine', 'Kernel command line')}
          </>
        )}
        {(form.boot === 'iso' || form.boot === 'image') && (fitting.length > 0
          ? <Select name="image" label="Image" value={form.image} onValue={(image) => set({ image })} error={errors.image} options={[['', 'Choose …'], ...named(fitting)]} />
          : text('image', 'Image', { hint: 'The backend lists none of this kind: its name or path' }))}
      </div>
    </>
  );
}

type Text = (field: keyof CreateForm, label: string, more?: { hint?: string; placeholder?: string; required?: boolean }) => JSX.Element;

function ContainerParts({ form, set, text, lists, errors }: { form: CreateForm; set: (change: Partial<CreateForm>) => void; text: Text; lists: Choices | undefined; errors: FieldErrors }) {
  const images = lists?.images ?? [];
  return (
    <div class="fields">
      {lists === undefined ? <Loading what="the images" /> : images.length > 0 ? <Select name="image" label="Image" value={form.image} onValue={(image) => set({ image })} error={errors.image} options={[['', 'Choose …'], ...images.map((image) => [image.id, `${image.name}${image.size ? ` · ${formatBytes(image.size)}` : ''}`] as const)]} />
        : text('image', 'Image', { required: true, hint: 'An alias or a fingerprint that the server has' })}
      <NetworkChoice form={form} set={set} networks={lists?.networks ?? []} error={errors.network} />
    </div>
  );
}

function NetworkChoice({ form, set, networks, error }: { form: CreateForm; set: (change: Partial<CreateForm>) => void; networks: readonly Network[]; error: string | undefined }) {
  return networks.length > 0
    ? <Select name="network" label="Network" value={form.network} onValue={(network) => set({ network })} error={error} options={[['', 'none'], ...networks.map((network) => [network.name, `${network.name} (${network.kind})`] as const)]} />
    : <Input name="network" label="Network" value={form.network} onValue={(network) => set({ network })} error={error} placeholder="none" />;
}
