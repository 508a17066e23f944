// What the chain tells of what its links heard: every word once, speech begun and ended once, on one clock.
import type { AsyncQueue } from '../../audio/async-queue.ts';
import type { SttPart } from '../contract.ts';
import type { HeardAudio } from './heard-audio.ts';
import type { SttLinkSession } from './link-session.ts';
import { countWords, hasTimes, reachesBeyond, type SttWords, without } from './words.ts';

/** A part with the id of the link that made it. */
type From<Part> = Part extends SttPart ? Part & { readonly provider: string } : never;
export type ChainedSttPart = From<SttPart>;

export class Transcript {
  readonly #parts: AsyncQueue<ChainedSttPart>;
  readonly #heard: HeardAudio;
  /** Interim words of a failed link, kept until another link transcribes them. */
  #unconfirmed: (ChainedSttPart & SttWords) | undefined;
  #beganSpeech: SttLinkSession | undefined;

  constructor(parts: AsyncQueue<ChainedSttPart>, heard: HeardAudio) {
    this.#parts = parts;
    this.#heard = heard;
  }

  get hasUnconfirmed(): boolean {
    return this.#unconfirmed !== undefined;
  }

  /** Handles a part of the serving session. */
  take(session: SttLinkSession, part: SttPart): void {
    switch (part.type) {
      case 'speech-start':
        this.#start(session, part.atMs);
        break;
      case 'speech-end':
        this.#answeredBy(session, part.atMs);
        this.#end(part.atMs, session.link.id);
        break;
      case 'interim':
        this.#tell(session, part);
        break;
      case 'final':
        this.#final(session, part);
    }
  }

  /** Keeps the interim words of a link that no longer serves until another link transcribes them; returns their number. */
  keepUnconfirmed(session: SttLinkSession): number {
    const { interim } = session;
    if (interim && (!this.#unconfirmed || !reachesBeyond(this.#unconfirmed, interim))) {
      this.#unconfirmed = { ...interim, provider: session.link.id };
    }
    session.interim = undefined;
    return interim ? countWords(interim) : 0;
  }

  /** Makes the unconfirmed words final as they are: no other link can transcribe them again. */
  finalizeUnconfirmed(): void {
    const unconfirmed = this.#unconfirmed;
    if (!unconfirmed) return;
    this.#unconfirmed = undefined;
    this.#heard.answeredUntil(
      hasTimes(unconfirmed) ? this.#heard.toSamples(unconfirmed.endMs) : this.#heard.lastPause(),
    );
    this.#parts.push({ ...unconfirmed, type: 'final' });
    this.#end(unconfirmed.endMs, unconfirmed.provider);
  }

  /** Call when a session takes over from another: if it is in mid-speech, it begins speech here. */
  adopt(session: SttLinkSession, atMs: number): void {
    if (session.isInSpeech) this.#start(session, atMs);
  }

  close(): void {
    this.#end(this.#heard.toMs(this.#heard.ring.written), this.#beganSpeech?.link.id ?? 'none');
  }

  #final(session: SttLinkSession, part: SttWords): void {
    if (part.text === '') {
      // The link takes its interim back: nothing was said there. Unconfirmed words of another link stay.
      this.#tell(session, part);
      if (hasTimes(part)) this.#heard.answeredUntil(this.#heard.toSamples(part.endMs));
      this.finalizeUnconfirmed();
      return;
    }
    this.#heard.answeredUntil(hasTimes(part) ? this.#heard.toSamples(part.endMs) : this.#heard.lastPause());
    const rest = this.#unconfirmed && without(this.#unconfirmed, part);
    this.#unconfirmed = rest && this.#unconfirmed && { ...rest, provider: this.#unconfirmed.provider };
    this.#tell(session, part);
    // The session that began speech is gone, and the serving one does not report its end.
    const began = this.#beganSpeech;
    if (began && began !== session && !session.tellsSpeech && !this.#heard.gate.isSpeech)
      this.#end(part.endMs, session.link.id);
  }

  /** Speech ended, with or without words: a link that gets whole utterances sends nothing more for this one. */
  #answeredBy(session: SttLinkSession, atMs: number): void {
    if (session.interim || (session.link.traits.clockLags && session.hasPendingSpeech)) return;
    const unconfirmed = this.#unconfirmed;
    if (unconfirmed && (atMs === 0 || !hasTimes(unconfirmed) || unconfirmed.endMs <= atMs)) this.finalizeUnconfirmed();
    if (session.link.traits.needsVoiceActivity && atMs > 0) this.#heard.answeredUntil(this.#heard.toSamples(atMs));
  }

  #start(session: SttLinkSession, atMs: number): void {
    if (!this.#beganSpeech) this.#parts.push({ type: 'speech-start', atMs, provider: session.link.id });
    this.#beganSpeech = session;
  }

  #end(atMs: number, provider: string): void {
    if (this.#beganSpeech) this.#parts.push({ type: 'speech-end', atMs, provider });
    this.#beganSpeech = undefined;
  }

  #tell(session: SttLinkSession, part: SttPart): void {
    this.#parts.push({ ...part, provider: session.link.id });
  }
}
