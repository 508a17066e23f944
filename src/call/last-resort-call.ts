// A call while a stage has nobody left: recorded sentences, and in the end a recorded message and goodbye.
import { llm, voice } from '@livekit/agents';
import type { RemoteParticipant, Room } from '@livekit/rtc-node';
import type { Persona, RecordedName } from '../config/persona.ts';
import type { Config } from '../config/schema.ts';
import { type Clock, systemClock } from '../failover/clock.ts';
import type { Logger } from '../telemetry/log.ts';
import { LastResort } from './last-resort.ts';
import type { MessageStore } from './messages.ts';
import { PlayoutEnd } from './playout-end.ts';
import { recordMessage } from './record-message.ts';
import { RecordedVoice } from './recorded-voice.ts';
import { heardOf, readRecording } from './recordings.ts';

export interface LastResortCallOptions {
  readonly settings: Config['lastResort'];
  readonly persona: Persona;
  readonly language: string;
  readonly callId: string;
  readonly room: Room;
  readonly caller: RemoteParticipant;
  /** No message is taken where absent. */
  readonly messages?: MessageStore | undefined;
  readonly log: Logger;
  /** Receives the text of each recorded sentence, to be shown. */
  onTell(text: string): void;
  /** Resolves once the entry is on disk. */
  record(type: string, data: Readonly<Record<string, unknown>>): Promise<void>;
  /** Ends the call for the caller too. */
  hangUp(): Promise<void>;
  readonly clock?: Clock;
}

/** How long a recorded sentence waits for a speaking caller to finish. */
const LET_FINISH_MS = 3_000;
const LOOK_MS = 40;
/** Time that the last sound needs through the network before the hang-up. */
const LAST_SOUND_MS = 400;

export class LastResortCall {
  readonly #options: LastResortCallOptions;
  readonly #clock: Clock;
  readonly #policy: LastResort;
  readonly #voice: RecordedVoice;
  readonly #closed = new AbortController();
  #session: voice.AgentSession | undefined;
  #agent: voice.Agent | undefined;
  #playout: PlayoutEnd | undefined;
  /** Number of the sentence that waits or plays; a new number cancels the older sentence. */
  #sentence = 0;
  #hasGivenUp = false;
  #ending: Promise<void> = Promise.resolve();

