import { signal } from '@preact/signals';
import type { Problem } from '../model';
import { backOffSeconds, decodeFrame, encodeFrame, ReceiveWindow, SendWindow } from './framing';

export interface ChannelHandlers {
  /** The server has opened the channel: at first, and again after every reconnect. */
  opened?(message: Record<string, unknown>): void;
  message?(message: Record<string, unknown>): void;
  /** Bytes to draw; call `done` when they are, which lets the server send more. */
  data?(bytes: Uint8Array<ArrayBuffer>, done: () => void): void;
  failed?(problem: Problem): void;
  closed?(reason: string): void;
}

export type ConnectionState = 'connecting' | 'online' | 'offline';

/** One WebSocket, many channels. Reconnects by itself and opens the channels that are to survive that again. */
export class MultiplexedSocket {
  readonly state = signal<ConnectionState>('connecting');
  readonly retryAt = signal<number | undefined>(undefined);

  private socket: WebSocket | undefined;
  private readonly channels = new Map<number, Channel>();
  private nextChannel = 1;
  private attempt = 0;
  private retryTimer: number | undefined;
  private wanted = false;

  /** `refused` is asked when a connection could not be made at all, to tell a lost session from a lost server. */
  constructor(private readonly url: string, private readonly refused: () => void) {}

  connect(): void {
    this.wanted = true;
    window.clearTimeout(this.retryTimer);
    this.retryAt.value = undefined;
    if (this.socket) {
      return;
    }
    const socket = new WebSocket(this.url, 'hvsdk.v1');
    let opened = false;
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    socket.onopen = () => {
      opened = true;
      this.attempt = 0;
      this.state.value = 'online';
      for (const channel of this.channels.values()) {
        channel.open();
      }
    };
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => this.receive(event.data);
    socket.onclose = () => {
      this.socket = undefined;
      this.lost();
      if (!opened && this.wanted) {
        this.refused();
      }
    };
  }

  disconnect(): void {
    this.wanted = false;
    window.clearTimeout(this.retryTimer);
    this.channels.clear();
    this.socket?.close(1000);
  }

  /** A channel lives until it is closed or the server ends it. With `durable`, a lost connection opens it anew; without, it ends. */
  channel(request: { kind: string } & Record<string, unknown>, handlers: ChannelHandlers, durable: boolean): Channel {
    const channel: Channel = new Channel(this.nextChannel++, request, handlers, durable, {
      control: (message) => this.control(message),
      binary: (frame) => this.socket?.send(frame),
      forget: () => this.channels.delete(channel.number),
    });
    this.channels.set(channel.number, channel);
    if (this.socket?.readyState === WebSocket.OPEN) {
      channel.open();
    }
    return channel;
  }

  private lost(): void {
    for (const channel of [...this.channels.values()]) {
      if (!channel.durable) {
        channel.end('The connection to the server was lost.');
      }
    }
    if (!this.wanted) {
      return;
    }
    this.state.value = 'offline';
    const waitMs = backOffSeconds(this.attempt++) * 1000;
    this.retryAt.value = Date.now() + waitMs;
    this.retryTimer = window.setTimeout(() => this.connect(), waitMs);
  }

  private control(message: Record<string, unknown>): void {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  }

  private receive(data: string | ArrayBuffer): void {
    if (typeof data !== 'string') {
      const frame = decodeFrame(data);
      if (frame) {
        this.channels.get(frame.channel)?.receive(frame.payload);
      }
      return;
    }
    const message = JSON.parse(data) as Record<string, unknown>;
    const channel = this.channels.get(Number(message['channel']));
    channel?.receiveControl(message);
  }
}

interface Link {
  control(message: Record<string, unknown>): void;
  binary(frame: Uint8Array<ArrayBuffer>): void;
  forget(): void;
}

export class Channel {
  private send_: SendWindow | undefined;
  private receive_: ReceiveWindow | undefined;

  constructor(
    readonly number: number,
    private readonly request: Record<string, unknown>,
    private readonly handlers: ChannelHandlers,
    readonly durable: boolean,
    private readonly link: Link,
  ) {}

  /** Sends bytes as credit allows; false when too much is waiting, or the channel is not open. */
  send(bytes: Uint8Array): boolean {
    return this.send_?.send(bytes) ?? false;
  }

  resize(columns: number, rows: number): void {
    this.link.control({ op: 'resize', channel: this.number, columns, rows });
  }

  close(): void {
    this.link.control({ op: 'close', channel: this.number });
    this.link.forget();
  }

  /** For the socket. */
  open(): void {
    this.send_ = new SendWindow((payload) => this.link.binary(encodeFrame(this.number, payload)));
    this.receive_ = new ReceiveWindow((bytes) => this.link.control({ op: 'credit', channel: this.number, bytes }));
    this.link.control({ op: 'open', channel: this.number, ...this.request });
  }

  /** For the socket. */
  end(reason: string): void {
    this.send_ = undefined;
    this.link.forget();
    this.handlers.closed?.(reason);
  }

  /** For the socket. */
  receive(payload: Uint8Array<ArrayBuffer>): void {
    const window_ = this.receive_;
    const done = () => window_?.consumed(payload.length);
    if (this.handlers.data) {
      this.handlers.data(payload, done);
    } else {
      done();
    }
  }

  /** For the socket. */
  receiveControl(message: Record<string, unknown>): void {
    switch (message['op']) {
      case 'opened':
        this.handlers.opened?.(message);
        break;
      case 'credit':
        this.send_?.credit(Number(message['bytes']));
        break;
      case 'error':
        this.link.forget();
        this.handlers.failed?.((message['problem'] ?? {}) as Problem);
        break;
      case 'closed':
        this.end(String(message['reason'] ?? ''));
        break;
      default:
        this.handlers.message?.(message);
    }
  }
}
