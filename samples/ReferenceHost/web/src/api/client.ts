import type { Backend, ChangePlan, GuestFile, Image, Instance, JobDetail, JobFilter, JobPage, NativeDocument, Network, Operation, PortForward, Problem, Snapshot } from '../model';

/** What the server said no with, or what kept it from answering. */
export class ApiError extends Error {
  constructor(readonly problem: Problem, readonly status: number) {
    super(describe(problem));
  }

  get fields(): Record<string, string> {
    return this.problem.fieldErrors ?? {};
  }
}

/** One sentence, with the backend's own words where they say more. */
export function describe(problem: Problem): string {
  const said = problem.detail ?? problem.message ?? problem.title ?? 'The request failed.';
  return problem.backendMessage && !said.includes(problem.backendMessage) ? `${said} (${problem.backendMessage})` : said;
}

const base = '/api/v1';
const path = (...parts: string[]): string => [base, ...parts.map(encodeURIComponent)].join('/');

export interface InstanceAddress {
  backend: string;
  id: string;
}

/** The REST interface. Calls that begin work answer with its operation, which `store/operations` follows. */
export class ApiClient {
  /** Called when the server no longer knows the session. */
  signedOut: () => void = () => {};
  private csrf = '';

  /** True when this browser has a session. */
  async session(): Promise<boolean> {
    const response = await fetch('/session', { headers: { Accept: 'application/json' } });
    if (!response.ok) {
      return false;
    }
    const session = (await response.json()) as { signedIn?: boolean; csrf?: string };
    this.csrf = session.csrf ?? '';
    return session.signedIn === true;
  }

  async signIn(token: string): Promise<void> {
    await this.send('POST', '/session', { token });
    if (!(await this.session())) {
      throw new ApiError({ detail: 'The server did not keep the session: are cookies allowed for this address?' }, 0);
    }
  }

  signOut = (): Promise<Response> => this.send('DELETE', '/session');

  backends = (): Promise<Backend[]> => this.list<Backend>(`${base}/backends`);
  images = (backend: string): Promise<Image[]> => this.list<Image>(`${base}/images?backend=${encodeURIComponent(backend)}`);
  networks = (backend: string): Promise<Network[]> => this.list<Network>(`${base}/networks?backend=${encodeURIComponent(backend)}`);
  instance = async (at: InstanceAddress): Promise<Instance> => ({ ...(await this.get<Instance>(path('instances', at.backend, at.id))), backend: at.backend });

  create = (backend: string, spec: unknown): Promise<Operation> => this.begin('POST', path('instances', backend), spec);
  remove = (at: InstanceAddress): Promise<Operation> => this.begin('DELETE', `${path('instances', at.backend, at.id)}?stopFirst=true`);
  act = (at: InstanceAddress, action: string, body?: unknown): Promise<Operation> => this.begin('POST', path('instances', at.backend, at.id, action), body);

  unmakeTemplate = (at: InstanceAddress): Promise<Operation> => this.begin('DELETE', path('instances', at.backend, at.id, 'template'));

  /** A name that no machine of the backend has now. */
  suggestName = async (backend: string, pattern?: string): Promise<string> =>
    (await this.get<{ name: string }>(`${path('backends', backend, 'instance-name')}${pattern === undefined ? '' : `?pattern=${encodeURIComponent(pattern)}`}`)).name;

  plan = (at: InstanceAddress, change: unknown): Promise<ChangePlan> => this.json('POST', path('instances', at.backend, at.id, 'plan'), change);
  apply = (at: InstanceAddress, plan: ChangePlan, accept: string[]): Promise<Operation> => this.begin('POST', path('instances', at.backend, at.id, 'apply'), { plan, accept });

  snapshots = (at: InstanceAddress): Promise<Snapshot[]> => this.list<Snapshot>(path('instances', at.backend, at.id, 'snapshots'));
  takeSnapshot = (at: InstanceAddress, spec: unknown): Promise<Operation> => this.begin('POST', path('instances', at.backend, at.id, 'snapshots'), spec);
  revert = (at: InstanceAddress, name: string): Promise<Operation> => this.begin('POST', path('instances', at.backend, at.id, 'snapshots', name, 'revert'));
  deleteSnapshot = (at: InstanceAddress, name: string): Promise<Operation> => this.begin('DELETE', path('instances', at.backend, at.id, 'snapshots', name));

  files = (at: InstanceAddress, directory: string): Promise<GuestFile[]> => this.list<GuestFile>(`${path('instances', at.backend, at.id, 'files')}?path=${encodeURIComponent(directory)}`);
  fileLink = (at: InstanceAddress, file: string): string => `${path('instances', at.backend, at.id, 'files', 'content')}?path=${encodeURIComponent(file)}`;
  uploadFile = (at: InstanceAddress, file: string, content: Blob): Promise<Response> => this.send('PUT', this.fileLink(at, file), content);
  deleteFile = (at: InstanceAddress, file: string): Promise<Response> => this.send('DELETE', `${path('instances', at.backend, at.id, 'files')}?path=${encodeURIComponent(file)}`);

