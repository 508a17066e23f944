// What the agent expects to hear next, so that a recogniser with a grammar can listen for just that.

/**
 * - `open`: anything (dictation)
 * - `yes-no`: a short agreement or refusal
 * - `digits`: spoken digits, such as a telephone number
 * - `spelling`: a name spelt letter by letter, or said
 * - `phrases`: one of the given phrases, or anything else
 */
export type SpeechExpectation =
  | { readonly kind: 'open' }
  | { readonly kind: 'yes-no' }
  | { readonly kind: 'digits'; readonly minDigits?: number; readonly maxDigits?: number }
  | { readonly kind: 'spelling' }
  | { readonly kind: 'phrases'; readonly phrases: readonly string[] };
