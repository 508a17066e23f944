// How a model is asked to go on from the words of a reply that another provider began.

/**
 * Sent after the begun reply as a user message: models and routers disagree on system messages in the middle and on a last
 * message of the assistant, but all accept a user message.
 */
export const CONTINUATION_PROMPT =
  '(Your last message was cut off; the caller heard all of it. Continue it from exactly where it stops: say only what ' +
  'comes next, beginning with the very next word, in the same language and style. Do not repeat any of it, do not ' +
  'greet, do not apologise and do not mention this.)';

/** Whether a begun reply can be left as it is, because it ends with a complete sentence. */
export function isWholeReply(begun: string): boolean {
  return /[.!?…。！？][\s"'”’)\]]*$/.test(begun);
}