  ports = (at: InstanceAddress): Promise<PortForward[]> => this.list<PortForward>(path('instances', at.backend, at.id, 'ports'));
  addPort = (at: InstanceAddress, spec: unknown): Promise<PortForward> => this.json('POST', path('instances', at.backend, at.id, 'ports'), spec);
  removePort = (at: InstanceAddress, id: string): Promise<Response> => this.send('DELETE', path('instances', at.backend, at.id, 'ports', id));

  native = (at: InstanceAddress): Promise<NativeDocument> => this.get(path('instances', at.backend, at.id, 'native'));
  operation = (id: string): Promise<Operation> => this.get(path('operations', id));
  cancelOperation = (id: string): Promise<Response> => this.send('POST', path('operations', id, 'cancel'));

  jobs = (filter: JobFilter, before: string | undefined, limit: number): Promise<JobPage> => {
    const asked = Object.entries({ ...filter, before: before ?? '', limit: String(limit) }).filter(([, value]) => value !== '');
    return this.get(`/jobs?${new URLSearchParams(asked).toString()}`);
  };
  job = (id: string): Promise<JobDetail> => this.get(`/jobs/${encodeURIComponent(id)}`);
  /** What the API answered when a job on a machine was done, such as the output of a command. */
  jobAnswerLink = (id: string): string => `/jobs/${encodeURIComponent(id)}/answer`;
  cancelJob = (id: string): Promise<Response> => this.send('POST', `/jobs/${encodeURIComponent(id)}/cancel`);
  retryJob = (id: string): Promise<Response> => this.send('POST', `/jobs/${encodeURIComponent(id)}/retry`);
  discardJob = (id: string): Promise<Response> => this.send('DELETE', `/jobs/${encodeURIComponent(id)}`);

  consoleLog = async (at: InstanceAddress, tailBytes: number): Promise<Uint8Array> =>
    new Uint8Array(await (await this.send('GET', `${path('instances', at.backend, at.id, 'console', 'log')}?tail=${tailBytes}`)).arrayBuffer());

  screenshot = async (at: InstanceAddress): Promise<Blob> => (await this.send('GET', path('instances', at.backend, at.id, 'screenshot'))).blob();

  private get = <T>(url: string): Promise<T> => this.json<T>('GET', url);

  private async json<T>(method: string, url: string, body?: unknown): Promise<T> {
    return (await (await this.send(method, url, body)).json()) as T;
  }

  private begin = (method: string, url: string, body?: unknown): Promise<Operation> => this.json<Operation>(method, url, body);

  /** Lists come whole or in pages. */
  private async list<T>(url: string): Promise<T[]> {
    const all: T[] = [];
    let continuation: string | undefined;
    do {
      const next = continuation === undefined ? url : `${url}${url.includes('?') ? '&' : '?'}continuation=${encodeURIComponent(continuation)}`;
      const page = await this.get<T[] | { items: T[]; continuation?: string }>(next);
      if (Array.isArray(page)) {
        return page;
      }
      all.push(...page.items);
      continuation = page.continuation;
    } while (continuation !== undefined && all.length < 10_000);
    return all;
  }

  private async send(method: string, url: string, body?: unknown): Promise<Response> {
    const headers: Record<string, string> = { Accept: 'application/json, application/problem+json, */*' };
    if (method !== 'GET') {
      headers['X-CSRF-Token'] = this.csrf;
      if (url.startsWith(base)) {
        headers['Idempotency-Key'] = crypto.randomUUID();
      }
    }
    const init: RequestInit = { method, headers, credentials: 'same-origin' };
    if (body instanceof Blob) {
      headers['Content-Type'] = 'application/octet-stream';
      init.body = body;
    } else if (body !== undefined) {
      headers['Content-Type'] = 'application/json';
      init.body = JSON.stringify(body);
    }
    let response: Response;
    try {
      response = await fetch(url, init);
    } catch {
      throw new ApiError({ detail: 'The server does not answer. Is the host still running?' }, 0);
    }
    if (response.ok) {
      return response;
    }
    const problem = await readProblem(response);
    if (response.status === 401 && url !== '/session') {
      this.signedOut();
    }
    throw new ApiError(problem, response.status);
  }
}

async function readProblem(response: Response): Promise<Problem> {
  const fallback: Problem = { detail: `The server answered ${response.status} ${response.statusText}.`.replace(' .', '.') };
  try {
    const problem = (await response.json()) as Problem;
    return problem !== null && typeof problem === 'object' ? { ...fallback, ...problem } : fallback;
  } catch {
    return fallback;
  }
}

export const api = new ApiClient();
