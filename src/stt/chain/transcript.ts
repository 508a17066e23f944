// What the chain tells of what its links heard: every word once, speech begun and ended once, on one clock.
import type { AsyncQueue } from '../../audio/async-queue.ts';
import type { SttPart } from '../contract.ts';
import type { HeardAudio } from './heard-audio.ts';
import type { Ear } from './link-session.ts';
import { countWords, hasTimes, reachesBeyond, type SttWords, without } from './words.ts';

/** Carries who made it. */
type From<Part> = Part extends SttPart ? Part & { readonly provider: string } : never;
export type ChainedSttPart = From<SttPart>;

export class Transcript {
  readonly #parts: AsyncQueue<ChainedSttPart>;
  readonly #heard: HeardAudio;
  /** Interim words of a link that failed, until another says them. */
  #orphan: (ChainedSttPart & SttWords) | undefined;
  #beganSpeech: Ear | undefined;

  constructor(parts: AsyncQueue<ChainedSttPart>, heard: HeardAudio) {
    this.#parts = parts;
    this.#heard = heard;
  }

  get hasOrphan(): boolean {
    return this.#orphan !== undefined;
  }

  /** Of the link that serves. */
  take(ear: Ear, part: SttPart): void {
    switch (part.type) {
      case 'speech-start':
        this.#start(ear, part.atMs);
        break;
      case 'speech-end':
        this.#answeredBy(ear, part.atMs);
        this.#end(part.atMs, ear.link.id);
        break;
      case 'interim':
        this.#tell(ear, part);
        break;
      case 'final':
        this.#final(ear, part);
    }
  }

  /** The words of a link that serves no more, and how many there are: they stand until another says them. */
  orphan(ear: Ear): number {
    const { interim } = ear;
    if (interim && (!this.#orphan || !reachesBeyond(this.#orphan, interim))) {
      this.#orphan = { ...interim, provider: ear.link.id };
    }
    ear.interim = undefined;
    return interim ? countWords(interim) : 0;
  }

  /** Nobody can say the words of a failed link again: they are kept as they are. */
  promote(): void {
    const orphan = this.#orphan;
    if (!orphan) return;
    this.#orphan = undefined;
    this.#heard.answeredUntil(hasTimes(orphan) ? this.#heard.toSamples(orphan.endMs) : this.#heard.lastPause());
    this.#parts.push({ ...orphan, type: 'final' });
    this.#end(orphan.endMs, orphan.provider);
  }

  /** Takes over from another in mid-speech. */
  adopt(ear: Ear, atMs: number): void {
    if (ear.isInSpeech) this.#start(ear, atMs);
  }

  close(): void {
    this.#end(this.#heard.toMs(this.#heard.ring.written), this.#beganSpeech?.link.id ?? 'none');
  }

  #final(ear: Ear, part: SttWords): void {
    if (part.text === '') {
      // It takes its interim back: nothing was said there, but what another heard stays.
      this.#tell(ear, part);
      if (hasTimes(part)) this.#heard.answeredUntil(this.#heard.toSamples(part.endMs));
      this.promote();
      return;
    }
    this.#heard.answeredUntil(hasTimes(part) ? this.#heard.toSamples(part.endMs) : this.#heard.lastPause());
    const rest = this.#orphan && without(this.#orphan, part);
    this.#orphan = rest && this.#orphan && { ...rest, provider: this.#orphan.provider };
    this.#tell(ear, part);
    // Who began speech is gone, and who serves now tells of no end.
    const began = this.#beganSpeech;
    if (began && began !== ear && !ear.tellsSpeech && !this.#heard.gate.isSpeech) this.#end(part.endMs, ear.link.id);
  }

  /** Speech ended with or without words: of whole utterances nothing more comes. */
  #answeredBy(ear: Ear, atMs: number): void {
    if (ear.interim || (ear.link.traits.clockLags && ear.owes)) return;
    const orphan = this.#orphan;
    if (orphan && (atMs === 0 || !hasTimes(orphan) || orphan.endMs <= atMs)) this.promote();
    if (ear.link.traits.needsVoiceActivity && atMs > 0) this.#heard.answeredUntil(this.#heard.toSamples(atMs));
  }

  #start(ear: Ear, atMs: number): void {
    if (!this.#beganSpeech) this.#parts.push({ type: 'speech-start', atMs, provider: ear.link.id });
    this.#beganSpeech = ear;
  }

  #end(atMs: number, provider: string): void {
    if (this.#beganSpeech) this.#parts.push({ type: 'speech-end', atMs, provider });
    this.#beganSpeech = undefined;
  }

  #tell(ear: Ear, part: SttPart): void {
    this.#parts.push({ ...part, provider: ear.link.id });
  }
}
