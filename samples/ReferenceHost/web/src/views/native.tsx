import { api } from '../api/client';
import { Button, Card } from '../components/basics';
import { ErrorNotice, Loading, useLoaded } from '../components/feedback';
import type { Instance } from '../model';
import { keyOf } from '../store/instances';

/** What the backend itself has written about the machine, as it is. */
export function NativeTab({ instance }: { instance: Instance }) {
  const document = useLoaded(`${keyOf(instance)}/${instance.revision ?? ''}`, () => api.native(instance));
  return (
    <Card flush class="log-card" title="Native document" actions={<>
      {document.value && <span class="hint">{document.value.mediaType}</span>}
      <Button small icon="restart" busy={document.loading} onClick={document.reload}>Refresh</Button>
    </>}>
      {document.error !== undefined && document.value === undefined ? <ErrorNotice error={document.error} retry={document.reload} />
        : document.value === undefined ? <Loading what="the document" /> : <pre class="log" tabIndex={0}>{pretty(document.value.mediaType, document.value.content)}</pre>}
    </Card>
  );
}

function pretty(mediaType: string, base64: string): string {
  const text = new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
  if (!mediaType.includes('json')) {
    return text;
  }
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
