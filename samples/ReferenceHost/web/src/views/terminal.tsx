import { useEffect, useRef, useState } from 'preact/hooks';
import type { Terminal } from '@xterm/xterm';
import { describe } from '../api/client';
import { Button } from '../components/basics';
import type { Instance } from '../model';
import type { Channel } from '../socket/socket';
import { socket } from '../store/connection';
import { synchronized } from '../store/instances';
import { terminalTheme } from './terminal-theme';

const replayBytes = 16384;

/** What a container's terminal runs: the better of the shells that it may have. */
const shell = ['/bin/sh', '-c', 'command -v bash >/dev/null && exec bash -l; exec sh -l'];

type Phase = { name: 'connecting' | 'open' } | { name: 'ended'; why: string };

/**
 * A machine's serial console: takes it over, shows the tail of what was said before, and comes back after a lost connection and a restart. Of a container, a shell of its own in it, which is a new one then.
 */
export function TerminalPane({ instance }: { instance: Instance }) {
  const host = useRef<HTMLDivElement>(null);
  const [phase, setPhase] = useState<Phase>({ name: 'connecting' });
  const [round, setRound] = useState(0);
  const isContainer = instance.kind === 'container';
  const alive = instance.state !== 'stopped' && instance.state !== 'crashed';

  useEffect(() => {
    if (!alive || !host.current) {
      return;
    }
    const element = host.current;
    let ended = false;
    let close = () => {};
    setPhase({ name: 'connecting' });
    void openTerminal(element, instance, setPhase).then((opened) => {
      if (ended) {
        opened();
      } else {
        close = opened;
      }
    }, (error: unknown) => setPhase({ name: 'ended', why: String(error) }));
    return () => {
      ended = true;
      close();
    };
  }, [instance.backend, instance.id, alive, round]);

  const offline = socket.state.value === 'offline';
  return (
    <div class="terminal-pane">
      <div class="terminal" ref={host} data-phase={alive ? phase.name : 'off'} />
      {!alive && <div class="pane-note"><p>{synchronized.value ? `The machine is ${instance.state}. The console opens when it starts.` : 'Waiting for the machine’s state.'}</p></div>}
      {alive && phase.name === 'connecting' && <div class="pane-note"><span class="spinner" aria-hidden="true" /><p>Opening the console …</p></div>}
      {alive && phase.name === 'ended' && <div class="pane-note"><p>{phase.why}</p><Button tone="primary" icon="terminal" onClick={() => setRound(round + 1)}>{isContainer ? 'Open a shell' : 'Take the console'}</Button></div>}
      {alive && phase.name === 'open' && offline && <div class="pane-note"><p>Connection lost. The console comes back with it.</p></div>}
    </div>
  );
}

/** Loads xterm.js, draws it into the element and connects it. Answers what takes it all down again. */
async function openTerminal(element: HTMLElement, instance: Instance, setPhase: (phase: Phase) => void): Promise<() => void> {
  const [{ Terminal }, { FitAddon }] = await Promise.all([import('@xterm/xterm'), import('@xterm/addon-fit'), document.fonts.load('13px "JetBrains Mono Variable"')]);
  const terminal = new Terminal({ theme: terminalTheme, fontFamily: '"JetBrains Mono Variable", ui-monospace, monospace', fontSize: 13, lineHeight: 1.15, cursorBlink: !window.matchMedia('(prefers-reduced-motion: reduce)').matches, scrollback: 5000 });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(element);
  fit.fit();

  const channel: Channel = socket.channel({ backend: instance.backend, instance: instance.id, ...(instance.kind === 'container' ? { kind: 'command', command: shell } : { kind: 'serial', takeOver: true, replay: replayBytes }) }, {
    // The replay draws the screen again: what is there from before the connection was lost would be shown twice.
    opened: () => {
      terminal.reset();
      channel.resize(terminal.cols, terminal.rows);
      setPhase({ name: 'open' });
    },
    data: (bytes, done) => terminal.write(bytes, done),
    failed: (problem) => setPhase({ name: 'ended', why: describe(problem) }),
    closed: (reason) => setPhase({ name: 'ended', why: reason || 'The console was closed.' }),
  }, true);

  const encoder = new TextEncoder();
  terminal.onData((text) => send(terminal, channel, encoder.encode(text)));
  terminal.onBinary((text) => send(terminal, channel, Uint8Array.from(text, (character) => character.charCodeAt(0))));
  terminal.onResize(({ cols, rows }) => channel.resize(cols, rows));
  const observer = new ResizeObserver(() => element.clientHeight > 0 && fit.fit());
  observer.observe(element);
  if (window.matchMedia('(pointer: fine)').matches) {
    terminal.focus();
  }
  return () => {
    observer.disconnect();
    channel.close();
    terminal.dispose();
  };
}

function send(terminal: Terminal, channel: Channel, bytes: Uint8Array): void {
  if (!channel.send(bytes)) {
    terminal.write('\r\n\x1b[33m[not sent: the machine does not take its input]\x1b[0m\r\n');
  }
}
