import { useRef, useState } from 'preact/hooks';
import { api } from '../api/client';
import { Button, Card } from '../components/basics';
import { ask } from '../components/dialog';
import { Empty, ErrorNotice, Loading, useLoaded } from '../components/feedback';
import { formatBytes, unknown } from '../format';
import type { GuestFile, Instance } from '../model';
import { keyOf } from '../store/instances';

export const join = (directory: string, name: string): string => (directory.endsWith('/') ? directory : `${directory}/`) + name;

/** The directories above a path and the path itself, each with its name: "/" first. */
export function steps(path: string): { name: string; path: string }[] {
  const names = path.split('/').filter(Boolean);
  return [{ name: '/', path: '/' }, ...names.map((name, index) => ({ name, path: `/${names.slice(0, index + 1).join('/')}` }))];
}

/** The files of a container: looked at, sent, fetched and deleted. */
export function FilesTab({ instance }: { instance: Instance }) {
  const [path, setPath] = useState('/root');
  const [failure, setFailure] = useState<unknown>();
  const [busy, setBusy] = useState('');
  const picker = useRef<HTMLInputElement>(null);
  const files = useLoaded(`${keyOf(instance)}${path}`, () => api.files(instance, path));

  const go = (next: string) => {
    setFailure(undefined);
    setPath(next);
  };
  const work = async (what: string, begin: () => Promise<unknown>) => {
    setBusy(what);
    setFailure(undefined);
    try {
      await begin();
    } catch (error) {
      setFailure(error);
    }
    setBusy('');
    files.reload();
  };
  const upload = (chosen: FileList | null) => {
    const all = [...(chosen ?? [])];
    if (all.length > 0) {
      void work(`Uploading ${all.map((file) => file.name).join(', ')}`, async () => {
        for (const file of all) {
          await api.uploadFile(instance, join(path, file.name), file);
        }
      });
    }
  };
  const remove = async (file: GuestFile) => {
    if (await ask({ title: `Delete ${file.name}?`, text: file.kind === 'directory' ? 'The directory is deleted if it is empty.' : 'The file is deleted. This cannot be undone.', confirm: 'Delete', danger: true })) {
      await work(`Deleting ${file.name}`, () => api.deleteFile(instance, join(path, file.name)));
    }
  };

  const sorted = [...(files.value ?? [])].sort((a, b) => Number(b.kind === 'directory') - Number(a.kind === 'directory') || a.name.localeCompare(b.name));
  return (
    <Card flush title={<nav class="crumbs" aria-label="Where">{steps(path).map((step) => <button type="button" key={step.path} class="button ghost small" aria-current={step.path === path ? 'page' : undefined} onClick={() => go(step.path)}>{step.name}</button>)}</nav>}
      actions={<>
        {busy !== '' && <span class="hint" role="status">{busy} …</span>}
        <input ref={picker} type="file" multiple hidden name="upload" onChange={(event) => { upload(event.currentTarget.files); event.currentTarget.value = ''; }} />
        <Button small tone="primary" icon="plus" disabled={busy !== '' || files.value === undefined} onClick={() => picker.current?.click()}>Upload</Button>
        <Button small icon="restart" busy={files.loading} onClick={files.reload}>Refresh</Button>
      </>}>
      {failure !== undefined && <ErrorNotice error={failure} />}
      {files.error !== undefined && files.value === undefined ? <ErrorNotice error={files.error} retry={files.reload} />
        : files.value === undefined ? <Loading what="the files" />
          : sorted.length === 0 ? <Empty icon="disk" title="Nothing is in this directory" /> : (
            <table class="files" aria-label={`Files in ${path}`}>
              <thead><tr><th scope="col">Name</th><th scope="col" class="num">Size</th><th scope="col">Mode</th><th scope="col">Owner</th><th scope="col" class="end">Actions</th></tr></thead>
              <tbody>
                {sorted.map((file) => (
                  <tr key={file.name} data-file={file.name}>
                    <td class="name">{file.kind === 'directory' ? <button type="button" class="button ghost small" onClick={() => go(join(path, file.name))}><b>{file.name}/</b></button> : <span>{file.name}{file.kind === 'symlink' && <span class="hint"> link</span>}</span>}</td>
                    <td class="num" data-label="Size">{formatBytes(file.size)}</td>
                    <td class="mono" data-label="Mode">{file.attributes?.mode ?? unknown}</td>
                    <td class="mono" data-label="Owner">{file.attributes?.userId === undefined ? unknown : `${file.attributes.userId}:${file.attributes.groupId ?? ''}`}</td>
                    <td class="end"><div class="actions">
                      {file.kind === 'file' && <a class="button plain small" href={api.fileLink(instance, join(path, file.name))} download={file.name}>Download</a>}
                      <Button small tone="danger" icon="trash" label={`Delete ${file.name}`} disabled={busy !== ''} onClick={() => void remove(file)} />
                    </div></td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
    </Card>
  );
}