  constructor(options: LastResortCallOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#voice = new RecordedVoice(options.room);
    this.#policy = new LastResort(this.#clock, options.settings, {
      onTell: () => void this.#tell(),
      onRecovered: () => this.#tellState('exhausted', 'serving', 'a provider serves again'),
      onGiveUp: (stages) => {
        this.#ending = this.#giveUp(stages).catch((error: unknown) => this.#failed(error));
      },
    });
  }

  /** Handlers for the chains' events. */
  get events(): { onExhausted(stage: string): void; onRecovered(stage: string): void } {
    return {
      onExhausted: (stage) => this.#policy.exhausted(stage),
      onRecovered: (stage) => this.#policy.recovered(stage),
    };
  }

  /** Call once the session has started. */
  attach(session: voice.AgentSession, agent: voice.Agent): void {
    this.#session = session;
    this.#agent = agent;
    if (session.output.audio) {
      this.#playout = new PlayoutEnd(session.output.audio, this.#clock, () => this.#giveWay());
    }
    session.on(voice.AgentSessionEventTypes.UserStateChanged, ({ newState }) => {
      if (newState === 'speaking' && this.#voice.isPlaying) this.#giveWay();
    });
  }

  /** Call when the call is over. Resolves once a message that is being recorded is stored. */
  async close(): Promise<void> {
    this.#policy.close();
    this.#closed.abort();
    await this.#ending;
    await this.#voice.close();
  }

  /** The session or the caller speaks: stops the recorded sentence, unless the call is being ended. */
  #giveWay(): void {
    if (this.#hasGivenUp) return;
    this.#sentence += 1;
    this.#voice.stop();
  }

  async #tell(): Promise<void> {
    this.#sentence += 1;
    const sentence = this.#sentence;
    const { giveUpMs } = this.#options.settings;
    await this.#moment(() => sentence !== this.#sentence, giveUpMs);
    if (sentence !== this.#sentence || this.#hasGivenUp) return;
    try {
      await this.#say('waiting');
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Resolves when the session's sound is over and the caller is quiet or has spoken for LET_FINISH_MS; at most after `mostMs`. */
  async #moment(isVain: () => boolean, mostMs: number): Promise<void> {
    const fromMs = this.#clock.now();
    for (;;) {
      const waitedMs = this.#clock.now() - fromMs;
      const isCallerSpeaking = this.#session?.userState === 'speaking' && waitedMs < LET_FINISH_MS;
      const isAgentHeard = (this.#playout?.leftMs ?? 0) > 0;
      if (isVain() || this.#closed.signal.aborted || waitedMs >= mostMs || !(isCallerSpeaking || isAgentHeard)) return;
      await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, LOOK_MS));
    }
  }

  /** Plays a recorded sentence and adds the words that were heard to the conversation. */
  async #say(name: RecordedName): Promise<void> {
    const { persona, language, log, onTell } = this.#options;
    const recording = readRecording(name, persona, language, log);
    onTell(recording.text);
    const share = await this.#voice.play(recording);
    const text = heardOf(recording.text, share);
    if (text !== '') await this.#remember(text, share < 1);
  }

  async #remember(text: string, interrupted: boolean): Promise<void> {
    const item = llm.ChatMessage.create({ role: 'assistant', content: text, interrupted });
    const [session, agent] = [this.#session, this.#agent];
    if (!session || !agent || this.#closed.signal.aborted) return;
    const context = agent.chatCtx.copy();
    context.insert(item);
    await agent.updateChatCtx(context);
    session.history.insert(item);
    session.emit(voice.AgentSessionEventTypes.ConversationItemAdded, voice.createConversationItemAddedEvent(item));
  }

  async #giveUp(stages: readonly string[]): Promise<void> {
    const { settings, messages, hangUp } = this.#options;
    this.#hasGivenUp = true;
    this.#voice.stop();
    this.#silenceSession();
    const store = settings.takeMessage ? messages : undefined;
    this.#tellState('exhausted', store ? 'taking-message' : 'ending', `no provider for ${stages.join(', ')}`);
    const isKept = store !== undefined && (await this.#takeMessage(store, stages));
    if (!this.#closed.signal.aborted) {
      await this.#say(isKept ? 'thanks' : 'goodbye').catch((error: unknown) => this.#failed(error));
      await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, LAST_SOUND_MS));
    }
    await hangUp();
  }

  /** From here on only the recorded voice speaks, even if a provider recovers. */
  #silenceSession(): void {
    const session = this.#session;
    if (!session) return;
    session.input.setAudioEnabled(false);
    try {
      session.interrupt({ force: true });
    } catch {
      // The session is closing: the caller is gone.
    }
    session.output.setAudioEnabled(false);
  }

  /** @returns whether the caller left a message and it is kept */
  async #takeMessage(store: MessageStore, stages: readonly string[]): Promise<boolean> {
    const { caller, callId, record } = this.#options;
    const recorder = recordMessage(caller, this.#closed.signal);
    try {
      await this.#say('message');
      recorder.afterTone();
      const message = await recorder.message;
      if (!message) return false;
      const file = await store.keep(callId, message);
      const seconds = Math.round(message.samples.length / message.sampleRateHz);
      await record('recorded-message', { file, seconds, stages });
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  #tellState(from: string, to: string, reason: string): void {
    const fields = { event: 'state_transition', from_state: from, to_state: to, reason };
    this.#options.log.info(fields, `providers: ${reason}`);
  }

  #failed(error: unknown): void {
    if (this.#closed.signal.aborted) return;
    this.#options.log.error({ event: 'last_resort_failed', error: String(error) }, 'the caller could not be told');
  }
}
