// Shows where the call is: headline, clock, buttons.
import { type CallState, headline, inCall } from './call-state.ts';
import { byId, part } from './elements.ts';
import { clockText } from './median.ts';

export function showCall(state: CallState): void {
  const { title, hint } = headline(state);
  const talking = inCall(state);
  const idle = state.phase === 'idle';
  document.body.dataset.phase = state.phase;
  document.body.dataset.agent = state.phase === 'live' ? state.agent : '';
  document.body.classList.toggle('calling', !idle);
  // Unchanged words are not written again, as a screen reader would repeat them.
  setText(byId('state'), title);
  setText(byId('hint'), hint);

  const hadFocus = document.activeElement;
  const mute = byId('mute', HTMLButtonElement);
  byId('start').hidden = !idle;
  setText(part(byId('start'), 'span'), state.ended ? 'Call again' : 'Start the call');
  byId('hang-up').hidden = idle;
  mute.hidden = !talking || !state.microphone;
  byId('sound').hidden = !(talking && state.soundBlocked);
  mute.setAttribute('aria-pressed', String(state.muted));
  setText(part(mute, 'span'), state.muted ? 'Unmute' : 'Mute');
  part(mute, 'use').setAttribute('href', state.muted ? '#icon-mic-off' : '#icon-mic');
  // The button with the keyboard's focus was hidden: the focus moves to the button that took its place.
  if (hadFocus instanceof HTMLElement && hadFocus.closest('.controls') && hadFocus.hidden) {
    byId(idle ? 'start' : 'hang-up').focus();
  }

  const canType = state.phase === 'live';
  const message = byId('message', HTMLInputElement);
  message.disabled = !canType;
  message.placeholder = canType ? 'Type instead of speaking' : 'Type once the call has started';
  part<HTMLButtonElement>(byId('composer'), 'button').disabled = !canType;
}

/** Shows the length of a call from now on. @returns stops it, leaving the length in sight */
export function runClock(): () => void {
  const clock = byId('clock');
  const startedAt = performance.now();
  const show = () => {
    clock.textContent = clockText(performance.now() - startedAt);
  };
  show();
  const timer = setInterval(show, 1_000);
  return () => clearInterval(timer);
}

function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
