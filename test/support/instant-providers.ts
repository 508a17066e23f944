// LiveKit STT, LLM and TTS that answer at once, so that a benchmark measures only what stands around the providers.
import { llm, stt, tts } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';

const NO_RETRIES = { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 10_000 };
const STT_RATE_HZ = 16_000;
/** Silence after which a segment is final: the shortest that does not cut words in two. */
const FINAL_AFTER_MS = 100;
const SPEECH_RMS = 300;

/** Transcribes "word" for each 300 ms of sound; a final follows 100 ms of silence. */
export class InstantStt extends stt.STT {
  override label = 'instant.STT';

  constructor() {
    super({ streaming: true, interimResults: true });
  }

  override stream(): stt.SpeechStream {
    return new InstantSttStream(this, STT_RATE_HZ, NO_RETRIES);
  }

  protected override _recognize(): Promise<stt.SpeechEvent> {
    return Promise.reject(new Error('streaming only'));
  }
}

class InstantSttStream extends stt.SpeechStream {
  override label = 'instant.STTStream';

  protected override async run(): Promise<void> {
    let spokenMs = 0;
    let silentMs = 0;
    let words = 0;
    for await (const frame of this.input) {
      if (typeof frame === 'symbol') continue;
      const frameMs = (frame.samplesPerChannel * 1000) / frame.sampleRate;
      if (rms(frame.data) > SPEECH_RMS) {
        spokenMs += frameMs;
        silentMs = 0;
        const heard = Math.ceil(spokenMs / 300);
        if (heard > words) this.#put(stt.SpeechEventType.INTERIM_TRANSCRIPT, heard);
        words = heard;
        continue;
      }
      silentMs += frameMs;
      if (words > 0 && silentMs >= FINAL_AFTER_MS) {
        this.#put(stt.SpeechEventType.FINAL_TRANSCRIPT, words);
        spokenMs = 0;
        words = 0;
      }
    }
  }

  #put(type: stt.SpeechEventType, words: number): void {
    const text = Array(words).fill('word').join(' ');
    this.queue.put({
      type,
      alternatives: [{ text, language: 'en' as stt.SpeechData['language'], startTime: 0, endTime: 0, confidence: 1 }],
    });
  }
}

function rms(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / samples.length);
}

/** Replies at once with the given sentence. */
export class InstantLlm extends llm.LLM {
  readonly #reply: string;

  constructor(reply = 'Yes, I can help you with that.') {
    super();
    this.#reply = reply;
  }

  override label(): string {
    return 'instant.LLM';
  }

  override chat({ chatCtx, toolCtx }: Parameters<llm.LLM['chat']>[0]): llm.LLMStream {
    return new InstantLlmStream(this, this.#reply, { chatCtx, ...(toolCtx && { toolCtx }), connOptions: NO_RETRIES });
  }
}

class InstantLlmStream extends llm.LLMStream {
  readonly #reply: string;

  constructor(owner: InstantLlm, reply: string, options: ConstructorParameters<typeof llm.LLMStream>[1]) {
    super(owner, options);
    this.#reply = reply;
  }

  protected override async run(): Promise<void> {
    for (const content of this.#reply.match(/\S+\s*/g) ?? []) {
      this.queue.put({ id: 'reply', delta: { role: 'assistant', content } });
    }
  }
}

const TTS_RATE_HZ = 24_000;
const FRAME_SAMPLES = TTS_RATE_HZ / 50;
/** 60 ms for a character: about 17 characters in a second, as people speak. */
const FRAMES_PER_CHAR = 3;

/** Speaks any text as one steady tone of its length, at once when its first word arrives. */
export class InstantTts extends tts.TTS {
  override label = 'instant.TTS';

  constructor() {
    super(TTS_RATE_HZ, 1, { streaming: true });
  }

  override stream(): tts.SynthesizeStream {
    return new InstantTtsStream(this, NO_RETRIES);
  }

  override synthesize(): tts.ChunkedStream {
    throw new Error('streaming only');
  }
}

class InstantTtsStream extends tts.SynthesizeStream {
  override label = 'instant.TTSStream';

  protected override async run(): Promise<void> {
    let frames = 0;
    for await (const input of this.input) {
      if (typeof input === 'symbol') continue;
      this.markStarted();
      for (const end = frames + input.length * FRAMES_PER_CHAR; frames < end; frames += 1) {
        this.queue.put({ requestId: 'tone', segmentId: 'tone', frame: toneFrame(frames), final: false });
      }
    }
    if (!this.queue.closed) this.queue.put(tts.SynthesizeStream.END_OF_STREAM);
  }
}

function toneFrame(number: number): AudioFrame {
  const samples = Int16Array.from({ length: FRAME_SAMPLES }, (_, i) =>
    Math.round(8_000 * Math.sin((2 * Math.PI * 440 * (number * FRAME_SAMPLES + i)) / TTS_RATE_HZ)),
  );
  return new AudioFrame(samples, TTS_RATE_HZ, 1, FRAME_SAMPLES);
}
