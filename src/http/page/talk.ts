// Starts and ends calls: microphone, token, room, in this order, so that nothing is opened that can't be used.
import { createLocalAudioTrack, type LocalAudioTrack } from 'livekit-client';
import { type CallAccess, type CallChoice, createCall } from './api.ts';
import { Call, type CallEvents } from './call.ts';
import { insecureContext, TroubleError, troubleOf } from './error-text.ts';
import { rememberedMicrophone } from './microphones.ts';

export class Talk {
  readonly #events: CallEvents;
  #call: Call | undefined;
  #microphone: LocalAudioTrack | undefined;
  #on = false;
  /** Incremented by each start and each end: results of an older generation are discarded. */
  #generation = 0;

  constructor(events: CallEvents) {
    this.#events = { ...events, onEnded: (trouble) => this.#end(trouble) };
    this.#onEnded = events.onEnded;
  }

  readonly #onEnded: CallEvents['onEnded'];

  get call(): Call | undefined {
    return this.#call;
  }

  /** Reports what happens through the events, failures too; never throws. */
  async start(request: CallChoice, withMicrophone: boolean): Promise<void> {
    if (this.#on) return;
    this.#on = true;
    const generation = ++this.#generation;
    const isOver = () => generation !== this.#generation;
    let access: CallAccess | undefined;
    try {
      if (withMicrophone) {
        this.#events.onState({ phase: 'microphone' });
        const microphone = await openMicrophone();
        if (isOver()) return microphone.stop();
        this.#microphone = microphone;
      }
      this.#events.onState({ phase: 'connecting' });
      access = await createCall(request);
      if (isOver()) return;
      this.#call = new Call(this.#events);
      await this.#call.join(access, this.#microphone);
    } catch (error) {
      if (!isOver()) this.#end(troubleOf(error, access?.url));
    }
  }

  async hangUp(): Promise<void> {
    const call = this.#call;
    this.#end(undefined);
    await call?.hangUp();
  }

  #end(trouble: Parameters<CallEvents['onEnded']>[0]): void {
    if (!this.#on) return;
    this.#on = false;
    this.#generation++;
    this.#call = undefined;
    this.#microphone?.stop();
    this.#microphone = undefined;
    this.#onEnded(trouble);
  }
}

async function openMicrophone(): Promise<LocalAudioTrack> {
  if (!navigator.mediaDevices) throw new TroubleError(insecureContext);
  const deviceId = rememberedMicrophone();
  return createLocalAudioTrack({
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    ...(deviceId && { deviceId }),
  });
}
