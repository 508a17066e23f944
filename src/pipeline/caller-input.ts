// The caller's audio through voice activity detection and a recogniser, on one clock: what each says comes in audio time.
import { stt, type VAD, VADEventType, type VADStream } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { MonoAudio } from '../realtime/mono-audio.ts';

export interface CallerInputEvents {
  /** The recogniser has the audio up to `atMs`, in audio time. */
  onHeard(atMs: number): void;
  onSpeechStart(): void;
  onSpeechEnd(endedAtMs: number): void;
  onInterim(text: string): void;
  onFinal(words: { text: string; endMs: number | undefined; confidence: number }): void;
  /** The segment that the recogniser had begun is lost. */
  onSegmentLost(): void;
  /** The recogniser's stream broke; the next one opens when the caller speaks again. */
  onFailure(error: Error): void;
}

/** Sample rate of voice activity models and recognisers; a recogniser that wants another one resamples from it. */
const RATE_HZ = 16_000;
const CHUNK_SAMPLES = 320;
/** Voice activity detection counts as dead when this much audio passed without an event from it. */
const MOST_BACKLOG_MS = 90_000;

const toMs = (samples: number) => (samples * 1000) / RATE_HZ;

/**
 * The recogniser gets each piece of audio after voice activity detection has processed it, so that both report on the same moment,
 * even when a whole utterance comes in one burst. After voice activity detection broke, audio goes straight to the recogniser.
 */
export class CallerInput {
  readonly #stt: stt.STT;
  readonly #vad: VAD;
  readonly #events: CallerInputEvents;
  readonly #mono = new MonoAudio(RATE_HZ);
  #backlog: Int16Array[] = [];
  #vadStream: VADStream | undefined;
  #sttStream: stt.SpeechStream | undefined;
  #pushed = 0;
  #fed = 0;
  #isClosed = false;

  constructor(stages: { stt: stt.STT; vad: VAD }, events: CallerInputEvents) {
    this.#stt = stages.stt;
    this.#vad = stages.vad;
    this.#events = events;
    this.#openVad();
    this.#openStt();
  }

  push(frame: AudioFrame): void {
    if (this.#isClosed) return;
    const samples = this.#mono.push(frame);
    for (let at = 0; at < samples.length; at += CHUNK_SAMPLES) this.#take(samples.slice(at, at + CHUNK_SAMPLES));
  }

  /** Pushes silence for a caller whose microphone gives no frames. */
  pushSilence(ms: number): void {
    const samples = new Int16Array((ms * RATE_HZ) / 1000);
    this.push(new AudioFrame(samples, RATE_HZ, 1, samples.length));
  }

  /** Makes the recogniser finalise what it heard. */
  flush(): void {
    // Voice activity cuts the audio of a recogniser that does not stream: a flush would drop what was heard.
    if (!(this.#stt instanceof stt.StreamAdapter)) this.#tryStt((stream) => stream.flush());
  }

  /** Forgets what was pushed so far. */
  reset(): void {
    if (this.#isClosed) return;
    this.#closeStreams();
    this.#backlog = [];
    this.#fed = this.#pushed;
    this.#openVad();
    this.#openStt();
  }

  close(): void {
    this.#isClosed = true;
    this.#backlog = [];
    this.#closeStreams();
  }

  #take(samples: Int16Array): void {
    this.#pushed += samples.length;
    this.#backlog.push(samples);
    if (toMs(this.#pushed - this.#fed) > MOST_BACKLOG_MS) this.#dropVad();
    try {
      this.#vadStream?.pushFrame(new AudioFrame(samples, RATE_HZ, 1, samples.length));
    } catch {
      this.#dropVad();
    }
    if (!this.#vadStream) this.#feed(this.#pushed);
  }

  /** Gives the recogniser the audio that was pushed up to this sample, in whole pieces. */
  #feed(until: number): void {
    while (this.#fed < until) {
      const samples = this.#backlog.shift();
      if (!samples) break;
      this.#fed += samples.length;
      this.#tryStt((stream) => stream.pushFrame(new AudioFrame(samples, RATE_HZ, 1, samples.length)));
    }
    this.#events.onHeard(toMs(this.#fed));
  }

  #openVad(): void {
    const stream = this.#vad.stream();
    this.#vadStream = stream;
    void this.#followVad(stream, this.#pushed)
      .catch(() => undefined)
      .then(() => {
        if (this.#vadStream === stream) this.#dropVad();
      });
  }

  async #followVad(stream: VADStream, base: number): Promise<void> {
    let processed = base;
    for await (const event of stream) {
      if (this.#vadStream !== stream) return;
      if (event.type === VADEventType.INFERENCE_DONE) {
        for (const { samplesPerChannel } of event.frames) processed += samplesPerChannel;
        this.#feed(processed);
      } else if (event.type === VADEventType.START_OF_SPEECH) {
        if (!this.#sttStream) this.#openStt();
        this.#events.onSpeechStart();
      } else if (event.type === VADEventType.END_OF_SPEECH) {
        this.#events.onSpeechEnd(toMs(processed) - event.silenceDuration);
      }
    }
  }

  #dropVad(): void {
    const stream = this.#vadStream;
    if (!stream || this.#isClosed) return;
    this.#vadStream = undefined;
    closeQuietly(stream);
    this.#events.onSpeechEnd(toMs(this.#pushed));
    this.#feed(this.#pushed);
  }

  #openStt(): void {
    try {
      const stream = this.#stt.stream();
      this.#sttStream = stream;
      void this.#followStt(stream, toMs(this.#fed));
    } catch (error) {
      this.#fail(error);
    }
  }

  async #followStt(stream: stt.SpeechStream, baseMs: number): Promise<void> {
    let failure: Error = new Error(`${this.#stt.label}: its stream ended`);
    const onError = (event: { error: Error; recoverable: boolean }) => {
      if (!event.recoverable) failure = event.error;
    };
    this.#stt.on('error', onError);
    try {
      for await (const event of stream) {
        if (this.#sttStream !== stream) return;
        this.#tell(event, baseMs);
      }
    } catch (error) {
      failure = asError(error);
    } finally {
      this.#stt.off('error', onError);
    }
    if (this.#sttStream !== stream) return;
    this.#sttStream = undefined;
    closeQuietly(stream);
    this.#events.onSegmentLost();
    this.#fail(failure);
  }

  #tell({ type, alternatives }: stt.SpeechEvent, baseMs: number): void {
    const best = alternatives?.[0];
    if (!best) return;
    const { text, endTime, confidence } = best;
    if (type === stt.SpeechEventType.INTERIM_TRANSCRIPT) this.#events.onInterim(text);
    else if (type === stt.SpeechEventType.FINAL_TRANSCRIPT) {
      this.#events.onFinal({ text, endMs: endTime > 0 ? baseMs + endTime * 1000 : undefined, confidence });
    }
  }

  #fail(error: unknown): void {
    if (!this.#isClosed) this.#events.onFailure(asError(error));
  }

  #tryStt(run: (stream: stt.SpeechStream) => void): void {
    const stream = this.#sttStream;
    if (!stream) return;
    try {
      run(stream);
    } catch {
      // The stream closed by itself, which ends its events.
    }
  }

  #closeStreams(): void {
    const streams = [this.#vadStream, this.#sttStream];
    this.#vadStream = undefined;
    this.#sttStream = undefined;
    for (const stream of streams) if (stream) closeQuietly(stream);
  }
}

function closeQuietly(stream: { close(): void }): void {
  try {
    stream.close();
  } catch {
    // The stream is over either way.
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
