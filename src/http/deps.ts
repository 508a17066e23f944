// What the HTTP server needs from the worker, and nothing else of it.

export interface PersonaSummary {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** BCP 47 tags, the first is the default. */
  readonly languages: readonly string[];
  readonly isDefault: boolean;
}

export interface CallRequest {
  readonly persona?: string;
  readonly name?: string;
  readonly language?: string;
  /** A name of one's own for the room; a new one where absent. */
  readonly room?: string;
}

export interface CallAccess {
  /** LiveKit's address as the browser reaches it, ws:// or wss://. */
  readonly url: string;
  readonly token: string;
  readonly room: string;
  readonly identity: string;
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
