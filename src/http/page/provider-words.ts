// Health and switches of providers in words. Pure, so that it is tested without a browser.
import type { SwitchMessage } from './agent-messages.ts';
import type { ChainReport, ProviderReport } from './api.ts';

const CAUSES: Readonly<Record<string, string>> = {
  auth: 'key refused',
  forbidden: 'not allowed',
  quota: 'quota',
  'rate-limit': 'rate limit',
  server: 'error of the server',
  unreachable: 'connection lost',
  timeout: 'time-out',
  malformed: 'unreadable answer',
  'invalid-request': 'request refused',
  'content-refusal': 'would not answer that',
};

function causeText({ kind, status }: { readonly kind: string; readonly status?: number | undefined }): string {
  const words = CAUSES[kind] ?? kind;
  return status === undefined ? words : `${words} (${status})`;
}

/** @param clock makes a time of day of an ISO time */
export function healthText({ state, reason, cause, until }: ProviderReport, clock: (iso: string) => string): string {
  const why = cause ? `: ${causeText(cause)}` : '';
  switch (state) {
    case 'active':
      return 'well, asked first';
    case 'well':
      return 'well';
    case 'suspect':
      return `suspect${why}, ${until ? `tried at ${clock(until)} or when a check passes` : 'tried again by the next turn'}`;
    case 'left-alone':
      return `left alone until ${until ? clock(until) : 'a check passes'}${why}`;
    case 'left-out':
      return `left out: ${reason ?? 'not set up'}`;
    default:
      return state;
  }
}

/** Text beside the switch: whether speech to speech is available. */
export function modeText(chains: readonly ChainReport[]): string {
  const vendors = (chains.find(({ stage }) => stage === 'realtime')?.providers ?? [])
    .filter(({ id, state }) => id !== 'pipeline' && state !== 'left-out')
    .map(({ title }) => title);
  return vendors.length > 0
    ? `One model hears and speaks: ${vendors.join(', then ')}, then the three stages.`
    : 'Needs a key of Gemini or OpenAI; without one, the three stages serve.';
}

/** Both are the same when a new session of the same realtime model takes over. */
export function switchedText(from: string, to: string): string {
  return from === to ? `${from}, connected again` : `${from} → ${to}`;
}

/** Such as "quota (402), 34 ms, 12 words kept". */
export function switchText({ kind, status, tookMs, wordsKept, audioReplayedMs }: SwitchMessage): string {
  const kept = wordsKept === 1 ? '1 word kept' : `${wordsKept} words kept`;
  return [
    causeText({ kind, status }),
    tookMs < 1_000 ? `${Math.round(tookMs)} ms` : `${(tookMs / 1_000).toFixed(1)} s`,
    ...(wordsKept ? [kept] : []),
    ...(audioReplayedMs ? [`${(audioReplayedMs / 1_000).toFixed(1)} s heard again`] : []),
  ].join(', ');
}
