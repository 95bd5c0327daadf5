import type { PlannedStep } from '../model';

const sentences: Record<string, string> = {
  live: 'Done at once, while the machine runs.',
  atNextStart: 'Takes effect the next time the machine starts.',
  restartsInstance: 'The machine is restarted.',
  replacesInstance: 'The machine is replaced by a new one.',
  destroysData: 'Data is destroyed and cannot be brought back.',
  interruptsNetwork: 'Network connections are interrupted.',
};

/** All effects of the steps, each once, in a fixed order; one that this page does not know comes last and counts as harmful. */
export function effectsOf(steps: readonly PlannedStep[]): string[] {
  const found = new Set(steps.flatMap((step) => step.effects ?? []).filter((effect) => effect !== 'none'));
  const known = Object.keys(sentences).filter((effect) => found.has(effect));
  return [...known, ...[...found].filter((effect) => !(effect in sentences))];
}

export const describeEffect = (effect: string): string => sentences[effect] ?? effect;

export const isHarmful = (effect: string): boolean => effect !== 'live' && effect !== 'atNextStart';
