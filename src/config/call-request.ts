// What a caller asks for, and what lets it into its room.

import type { CallMode } from './call-mode.ts';

export interface CallRequest {
  readonly persona?: string;
  /** Where absent, the persona's mode. */
  readonly mode?: CallMode;
  readonly name?: string;
  readonly language?: string;
  /** Room name of the caller's choice; where absent, a new one is made. */
  readonly room?: string;
}

export interface CallAccess {
  /** LiveKit's address as the caller reaches it, ws:// or wss://. */
  readonly url: string;
  readonly token: string;
  readonly room: string;
  readonly identity: string;
}
