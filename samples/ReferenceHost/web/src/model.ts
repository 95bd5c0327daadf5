// The server's words, as it writes them in JSON (API version 1). Members that the page does not read are left out; everything here is untrusted text.

export interface Disk {
  id: string;
  volume?: string;
  size?: number;
  allocated?: number;
  bus?: string;
  serial?: string;
  readOnly?: boolean;
  disposal?: string;
}

export interface NetworkCard {
  id: string;
  network?: string;
  mac?: string;
  addresses?: string[];
}

export interface Instance {
  backend: string;
  id: string;
  incarnation?: string;
  name: string;
  kind: string;
  state: string;
  stateReason?: string;
  revision?: string;
  hasPendingChanges?: boolean;
  isTemplate?: boolean;
  clonedFrom?: string;
  node?: string;
  architecture?: string;
  guestOs?: string;
  cpus?: number;
  memory?: number;
  disks?: Disk[];
  networks?: NetworkCard[];
  labels?: Record<string, string>;
  description?: string;
  createdAt?: string;
  startedAt?: string;
}

export interface Problem {
  title?: string;
  detail?: string;
  status?: number;
  code?: string;
  outcome?: string;
  backend?: string;
  resource?: string;
  backendCode?: string;
  backendMessage?: string;
  message?: string;
  fieldErrors?: Record<string, string>;
}

export interface Operation {
  id: string;
  state: string;
  fraction?: number;
  stage?: string;
  error?: Problem;
  result?: unknown;
}

export interface Snapshot {
  name: string;
  parent?: string;
  isCurrent?: boolean;
  createdAt: string;
  includesMemory?: boolean;
  size?: number;
  description?: string;
}

export interface PlannedStep {
  property: string;
  from?: string;
  to?: string;
  effects?: string[];
  impossible?: string;
}

/** Sent back to the server as it came: only what the page shows is named. */
export interface ChangePlan {
  steps: PlannedStep[];
}

export interface Metrics {
  at: string;
  cpuTime?: number;
  diskReadBytes?: number;
  diskWriteBytes?: number;
  networkReceivedBytes?: number;
  networkSentBytes?: number;
  unavailable?: Record<string, string>;
}

export interface InstanceMetrics extends Metrics {
  backend?: string;
  id: string;
  memoryUsed?: number;
  memoryUsedByGuest?: number;
}

export interface NodeMetrics extends Metrics {
  backend?: string;
  node: string;
  cpus?: number;
  loadAverage1?: number;
  loadAverage5?: number;
  loadAverage15?: number;
  memoryTotal?: number;
  memoryAvailable?: number;
}

export interface BackendEvent {
  kind: string;
  at?: string;
  id?: string;
  instance?: Omit<Instance, 'backend'>;
  from?: string;
  to?: string;
  reason?: string;
  nativeType?: string;
}

export interface Image {
  id: string;
  name: string;
  kind: string;
  format?: string;
  size?: number;
  virtualSize?: number;
}

export interface Network {
  name: string;
  kind: string;
  description?: string;
}

export interface Backend {
  name: string;
  kind?: string;
  state?: string;
  /** virtualMachines, containers, storage; known while it is connected. */
  roles?: string[];
}

export interface GuestFile {
  name: string;
  /** file, directory, symlink. */
  kind: string;
  size?: number;
  attributes?: { userId?: number; groupId?: number; mode?: string };
}

export interface PortForward {
  id: string;
  /** Address and port. */
  host: string;
  guestPort: number;
  protocol: string;
}

export interface NativeDocument {
  mediaType: string;
  content: string;
}

export interface Job {
  id: string;
  type: string;
  /** pending, inProgress, completed, failed, cancelled. */
  state: string;
  attempts: number;
  createdAt: string;
  endedAt?: string;
  isCancelRequested: boolean;
  error?: string;
  progress?: string;
  fraction?: number;
  /** Why it is pending, as a sentence. */
  waits?: string;
  /** The job that it waits for: that has to end, or is before it in a lane. */
  waitsFor?: JobName;
  worker?: string;
  /** The place of its last change among all changes. */
  position: number;
}

/** A job by its id and what is said of it. */
export interface JobName {
  id: string;
  name: string;
}

export interface JobAttempt {
  number: number;
  worker: string;
  startedAt: string;
  endedAt?: string;
  end?: string;
  reason?: string;
}

export interface JobLine {
  number: number;
  attempt: number;
  at: string;
  text: string;
}

export interface JobDetail {
  job: Job;
  attempts: JobAttempt[];
  /** The newest lines, oldest first. */
  log: JobLine[];
  isLogCut: boolean;
}

/** Which jobs are asked for; empty: any. */
export interface JobFilter {
  state: string;
  type: string;
  machine: string;
  text: string;
}

export interface Lane {
  key: string;
  isExclusive: boolean;
  weight: number;
  capacity?: number;
  holder: JobName;
  /** Who waits for it, of the newest that wait. */
  waiting: JobName[];
}

export interface Schedule {
  name: string;
  cron: string;
  zone: string;
  next: string[];
  error?: string;
}

export interface JobPage {
  position: number;
  jobs: Job[];
  /** Where to go on; absent where there are no more. */
  next?: string;
  lanes: Lane[];
  schedules: Schedule[];
}
