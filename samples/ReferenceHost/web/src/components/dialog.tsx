import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Button, Input } from './basics';

/** The browser's own modal dialog: it holds the focus, and Escape closes it. */
export function Dialog({ title, children, footer, onClose, onSubmit, wide }: {
  title: string; children: ComponentChildren; footer: ComponentChildren; onClose: () => void; onSubmit: () => void; wide?: boolean;
}) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    element.current?.showModal();
  }, []);
  return (
    <dialog ref={element} class={wide ? 'wide' : ''} aria-label={title} onClose={onClose} onClick={(event) => event.target === element.current && onClose()}>
      <form onSubmit={(event) => { event.preventDefault(); onSubmit(); }}>
        <header class="card-head"><h2>{title}</h2><Button icon="close" tone="ghost" label="Close" onClick={onClose} /></header>
        <div class="dialog-body">{children}</div>
        <footer class="dialog-foot">{footer}</footer>
      </form>
    </dialog>
  );
}

interface Question {
  title: string;
  text: ComponentChildren;
  confirm: string;
  danger?: boolean;
  /** What has to be typed first, for what cannot be undone. */
  typed?: string;
  answer: (yes: boolean) => void;
}

const question = signal<Question | undefined>(undefined);

/** Asks, and answers whether the person said yes. */
export const ask = (about: Omit<Question, 'answer'>): Promise<boolean> =>
  new Promise((resolve) => {
    question.value?.answer(false);
    question.value = { ...about, answer: (yes) => { question.value = undefined; resolve(yes); } };
  });

export function QuestionDialog() {
  const open = question.value;
  return open ? <QuestionForm key={open.title} question={open} /> : null;
}

function QuestionForm({ question: { title, text, confirm, danger, typed, answer } }: { question: Question }) {
  const [value, setValue] = useState('');
  const allowed = typed === undefined || value === typed;
  return (
    <Dialog
      title={title} onClose={() => answer(false)} onSubmit={() => allowed && answer(true)}
      footer={<><Button onClick={() => answer(false)}>Cancel</Button><Button submit tone={danger ? 'danger' : 'primary'} disabled={!allowed}>{confirm}</Button></>}
    >
      <div class="dialog-text">{text}</div>
      {typed !== undefined && <Input label={`Type ${typed} to confirm`} name="confirm" value={value} onValue={setValue} autofocus />}
    </Dialog>
  );
}
