// The talk page: joins its parts. Events change the state by pure functions, and the state is what is shown.
import { fetchPersonas, useLeave } from './api.ts';
import { type CallState, idleCall, inCall } from './call-state.ts';
import { byId } from './elements.ts';
import { troubleOf } from './error-text.ts';
import { listenForKeys } from './keys.ts';
import { readLeave } from './link.ts';
import { modeText } from './provider-words.ts';
import { watchServer } from './server-status.ts';
import { Talk } from './talk.ts';
import { wireTheme } from './theme.ts';
import { emptyTranscript, reduceTranscript, type TranscriptEvent } from './transcript.ts';
import { runClock, showCall } from './view-call.ts';
import { Choices } from './view-choices.ts';
import { createMicrophoneView } from './view-microphones.ts';
import { showStages, showTimes } from './view-panels.ts';
import { ProvidersView } from './view-providers.ts';
import { SoundView } from './view-sound.ts';
import { addSwitch, clearSwitches } from './view-switches.ts';
import { TranscriptView } from './view-transcript.ts';
import { createTroubleView } from './view-trouble.ts';

useLeave(readLeave(location.hash));

let state: CallState = idleCall;
let transcript = emptyTranscript;
let choices: Choices | undefined;
let stopClock = () => {};
let counter = 0;

const transcriptView = new TranscriptView();
const sound = new SoundView();
const providers = new ProvidersView(showError, (chains) => {
  const words = modeText(chains);
  if (byId('mode-note').textContent !== words) byId('mode-note').textContent = words;
});
const trouble = createTroubleView((action) => void start(action !== 'type-instead'));
const microphones = createMicrophoneView((id) => void talk.call?.useMicrophone(id).catch(showError), trouble.show);

const talk = new Talk({
  onState: update,
  onTranscript: write,
  onTurn: (voiceToVoiceMs) => {
    write({ type: 'turn', voiceToVoiceMs });
    showTimes(transcript.turnsMs);
  },
  onNotice: (notice) => write({ type: 'notice', id: newId(), ...notice }),
  onSwitch: (change) => addSwitch(change, providers.titleOf),
  onStages: (reports) => {
    showStages(reports);
    providers.serve(reports);
  },
  onSound: (side, track) => sound.use(side, track),
  onTrouble: trouble.show,
  onEnded: (why) => {
    stopClock();
    write({ type: 'ended' });
    update({ ...idleCall, ended: true });
    providers.serve([]);
    sound.stop();
    trouble.show(why);
  },
});

function update(change: Partial<CallState>): void {
  const wasInCall = inCall(state);
  state = { ...state, ...change };
  if (!wasInCall && inCall(state)) {
    stopClock = runClock();
    void microphones.refresh();
  }
  sound.busy =
    state.phase === 'connecting' ||
    state.phase === 'waiting' ||
    state.phase === 'reconnecting' ||
    (state.phase === 'live' && (state.agent === 'thinking' || state.agent === 'initializing'));
  showCall(state);
}

function write(event: TranscriptEvent): void {
  transcript = reduceTranscript(transcript, event);
  transcriptView.show(transcript, choices?.persona?.title ?? 'Agent');
}

async function start(withMicrophone: boolean): Promise<void> {
  // "Try again" is also shown during a call that waits for its agent: that call ends first.
  await talk.hangUp();
  trouble.show(undefined);
  transcript = emptyTranscript;
  transcriptView.clear();
  write({ type: 'ended' });
  showStages([], choices?.request.mode);
  showTimes([]);
  clearSwitches();
  sound.start();
  update({ ...idleCall, microphone: withMicrophone });
  await talk.start(choices?.request ?? {}, withMicrophone);
}

function toggleMute(): void {
  if (inCall(state) && state.microphone) void talk.call?.setMuted(!state.muted).catch(showError);
}

async function send(): Promise<void> {
  const field = byId('message', HTMLInputElement);
  const text = field.value.trim();
  const { call } = talk;
  if (!text || !call) return;
  field.value = '';
  write({ type: 'typed', id: newId(), text });
  await call.say(text);
}

async function loadPersonas(): Promise<void> {
  if (choices) return;
  choices = new Choices(await fetchPersonas(), showChoice);
  showChoice();
}

function showChoice(): void {
  byId('with').textContent = choices?.persona?.title ?? '';
  const { mode } = choices?.request ?? {};
  if (state.phase === 'idle') showStages([], mode);
  providers.lead(mode === 'speech-to-speech');
}

function showError(error: unknown): void {
  trouble.show(troubleOf(error));
}

function newId(): string {
  return `page-${++counter}`;
}

byId('start').addEventListener('click', () => void start(true));
byId('hang-up').addEventListener('click', ({ detail }) => {
  // Ignores the second click of a double click on "Start the call", whose place this button takes.
  if (detail < 2) void talk.hangUp();
});
byId('mute').addEventListener('click', toggleMute);
byId('sound').addEventListener('click', () => void talk.call?.startSound().catch(showError));
byId('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  send().catch(showError);
});
listenForKeys({ onMute: toggleMute, onHangUp: () => void talk.hangUp() });
addEventListener('pagehide', () => void talk.hangUp());
addEventListener('resize', () => sound.still());
wireTheme(byId('theme', HTMLButtonElement), () => sound.still());
showCall(state);
showStages([]);
loadPersonas().catch(showError);
watchServer(() => loadPersonas().then(() => trouble.show(undefined), showError));
