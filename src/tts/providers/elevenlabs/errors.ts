// What ElevenLabs says when it refuses: by status and code at the handshake, by code and words on an open socket.
import { kindOfCloseCode } from '../../../failover/http-error.ts';
import { kindOfStatus, ProviderError, type ProviderErrorKind } from '../../../failover/provider-error.ts';

export const ELEVENLABS = 'elevenlabs';

/**
 * Patterns in the order in which they are tried, on codes and sentences alike. Source: the vendor's error pages
 * (https://elevenlabs.io/docs/resources/errors) and users' reports about the sockets.
 */
const MEANINGS: readonly (readonly [RegExp, ProviderErrorKind])[] = [
  [/quota|payment|insufficient_credits|subscription_required|exceeds your/i, 'quota'],
  [
    /(?:invalid|missing|no|wrong)[\s_]+(?:the[\s_]+)?(?:xi[\s_-])?(?:api|authori[sz]ation)[\s_-]?key|needs_authori[sz]ation/i,
    'auth',
  ],
  [/unauthori[sz]ed|authentication|invalid_authorization/i, 'auth'],
  [/rate[\s_]?limit|too[\s_]many|concurren|system_busy|heavy traffic|max_active/i, 'rate-limit'],
  [/unusual_activity|missing_permissions|forbidden|only_for_creator|not[\s_]allowed/i, 'forbidden'],
  [/timeout|timed[\s_]out|within the timeout/i, 'unreachable'],
  [/not_found|does not exist|invalid|unsupported|validation|max_character|bad_request/i, 'invalid-request'],
];

function meaningOf(words: string): ProviderErrorKind | undefined {
  return MEANINGS.find(([pattern]) => pattern.test(words))?.[1];
}

/** Makes the error for a refused handshake or request; `body` is JSON with a `detail`, which has several forms. */
export function refusal(status: number, body: string, retryAfterMs?: number): ProviderError {
  // A 401 may also mean that the quota is spent, or that the vendor suspects abuse.
  const told = status === 401 || status === 403 || status === 429 || status === 400 ? meaningOf(body) : undefined;
  const kind = told === 'quota' || told === 'forbidden' || told === 'auth' ? told : kindOfStatus(status);
  return failure(kind, `${status}`, status, retryAfterMs);
}

/** `error` is a code and `message` a sentence; `code` is the close code of the socket, which closes after it. */
export function socketError({ error, message, code }: Readonly<Record<string, unknown>>): ProviderError {
  const kind = meaningOf(String(error ?? '')) ?? meaningOf(String(message ?? ''));
  const status = typeof code === 'number' ? code : undefined;
  return failure(kind ?? 'server', 'an error on the open socket', status);
}

export function closing(code: number, reason: string): ProviderError {
  const told = code === 1008 ? meaningOf(reason) : undefined;
  return failure(told ?? kindOfCloseCode(code), `the socket was closed (${code})`, code);
}

export function failure(kind: ProviderErrorKind, words: string, status?: number, retryAfterMs?: number): ProviderError {
  return new ProviderError({ kind, provider: ELEVENLABS, message: `${ELEVENLABS}: ${words}`, status, retryAfterMs });
}
