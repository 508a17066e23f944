// The page's own server: who can be talked to, whether it is ready, and a token for a call.
import { apiTrouble, pageServerGone, TroubleError } from './error-text.ts';

export interface PersonaChoice {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly languages: readonly string[];
  readonly isDefault: boolean;
}

export interface CallAccess {
  readonly url: string;
  readonly token: string;
}

export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

const ANSWER_WITHIN_MS = 15_000;

export async function fetchPersonas(): Promise<readonly PersonaChoice[]> {
  const { personas } = await answerOf<{ personas: readonly PersonaChoice[] }>(await ask('/api/personas'));
  return personas;
}

export async function fetchReadiness(): Promise<Readiness> {
  // 503 says that it isn't ready, with the reasons.
  return (await (await ask('/health/ready')).json()) as Readiness;
}

/** @throws TroubleError in words */
export async function createCall(choice: { persona?: string; language?: string }): Promise<CallAccess> {
  return answerOf<CallAccess>(
    await ask('/api/calls', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(choice),
    }),
  );
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  try {
    return await fetch(path, { ...init, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  } catch (error) {
    throw new TroubleError(pageServerGone, { cause: error });
  }
}

async function answerOf<T>(response: Response): Promise<T> {
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new TroubleError(apiTrouble(response.status, body));
  return body as T;
}
