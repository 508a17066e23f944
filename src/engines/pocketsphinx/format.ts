// What PocketSphinx and its model take; apart from the rest, so that who only asks doesn't load the engine.

export const POCKETSPHINX_SAMPLE_RATE_HZ = 16_000;
/** Length of a frame; the decoder counts times in frames. */
export const FRAME_MS = 10;
