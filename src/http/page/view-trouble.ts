// Shows what went wrong, with the way out.
import { byId, part } from './elements.ts';
import type { Trouble } from './error-text.ts';

const ACTIONS = { retry: 'Try again', 'type-instead': 'Go on by typing' } as const;

export interface TroubleView {
  show(trouble: Trouble | undefined): void;
}

export function createTroubleView(act: (action: NonNullable<Trouble['action']>) => void): TroubleView {
  const box = byId('trouble');
  const button = part<HTMLButtonElement>(box, '[data-action]');
  let action: Trouble['action'];
  const show = (trouble: Trouble | undefined) => {
    box.hidden = trouble === undefined;
    action = trouble?.action;
    part(box, '[data-title]').textContent = trouble?.title ?? '';
    part(box, '[data-fix]').textContent = trouble?.fix ?? '';
    button.hidden = action === undefined;
    button.textContent = action ? ACTIONS[action] : '';
  };
  part(box, '[data-dismiss]').addEventListener('click', () => show(undefined));
  button.addEventListener('click', () => action && act(action));
  return { show };
}
