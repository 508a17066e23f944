// The page's own server: who can be talked to, whether it is ready, how its providers are, and a token for a call.
import type { StageId } from './agent-messages.ts';
import { apiTrouble, pageServerGone, TroubleError } from './error-text.ts';

export interface PersonaChoice {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly languages: readonly string[];
  readonly isDefault: boolean;
  readonly mode: CallMode;
}

export type CallMode = 'pipeline' | 'speech-to-speech';

export interface CallChoice {
  readonly persona?: string;
  readonly language?: string;
  readonly mode?: CallMode;
}

export interface CallAccess {
  readonly url: string;
  readonly token: string;
}

export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

export interface ProviderReport {
  readonly id: string;
  readonly title: string;
  readonly state: 'active' | 'well' | 'suspect' | 'left-alone' | 'left-out';
  readonly reason?: string;
  readonly cause?: { readonly kind: string; readonly status?: number };
  /** ISO time. */
  readonly until?: string;
}

export interface ChainReport {
  readonly stage: StageId;
  readonly providers: readonly ProviderReport[];
}

const ANSWER_WITHIN_MS = 15_000;

export async function fetchPersonas(): Promise<readonly PersonaChoice[]> {
  const { personas } = await answerOf<{ personas: readonly PersonaChoice[] }>(await ask('/api/personas'));
  return personas;
}

export async function fetchReadiness(): Promise<Readiness> {
  // Status 503 means that it isn't ready; the body holds the reasons.
  return (await (await ask('/health/ready')).json()) as Readiness;
}

/** @throws TroubleError in words */
export async function createCall(choice: CallChoice): Promise<CallAccess> {
  return answerOf<CallAccess>(await ask('/api/calls', json(choice)));
}

/** `isDemo`: the server answers `fetchFaults` and `breakVendor`. */
export async function fetchChains(): Promise<{ stages: readonly ChainReport[]; isDemo: boolean }> {
  return answerOf(await ask('/api/providers'));
}

/** The current fault of each vendor that can be broken; null when the vendor is well. */
export async function fetchFaults(): Promise<ReadonlyMap<string, string | null>> {
  const { stages } = await answerOf<{ stages: { vendors: { id: string; fault: string | null }[] }[] }>(
    await ask('/api/demo'),
  );
  return new Map(stages.flatMap(({ vendors }) => vendors.map(({ id, fault }) => [id, fault] as const)));
}

/** @throws TroubleError in words */
export async function breakVendor(vendor: string, fault: string): Promise<void> {
  await answerOf(await ask('/api/demo/faults', json({ vendor, fault })));
}

function json(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

let leave: string | undefined;

/** Sends the leave of a signed link with every request from now on. */
export function useLeave(given: string | undefined): void {
  leave = given;
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (leave) headers.set('Authorization', `Bearer ${leave}`);
  try {
    return await fetch(path, { ...init, headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  } catch (error) {
    throw new TroubleError(pageServerGone, { cause: error });
  }
}

async function answerOf<T>(response: Response): Promise<T> {
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new TroubleError(apiTrouble(response.status, body));
  return body as T;
}
