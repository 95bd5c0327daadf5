import { useEffect, useRef, useState } from 'preact/hooks';
import type RFB from '@novnc/novnc';
import { api } from '../api/client';
import { Button, Checkbox } from '../components/basics';
import { messageOf } from '../components/feedback';
import type { Instance } from '../model';
import { ChannelSocket } from '../socket/socket-like';
import { socket } from '../store/connection';

type Phase = { name: 'connecting' | 'open' } | { name: 'ended'; why: string };

/** The machine's screen by noVNC, over a channel of the page's own socket. */
export function ScreenTab({ instance }: { instance: Instance }) {
  const frame = useRef<HTMLDivElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const rfb = useRef<RFB | undefined>(undefined);
  const [phase, setPhase] = useState<Phase>({ name: 'connecting' });
  const [viewOnly, setViewOnly] = useState(false);
  const [round, setRound] = useState(0);
  const alive = instance.state !== 'stopped' && instance.state !== 'crashed';
  const online = socket.state.value === 'online';

  useEffect(() => {
    if (!alive || !online || !host.current) {
      return;
    }
    const element = host.current;
    let ended = false;
    setPhase({ name: 'connecting' });
    const channel = new ChannelSocket(socket, { kind: 'graphics', backend: instance.backend, instance: instance.id });
    channel.onclose = ({ reason }) => setPhase({ name: 'ended', why: reason || 'The screen was closed.' });
    // noVNC is given the channel once it is open, so that a machine without a screen is our message and not its failure.
    channel.onopen = () => void import('@novnc/novnc').then(({ default: Client }) => {
      if (!ended && channel.readyState === WebSocket.OPEN) {
        rfb.current = connect(new Client(element, channel, { shared: true }), viewOnly, (open) =>
          setPhase(open ? { name: 'open' } : { name: 'ended', why: channel.closeReason || 'The screen was closed.' }));
      }
    }, (error: unknown) => setPhase({ name: 'ended', why: messageOf(error) }));
    return () => {
      ended = true;
      rfb.current?.disconnect();
      rfb.current = undefined;
      channel.close();
    };
  }, [instance.backend, instance.id, alive, online, round]);

  const setLooking = (value: boolean) => {
    setViewOnly(value);
    if (rfb.current) {
      rfb.current.viewOnly = value;
    }
  };
  const open = phase.name === 'open' && alive && online;
  return (
    <div class="screen" ref={frame}>
      <div class="toolbar slim">
        <Button small icon="key" disabled={!open || viewOnly} onClick={() => rfb.current?.sendCtrlAltDel()}>Ctrl + Alt + Del</Button>
        <Checkbox label="Only look" checked={viewOnly} onValue={setLooking} />
        <span class="grow" />
        <ScreenshotButton instance={instance} disabled={!alive} />
        <Button small icon="expand" label="Full screen" onClick={() => void frame.current?.requestFullscreen()} />
      </div>
      <div class="screen-view">
        <div class="screen-host" ref={host} data-phase={alive ? phase.name : 'off'} />
        {!alive && <div class="pane-note"><p>The machine is {instance.state}. Its screen appears when it starts.</p></div>}
        {alive && !online && <div class="pane-note"><p>Connection lost. The screen comes back with it.</p></div>}
        {alive && online && phase.name === 'connecting' && <div class="pane-note"><span class="spinner" aria-hidden="true" /><p>Connecting to the screen …</p></div>}
        {alive && online && phase.name === 'ended' && <div class="pane-note"><p>{phase.why}</p><Button tone="primary" icon="screen" onClick={() => setRound(round + 1)}>Connect again</Button></div>}
      </div>
    </div>
  );
}

function connect(rfb: RFB, viewOnly: boolean, changed: (open: boolean) => void): RFB {
  rfb.scaleViewport = true;
  rfb.viewOnly = viewOnly;
  rfb.background = 'transparent';
  rfb.addEventListener('connect', () => changed(true));
  rfb.addEventListener('disconnect', () => changed(false));
  return rfb;
}

function ScreenshotButton({ instance, disabled }: { instance: Instance; disabled: boolean }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const save = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const url = URL.createObjectURL(await api.screenshot(instance));
      const link = Object.assign(document.createElement('a'), { href: url, download: `${instance.name}.png` });
      link.click();
      window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return <>{error !== undefined && <span class="bad-text" role="alert">{messageOf(error)}</span>}<Button small icon="camera" busy={busy} disabled={disabled} onClick={() => void save()}>Screenshot</Button></>;
}
