// Shows every switch of the call from one provider to another: when, between whom, why, and how long the caller waited.
import { type SwitchMessage, stageNames } from './agent-messages.ts';
import { byId, make } from './elements.ts';
import { switchedText, switchText } from './provider-words.ts';

/** @param titleOf what people call a provider */
export function addSwitch(message: SwitchMessage, titleOf: (stage: string, id: string) => string): void {
  const { stage, from, to } = message;
  const time = document.createElement('time');
  const now = new Date();
  time.dateTime = now.toISOString();
  time.textContent = now.toLocaleTimeString([], { hour12: false });
  byId('switches').append(
    make('li', 'switch', [
      make('p', 'switch-when', [time, document.createTextNode(` ${stageNames[stage]}`)]),
      make('p', 'switch-who', switchedText(titleOf(stage, from), titleOf(stage, to))),
      make('p', 'switch-why', switchText(message)),
    ]),
  );
  byId('switches-note').hidden = true;
  byId('switches').lastElementChild?.scrollIntoView({ block: 'nearest' });
}

export function clearSwitches(): void {
  byId('switches').replaceChildren();
  byId('switches-note').hidden = false;
}
