// What a caller asks for, and what lets it into its room.

import type { CallMode } from './call-mode.ts';

export interface CallRequest {
  readonly persona?: string;
  /** The persona's where absent. */
  readonly mode?: CallMode;
  readonly name?: string;
  readonly language?: string;
  /** A name of one's own for the room; a new one where absent. */
  readonly room?: string;
}

export interface CallAccess {
  /** LiveKit's address as the caller reaches it, ws:// or wss://. */
  readonly url: string;
  readonly token: string;
  readonly room: string;
  readonly identity: string;
}
