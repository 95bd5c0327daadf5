import { useState } from 'preact/hooks';
import { api } from '../api/client';
import { Badge, Button } from '../components/basics';
import { Dialog } from '../components/dialog';
import { ErrorNotice, Loading, useLoaded } from '../components/feedback';
import { formatWord } from '../format';
import type { Instance } from '../model';
import { load } from '../store/instances';
import { run } from '../store/operations';
import { describeEffect, effectsOf, isHarmful } from '../store/effects';

/** Shows what a change would do, step by step, before it is done: plan, confirm, apply. What is accepted is what was shown. */
export function PlanDialog({ instance, title, change, close }: { instance: Instance; title: string; change: Record<string, unknown>; close: (applied: boolean) => void }) {
  const plan = useLoaded(JSON.stringify(change), () => api.plan(instance, change));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const steps = plan.value?.steps ?? [];
  const effects = effectsOf(steps);
  const harmful = effects.some(isHarmful);
  const possible = plan.value !== undefined && steps.every((step) => step.impossible === undefined);

  const apply = async () => {
    if (!plan.value || !possible) {
      return;
    }
    setBusy(true);
    setError(undefined);
    try {
      await run(title, instance.name, () => api.apply(instance, plan.value!, effects));
      await load(instance);
      close(true);
    } catch (failure) {
      setError(failure);
      setBusy(false);
      plan.reload();
    }
  };
  return (
    <Dialog wide title={title} onClose={() => close(false)} onSubmit={() => void apply()}
      footer={<><Button onClick={() => close(false)}>Cancel</Button><Button submit tone={harmful ? 'danger' : 'primary'} busy={busy} disabled={!possible || steps.length === 0}>Apply</Button></>}>
      {error !== undefined && <ErrorNotice error={error} />}
      {plan.value === undefined ? (plan.error === undefined ? <Loading what="the plan" /> : <ErrorNotice error={plan.error} retry={plan.reload} />)
        : steps.length === 0 ? <p class="dialog-text">Nothing would change.</p> : (
          <>
            <table class="plan">
              <thead><tr><th scope="col">What</th><th scope="col">Now</th><th scope="col">Then</th><th scope="col">How</th></tr></thead>
              <tbody>
                {steps.map((step, index) => (
                  <tr key={index}>
                    <td class="name"><b>{formatWord(step.property)}</b></td>
                    <td class="mono" data-label="Now">{step.from ?? '–'}</td>
                    <td class="mono" data-label="Then">{step.to ?? '–'}</td>
                    <td data-label="How">{step.impossible ? <Badge tone="bad">{step.impossible}</Badge> : (step.effects ?? []).map((effect) => <Badge key={effect} tone={isHarmful(effect) ? 'bad' : effect === 'live' ? 'good' : 'warn'}>{formatWord(effect)}</Badge>)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            <ul class="effects">{effects.map((effect) => <li key={effect} class={isHarmful(effect) ? 'bad-text' : ''}>{describeEffect(effect)}</li>)}</ul>
          </>
        )}
    </Dialog>
  );
}
