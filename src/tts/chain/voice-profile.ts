// What a chain learns of each link's voice over its life: how loud it is, and how long it takes for a text.
import { VoicedLevel } from '../../audio/loudness.ts';

/** Assumed milliseconds of sound per character before any was measured, and the characters that this assumption counts as. */
const PRIOR_MS_PER_CHAR = 60;
const PRIOR_CHARS = 60;
/** A level measured over less voiced sound is not reliable. */
const ENOUGH_VOICED_MS = 100;

export class VoiceProfile {
  readonly level = new VoicedLevel();
  #chars = PRIOR_CHARS;
  #ms = PRIOR_CHARS * PRIOR_MS_PER_CHAR;

  get msPerChar(): number {
    return this.#ms / this.#chars;
  }

  /** Level in dB relative to full scale; undefined until enough voiced sound was measured. */
  get dbfs(): number | undefined {
    return this.level.voicedMs >= ENOUGH_VOICED_MS ? this.level.dbfs : undefined;
  }

  learn(chars: number, ms: number): void {
    this.#chars += chars;
    this.#ms += ms;
  }
}

/** Voice profiles of a chain's links. All voices are brought to the level of the one heard first. */
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

  /** Profile whose level all others match: the first one heard. */
  referenceFor(heard: VoiceProfile): VoiceProfile {
    this.#reference ??= heard;
    return this.#reference;
  }
}
