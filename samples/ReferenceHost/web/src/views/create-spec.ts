import { parseBytes } from '../format';
import type { Image } from '../model';

/** What the form holds: text, as typed. */
export interface CreateForm {
  backend: string;
  /** What the backend makes: of a container, most of the rest is not asked. */
  isContainer: boolean;
  name: string;
  cpus: string;
  memory: string;
  /** 'kernel' | 'iso' | 'image' | 'disk' | 'network' */
  boot: string;
  image: string;
  kernelPath: string;
  initrdPath: string;
  commandLine: string;
  disk: string;
  bus: string;
  network: string;
  mac: string;
  description: string;
  labels: string;
  firmware: string;
  cpuModel: string;
  maxCpus: string;
  maxMemory: string;
  start: boolean;
}

export const emptyForm: CreateForm = {
  backend: '', isContainer: false, name: '', cpus: '1', memory: '256 MiB', boot: 'kernel', image: '', kernelPath: '', initrdPath: '', commandLine: '', disk: '', bus: '', network: '', mac: '',
  description: '', labels: '', firmware: 'default', cpuModel: '', maxCpus: '', maxMemory: '', start: true,
};

export type FieldErrors = Partial<Record<keyof CreateForm, string>>;

/** What can be said without the server. It has the last word, by field, in `serverErrors`. */
export function validate(form: CreateForm): FieldErrors {
  const errors: FieldErrors = {};
  const check = (field: keyof CreateForm, fine: boolean, message: string) => {
    if (!fine) {
      errors[field] = message;
    }
  };
  check('name', form.name.trim() !== '', 'A machine needs a name.');
  check('cpus', /^\d+$/.test(form.cpus) && Number(form.cpus) >= 1, 'A whole number, 1 or more.');
  check('memory', size(form.memory) !== undefined, 'A size such as 512 MiB or 2 GiB.');
  check('maxCpus', form.maxCpus === '' || /^[1-9]\d*$/.test(form.maxCpus), 'A whole number, or nothing.');
  check('maxMemory', form.maxMemory === '' || size(form.maxMemory) !== undefined, 'A size such as 2 GiB, or nothing.');
  check('disk', form.disk === '' || size(form.disk, 'G') !== undefined, 'A size such as 2 GiB, or nothing for no disk.');
  check('kernelPath', form.isContainer || form.boot !== 'kernel' || form.kernelPath !== '', 'The path of a kernel on the host.');
  check('image', !(form.isContainer || ['iso', 'image'].includes(form.boot)) || form.image !== '', 'Choose an image.');
  check('disk', form.isContainer || form.boot !== 'disk' || form.disk !== '', 'A machine that boots from its disk needs one.');
  check('labels', parseLabels(form.labels) !== undefined, 'Pairs such as role=web, separated by commas.');
  return errors;
}

/** The specification that the server gets; only what was filled in. */
export function toSpec(form: CreateForm): Record<string, unknown> {
  if (form.isContainer) {
    return { kind: 'container', name: form.name.trim(), image: form.image.trim(), cpuLimit: Number(form.cpus), memoryLimit: size(form.memory), networks: networks(form), ...words(form) };
  }
  const diskBytes = size(form.disk, 'G');
  const bus = form.bus === '' ? {} : { bus: form.bus };
  const disks = form.boot === 'image' ? [{ content: { kind: 'fromImage', image: form.image, ...(diskBytes ? { size: diskBytes } : {}) }, ...bus }]
    : diskBytes ? [{ content: { kind: 'blank', size: diskBytes }, ...bus }] : [];
  return {
    kind: 'virtualMachine',
    name: form.name.trim(),
    sizing: {
      kind: 'explicit', cpus: Number(form.cpus), memory: size(form.memory),
      ...(form.maxCpus === '' ? {} : { maxCpus: Number(form.maxCpus) }), ...(form.maxMemory === '' ? {} : { maxMemory: size(form.maxMemory) }),
    },
    boot: boot(form),
    disks,
    networks: networks(form),
    ...words(form),
    ...(form.firmware === 'default' ? {} : { firmware: form.firmware }),
    ...(form.cpuModel === '' ? {} : { cpuModel: form.cpuModel }),
  };
}

const networks = (form: CreateForm): unknown[] => (form.network === '' ? [] : [{ network: form.network, ...(form.mac === '' ? {} : { mac: form.mac }) }]);

const words = (form: CreateForm): Record<string, unknown> => ({ labels: parseLabels(form.labels) ?? {}, ...(form.description === '' ? {} : { description: form.description }) });

function boot(form: CreateForm): Record<string, unknown> {
  switch (form.boot) {
    case 'kernel':
      return { kind: 'kernel', kernelPath: form.kernelPath, ...(form.initrdPath === '' ? {} : { initrdPath: form.initrdPath }), commandLine: form.commandLine };
    case 'iso':
      return { kind: 'iso', image: form.image };
    case 'network':
      return { kind: 'networkBoot' };
    default:
      return { kind: 'firstDisk' };
  }
}

const fieldOf: Record<string, keyof CreateForm> = {
  'name': 'name', 'sizing': 'cpus', 'sizing.cpus': 'cpus', 'sizing.memory': 'memory', 'sizing.maxcpus': 'maxCpus', 'sizing.maxmemory': 'maxMemory', 'cpus': 'cpus', 'memory': 'memory',
  'image': 'image', 'cpulimit': 'cpus', 'memorylimit': 'memory', 'boot': 'kernelPath', 'boot.kernelpath': 'kernelPath', 'boot.initrdpath': 'initrdPath', 'boot.commandline': 'commandLine', 'boot.image': 'image', 'description': 'description',
  'labels': 'labels', 'firmware': 'firmware', 'cpumodel': 'cpuModel', 'disks': 'disk', 'networks': 'network',
};

/** The server's complaints, beside the inputs they are about; what belongs to none is left for the message above the form. */
export function serverErrors(fields: Record<string, string>): { known: FieldErrors; other: string[] } {
  const known: FieldErrors = {};
  const other: string[] = [];
  for (const [path, message] of Object.entries(fields)) {
    const plain = path.replace(/^[$/]+\.?/, '').replace(/\//g, '.').replace(/\[\d+\]|\.\d+(?=\.|$)/g, '').toLowerCase();
    const field = fieldOf[plain] ?? fieldOf[plain.split('.')[0]!];
    if (field) {
      known[field] = message;
    } else {
      other.push(`${path}: ${message}`);
    }
  }
  return { known, other };
}

/** "role=web, tier=1" → an object; undefined when it is not that. */
export function parseLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const pair of text.split(/[,\n]/).map((part) => part.trim()).filter(Boolean)) {
    const equals = pair.indexOf('=');
    if (equals < 1) {
      return undefined;
    }
    labels[pair.slice(0, equals).trim()] = pair.slice(equals + 1).trim();
  }
  return labels;
}

export const isIso = (image: Image): boolean => image.kind === 'iso';
export const isDisk = (image: Image): boolean => image.kind === 'disk';
export const isKernel = (image: Image): boolean => image.kind === 'kernel';
export const isInitrd = (image: Image): boolean => image.kind === 'initrd';

function size(text: string, unit = 'M'): number | undefined {
  const bytes = parseBytes(text, unit);
  return bytes !== undefined && bytes > 0 ? bytes : undefined;
}
