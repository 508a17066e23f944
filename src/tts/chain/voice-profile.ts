// What a chain learns of each link's voice over its life: how loud it is, and how long it takes for a text.
import { VoicedLevel } from '../../audio/loudness.ts';

/** Milliseconds of sound for a character before anything was heard, and how many characters that counts as. */
const PRIOR_MS_PER_CHAR = 60;
const PRIOR_CHARS = 60;
/** Less says little of a voice. */
const ENOUGH_VOICED_MS = 100;

export class VoiceProfile {
  readonly level = new VoicedLevel();
  #chars = PRIOR_CHARS;
  #ms = PRIOR_CHARS * PRIOR_MS_PER_CHAR;

  get msPerChar(): number {
    return this.#ms / this.#chars;
  }

  /** In dB relative to full scale; undefined while too little was heard. */
  get dbfs(): number | undefined {
    return this.level.voicedMs >= ENOUGH_VOICED_MS ? this.level.dbfs : undefined;
  }

  learn(chars: number, ms: number): void {
    this.#chars += chars;
    this.#ms += ms;
  }
}

/** The voices of one chain. All are made as loud as the one that was heard first. */
export class VoiceProfiles<Link extends object> {
  readonly #profiles = new Map<Link, VoiceProfile>();
  #reference: VoiceProfile | undefined;

  of(link: Link): VoiceProfile {
    let profile = this.#profiles.get(link);
    if (!profile) {
      profile = new VoiceProfile();
      this.#profiles.set(link, profile);
    }
    return profile;
  }

  /** Where the level of all is set; by the first that is heard. */
  referenceFor(heard: VoiceProfile): VoiceProfile {
    this.#reference ??= heard;
    return this.#reference;
  }
}
