// What a vendor says of its reply beside the streams of LiveKit's interface: types only.

export type ReplySign =
  /** It is at work: arguments of a call, a new item, words whose audio follows. */
  | { readonly type: 'progress' }
  /** It generated everything, and owes nothing more. Its end of turn may come with the end of playback, or never. */
  | { readonly type: 'generated' }
  /** It ended a turn with nothing in it. */
  | { readonly type: 'empty' }
  /** It ended before all was generated: the length that it may have, or a call that it could not write. */
  | { readonly type: 'cut' }
  /** Its filter took offence. */
  | { readonly type: 'refused'; readonly reason: string }
  /** It says nothing as it takes the caller to go on. */
  | { readonly type: 'waiting' }
  /** Calls whose results it does not want any more. */
  | { readonly type: 'cancelled'; readonly callIds: readonly string[] };
