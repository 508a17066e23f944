// What the HTTP server needs from the worker, and nothing else of it.

import type { CallAccess, CallRequest } from '../config/call-request.ts';

export interface PersonaSummary {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** BCP 47 tags, the first is the default. */
  readonly languages: readonly string[];
  readonly isDefault: boolean;
}

export interface Health {
  readonly live: true;
  readonly ready: boolean;
  /** Why it is not ready; empty when it is. */
  readonly reasons: readonly string[];
}

export interface HttpDeps {
  readonly personas: readonly PersonaSummary[];
  /** @throws UserError when a call cannot be had now; its words and its fix are shown on the page */
  createCall(request: CallRequest): Promise<CallAccess>;
  health(): Health;
  /** The LiveKit server that the page may connect to. Without it the page may connect to any. */
  readonly livekitUrl?: string;
  /** Origins beside the server's own that may start calls, such as that of a reverse proxy: "https://talk.example.com". */
  readonly allowedOrigins?: readonly string[];
}
