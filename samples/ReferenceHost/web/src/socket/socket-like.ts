import { describe } from '../api/client';
import type { Channel, MultiplexedSocket } from './socket';

/** A channel in the shape of a WebSocket, for libraries that want one (noVNC). */
export class ChannelSocket {
  binaryType = 'arraybuffer';
  readonly protocol = 'binary';
  readyState: number = WebSocket.CONNECTING;
  /** Why it is closed, in the server's words. */
  closeReason = '';
  onopen: (() => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  onclose: ((event: { code: number; reason: string; wasClean: boolean }) => void) | null = null;

  /** What came before anybody listened. */
  private early: ArrayBuffer[] = [];
  private listener: ((event: { data: ArrayBuffer }) => void) | null = null;
  private readonly channel: Channel;

  constructor(socket: MultiplexedSocket, request: { kind: string } & Record<string, unknown>) {
    this.channel = socket.channel(request, {
      opened: () => {
        this.readyState = WebSocket.OPEN;
        this.onopen?.();
      },
      data: (bytes, done) => {
        // A copy: the frame's own buffer begins with the channel's number.
        this.receive(bytes.slice().buffer);
        done();
      },
      failed: (problem) => this.ended(describe(problem), false),
      closed: (reason) => this.ended(reason, true),
    }, false);
  }

  get onmessage() {
    return this.listener;
  }

  set onmessage(listener: ((event: { data: ArrayBuffer }) => void) | null) {
    this.listener = listener;
    const waiting = this.early;
    this.early = [];
    if (waiting.length > 0) {
      queueMicrotask(() => waiting.forEach((data) => this.receive(data)));
    }
  }

  private receive(data: ArrayBuffer): void {
    if (this.listener) {
      this.listener({ data });
    } else {
      this.early.push(data);
    }
  }

  send(data: ArrayBufferView | ArrayBuffer): void {
    // A copy: the library uses its buffer again.
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data.slice(0)) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    if (!this.channel.send(bytes) && this.readyState === WebSocket.OPEN) {
      this.close();
      this.ended('Too much input is waiting for the machine.', false);
    }
  }

  close(): void {
    if (this.readyState < WebSocket.CLOSING) {
      this.readyState = WebSocket.CLOSING;
      this.channel.close();
      queueMicrotask(() => this.ended('', true));
    }
  }

  private ended(reason: string, wasClean: boolean): void {
    if (this.readyState !== WebSocket.CLOSED) {
      this.readyState = WebSocket.CLOSED;
      this.closeReason = reason;
      this.onclose?.({ code: wasClean ? 1000 : 1011, reason, wasClean });
    }
  }
}
