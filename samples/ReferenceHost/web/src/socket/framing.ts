// Binary frames of the multiplexed socket: four bytes channel, big endian, then the console's bytes.

export const channelBytes = 4;

/** What one side may send on a channel beyond what the other has credited back. */
export const windowBytes = 262144;

/** The server refuses binary frames above 256 KiB; smaller ones keep other channels moving. */
export const maxPayloadBytes = 65536;

export function encodeFrame(channel: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(channelBytes + payload.length);
  new DataView(frame.buffer).setUint32(0, channel);
  frame.set(payload, channelBytes);
  return frame;
}

/** The channel and its bytes (a view of the frame), or undefined for a frame too short to be one. */
export function decodeFrame(frame: ArrayBuffer): { channel: number; payload: Uint8Array<ArrayBuffer> } | undefined {
  if (frame.byteLength < channelBytes) {
    return undefined;
  }
  return { channel: new DataView(frame).getUint32(0), payload: new Uint8Array(frame, channelBytes) };
}

/** The sender's side of one channel: holds bytes back until the other side has given credit for them. */
export class SendWindow {
  private queue: Uint8Array[] = [];
  private queuedBytes = 0;
  private available = windowBytes;

  constructor(private readonly transmit: (payload: Uint8Array) => void, private readonly maxQueuedBytes = 4 * 1024 * 1024) {}

  /** False, and nothing sent, when more is waiting than may wait. */
  send(bytes: Uint8Array): boolean {
    if (this.queuedBytes + bytes.length > this.maxQueuedBytes) {
      return false;
    }
    this.queue.push(bytes);
    this.queuedBytes += bytes.length;
    this.drain();
    return true;
  }

  credit(bytes: number): void {
    if (bytes > 0) {
      this.available = Math.min(windowBytes, this.available + bytes);
      this.drain();
    }
  }

  private drain(): void {
    while (this.available > 0 && this.queue.length > 0) {
      const first = this.queue[0]!;
      const size = Math.min(first.length, this.available, maxPayloadBytes);
      this.transmit(first.subarray(0, size));
      this.available -= size;
      this.queuedBytes -= size;
      if (size === first.length) {
        this.queue.shift();
      } else {
        this.queue[0] = first.subarray(size);
      }
    }
  }
}

/** The receiver's side: says how much to credit back, in few messages. */
export class ReceiveWindow {
  private owed = 0;

  constructor(private readonly grant: (bytes: number) => void, private readonly threshold = windowBytes / 4) {}

  /** Call when bytes have been consumed (drawn), not when they arrived. */
  consumed(bytes: number): void {
    this.owed += bytes;
    if (this.owed >= this.threshold) {
      this.grant(this.owed);
      this.owed = 0;
    }
  }
}

/** Seconds until the next attempt: 0.5, 1, 2, 4, 8, 15, 15 … with up to a quarter taken off, so that many pages do not come back at once. */
export function backOffSeconds(attempt: number, random: () => number = Math.random): number {
  return Math.min(15, 0.5 * 2 ** Math.min(attempt, 10)) * (1 - random() / 4);
}
