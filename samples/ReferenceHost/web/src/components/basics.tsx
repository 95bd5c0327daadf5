import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { formatWord } from '../format';
import { Icon, type IconName } from './icon';

type Tone = 'primary' | 'danger' | 'plain' | 'ghost';

export interface ButtonProps {
  children?: ComponentChildren;
  icon?: IconName;
  tone?: Tone;
  /** Needed where there is no text: what a screen reader says, shown as a tooltip too. */
  label?: string;
  onClick?: (event: MouseEvent) => void;
  disabled?: boolean | undefined;
  busy?: boolean;
  submit?: boolean;
  pressed?: boolean;
  small?: boolean;
}

export function Button({ children, icon, tone = 'plain', label, onClick, disabled, busy, submit, pressed, small }: ButtonProps) {
  return (
    <button
      type={submit ? 'submit' : 'button'}
      class={`button ${tone} ${small ? 'small' : ''} ${children === undefined ? 'icon-only' : ''}`}
      aria-label={children === undefined ? label : undefined}
      aria-pressed={pressed}
      aria-busy={busy}
      title={label}
      disabled={disabled || busy}
      onClick={onClick}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children !== undefined && <span>{children}</span>}
    </button>
  );
}

export function Card({ title, actions, children, class: extra = '', flush }: { title?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren; class?: string; flush?: boolean }) {
  return (
    <section class={`card ${extra} ${flush ? 'flush' : ''}`}>
      {(title !== undefined || actions !== undefined) && (
        <header class="card-head">
          <h2>{title}</h2>
          <div class="row">{actions}</div>
        </header>
      )}
      <div class="card-body">{children}</div>
    </section>
  );
}

/** States get their colour from here and nowhere else. */
const stateTones: Record<string, string> = {
  running: 'good', succeeded: 'good', connected: 'good', stopped: 'idle', starting: 'busy', stopping: 'busy', connecting: 'busy', paused: 'warn', suspended: 'warn',
  pending: 'warn', inProgress: 'busy', completed: 'good', crashed: 'bad', failed: 'bad', disconnected: 'bad', unknown: 'bad', cancelled: 'idle',
};

export const stateTone = (state: string): string => stateTones[state] ?? 'idle';

export function Badge({ tone = 'idle', children, title }: { tone?: string; children: ComponentChildren; title?: string | undefined }) {
  return <span class={`badge ${tone}`} title={title}>{children}</span>;
}

export function StateBadge({ state, reason }: { state: string; reason?: string | undefined }) {
  return <Badge tone={stateTone(state)} title={reason}><i class="dot" aria-hidden="true" />{formatWord(state)}</Badge>;
}

export function StateDot({ state }: { state: string }) {
  return <span class={`dot-only ${stateTone(state)}`} role="img" aria-label={formatWord(state)} title={formatWord(state)} />;
}

interface FieldProps {
  label: string;
  name: string;
  hint?: ComponentChildren;
  error?: string | undefined;
}

interface InputProps extends FieldProps {
  value: string;
  onValue: (value: string) => void;
  /** Not shown while it is typed. */
  secret?: boolean;
  required?: boolean;
  autofocus?: boolean;
  placeholder?: string;
}

function Field({ label, name, hint, error, children }: FieldProps & { children: ComponentChildren }) {
  return (
    <div class={`field ${error ? 'invalid' : ''}`}>
      <label for={`field-${name}`}>{label}</label>
      {children}
      {error ? <p class="field-error" id={`about-${name}`} role="alert">{error}</p> : hint !== undefined && <p class="hint" id={`about-${name}`}>{hint}</p>}
    </div>
  );
}

export function Input({ label, name, hint, error, value, onValue, secret, required, autofocus, placeholder }: InputProps) {
  const element = useRef<HTMLInputElement>(null);
  const typed = useRef(value);
  useLayoutEffect(() => {
    // What is proposed to somebody who is already in the field is selected: whoever types replaces it, and does not go on behind it.
    if (value !== typed.current && document.activeElement === element.current) {
      element.current?.select();
    }
    typed.current = value;
  }, [value]);
  return (
    <Field label={label} name={name} hint={hint} error={error}>
      <input
        id={`field-${name}`} name={name} {...(secret ? { type: 'password' as const } : { type: 'text' as const })} value={value} required={required} autofocus={autofocus} placeholder={placeholder}
        autocomplete="off" spellcheck={false} aria-invalid={error ? 'true' : undefined} aria-describedby={error || hint ? `about-${name}` : undefined}
        ref={element}
        onInput={(event) => {
          typed.current = event.currentTarget.value;
          onValue(typed.current);
        }}
      />
    </Field>
  );
}

export function Select({ label, name, hint, error, value, onValue, options, hideLabel }: FieldProps & {
  value: string; onValue: (value: string) => void; options: readonly (readonly [string, string])[]; hideLabel?: boolean;
}) {
  const select = (
    <select id={`field-${name}`} name={name} aria-label={hideLabel ? label : undefined} onChange={(event) => onValue(event.currentTarget.value)}>
      {options.map(([option, text]) => <option key={option} value={option} selected={option === value}>{text}</option>)}
    </select>
  );
  return hideLabel ? select : <Field label={label} name={name} hint={hint} error={error}>{select}</Field>;
}

export function Checkbox({ label, checked, onValue, disabled }: { label: ComponentChildren; checked: boolean; onValue: (checked: boolean) => void; disabled?: boolean }) {
  return (
    <label class="checkbox">
      <input type="checkbox" checked={checked} disabled={disabled} onChange={(event) => onValue(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

export function Facts({ items }: { items: readonly (readonly [string, ComponentChildren])[] }) {
  return <dl class="facts">{items.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

/** A bar from nothing to full. */
export function Meter({ fraction, label }: { fraction: number | undefined; label: string }) {
  const percent = Math.round(Math.max(0, Math.min(1, fraction ?? 0)) * 100);
  return (
    <span class="meter" role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
      <span class={percent > 90 ? 'bad' : percent > 75 ? 'warn' : ''} style={{ width: `${percent}%` }} />
    </span>
  );
}
