// What the HTTP server needs from the worker, and nothing else of it.

import type { CallMode } from '../config/call-mode.ts';
import type { CallAccess, CallRequest } from '../config/call-request.ts';

export interface PersonaSummary {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** BCP 47 tags, the first is the default. */
  readonly languages: readonly string[];
  readonly isDefault: boolean;
  /** Mode of its calls when the caller does not choose one. */
  readonly mode: CallMode;
  /** Modes in which anybody may call it; without any, only callers with full leave may (leave.ts). */
  readonly publicModes?: readonly CallMode[];
}

export interface Health {
  readonly live: true;
  readonly ready: boolean;
  /** Why it is not ready; empty when it is. */
  readonly reasons: readonly string[];
}

export interface ProviderReport {
  readonly id: string;
  readonly title: string;
  /** `active` would serve a call that begins now; `suspect` failed and is tried again soon; `left-out` lacks a key. */
  readonly state: 'active' | 'well' | 'suspect' | 'left-alone' | 'left-out';
  /** Why it is left out. */
  readonly reason?: string;
  /** Kind and status of its last failure, when it is not well. */
  readonly cause?: { readonly kind: string; readonly status?: number };
  /** ISO time until which it is not asked; absent when only a change or a passed check ends that. */
  readonly until?: string;
}

export interface ChainReport {
  readonly stage: 'stt' | 'llm' | 'tts' | 'realtime';
  /** In the order in which the providers are asked. */
  readonly providers: readonly ProviderReport[];
}

/** The stand-ins of the demonstration. */
export interface DemoAccess {
  /** Ids of the providers that have a stand-in. */
  readonly vendors: readonly string[];
  faultOf(vendor: string): string | undefined;
  fail(vendor: string, fault: string): Promise<void>;
}

export interface HttpDeps {
  readonly personas: readonly PersonaSummary[];
  /** @throws UserError when a call cannot be had now; its words and its fix are shown on the page */
  createCall(request: CallRequest): Promise<CallAccess>;
  health(): Health;
  providers(): readonly ChainReport[];
  /** Only with `--demo`; its routes answer on loopback only. */
  readonly demo?: DemoAccess;
  /** The LiveKit server that the page may connect to. Without it the page may connect to any. */
  readonly livekitUrl?: string;
}
