// What every LLM provider must do, whichever vendor is behind it: run by each provider's own test.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProviderError, type ProviderErrorKind } from '../../src/failover/provider-error.ts';
import type { LlmClient, LlmMessage, LlmPart, LlmProvider, LlmRequest, LlmTool } from '../../src/llm/contract.ts';

export interface LlmSubject {
  readonly client: LlmClient;
  close?(): Promise<void>;
}

export interface LlmConformance<Subject extends LlmSubject> {
  readonly provider: LlmProvider;
  /** Makes a new subject for each test. */
  readonly open: () => Promise<Subject>;
  /** A conversation that is answered by several words. */
  readonly talk: readonly LlmMessage[];
  /** A conversation that is answered by a call of `tool` with these arguments. */
  readonly callingTalk: readonly LlmMessage[];
  readonly tool: LlmTool;
  readonly expectedArguments: Readonly<Record<string, unknown>>;
  readonly request?: Partial<LlmRequest>;
  /** Ways to fail: `arrange` prepares one before the request, or `request` causes it. */
  readonly failures: readonly {
    readonly name: string;
    readonly kind: ProviderErrorKind;
    readonly arrange?: (subject: Subject) => void | Promise<void>;
    readonly request?: Partial<LlmRequest>;
  }[];
  /** For vendors that can end a reply without an error and with nothing in it. */
  readonly arrangeEmpty?: (subject: Subject) => void;
  /** Strings that no error message may contain. */
  readonly secrets?: readonly string[];
}

export function describeLlm<Subject extends LlmSubject>(conformance: LlmConformance<Subject>): void {
  const { provider, talk, callingTalk, tool } = conformance;
  let subject: Subject;
  beforeEach(async () => {
    subject = await conformance.open();
  });
  afterEach(async () => {
    await subject.client.close();
    await subject.close?.();
  });

  const requestOf = (messages: readonly LlmMessage[], changes: Partial<LlmRequest> = {}): LlmRequest => ({
    messages,
    tools: [tool],
    toolChoice: 'auto',
    language: 'en-US',
    signal: new AbortController().signal,
    ...conformance.request,
    ...changes,
  });
  const partsOf = async (request: LlmRequest): Promise<LlmPart[]> => {
    const parts: LlmPart[] = [];
    for await (const part of subject.client.reply(request)) parts.push(part);
    return parts;
  };

  describe(`${provider.id}, as every LLM provider`, () => {
    it('streams a reply in several pieces', async () => {
      const pieces = textsOf(await partsOf(requestOf(talk)));
      expect(pieces.length).toBeGreaterThan(2);
      expect(pieces.join('').trim()).not.toBe('');
    });

    it('gives a tool call whole', async () => {
      const calls = callsOf(await partsOf(requestOf(callingTalk)));
      expect(calls).toHaveLength(1);
      expect(calls[0]?.id).not.toBe('');
      expect(calls[0]?.name).toBe(tool.name);
      expect(JSON.parse(calls[0]?.arguments ?? '')).toEqual(conformance.expectedArguments);
    });

    it('speaks from the result of a tool, and does not call it again', async () => {
      const [call] = callsOf(await partsOf(requestOf(callingTalk)));
      if (!call) throw new Error('no tool call');
      const output = JSON.stringify({ status: 'stored' });
      const result: LlmMessage = { role: 'tool-result', callId: call.id, name: call.name, output, isError: false };
      const parts = await partsOf(requestOf([...callingTalk, { role: 'tool-call', call }, result]));
      expect(callsOf(parts)).toEqual([]);
      expect(textsOf(parts).join('')).not.toBe('');
    });

    it.each([
      ['no words of the caller', [{ role: 'system', text: 'Be kind.' }] satisfies LlmMessage[]],
      ['empty words', [...talk, { role: 'user', text: '' }] satisfies LlmMessage[]],
    ])('takes %s', async (_, messages) => {
      expect(callsOf(await partsOf(requestOf(messages)))).toEqual([]);
    });

    it('answers the same request twice', async () => {
      const [first, second] = await Promise.all([partsOf(requestOf(talk)), partsOf(requestOf(talk))]);
      expect(textsOf(second).join('')).toBe(textsOf(first).join(''));
    });

    it('says once that it answers, before its first words', async () => {
      const seen: string[] = [];
      const request = requestOf(talk, { onOpen: () => seen.push('open') });
      for await (const part of subject.client.reply(request)) if (part.type !== 'progress') seen.push(part.type);
      expect(seen.slice(0, 2)).toEqual(['open', 'text']);
      expect(seen.filter((what) => what === 'open')).toHaveLength(1);
    });

    it('takes words that another provider has begun the reply with', async () => {
      const whole =
        textsOf(await partsOf(requestOf(talk)))
          .join('')
          .match(/\S+\s*/g) ?? [];
      const begun = whole.slice(0, 2).join('');
      const rest = textsOf(await partsOf(requestOf(talk, { continueFrom: begun }))).join('');
      // The reply goes on, or begins anew: the chain handles both.
      expect([`${begun.trimEnd()} ${rest.trim()}`, rest.trim()]).toContain(whole.join('').trim());
    });

    it('can be left in mid-reply, and asked again', async () => {
      for await (const _ of subject.client.reply(requestOf(talk))) break;
      expect(textsOf(await partsOf(requestOf(talk))).length).toBeGreaterThan(2);
    });

    it('gives nothing when it was cancelled before', async () => {
      expect(await partsOf(requestOf(talk, { signal: AbortSignal.abort() }))).toEqual([]);
    });

    it('ends without an error when it is cancelled in mid-reply', async () => {
      const abort = new AbortController();
      const parts: LlmPart[] = [];
      for await (const part of subject.client.reply(requestOf(talk, { signal: abort.signal }))) {
        parts.push(part);
        abort.abort();
      }
      expect(parts).toHaveLength(1);
    });

    const { arrangeEmpty } = conformance;
    if (arrangeEmpty) {
      it('ends well where the vendor has nothing to say: the chain decides what that means', async () => {
        arrangeEmpty(subject);
        const parts = await partsOf(requestOf(talk));
        expect([textsOf(parts).join(''), callsOf(parts)]).toEqual(['', []]);
      });
    }

    it.each(conformance.failures)('fails as $kind: $name', async ({ kind, arrange, request }) => {
      await arrange?.(subject);
      const error: unknown = await partsOf(requestOf(talk, request)).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(ProviderError);
      expect(error).toMatchObject({ kind, provider: provider.id });
      for (const secret of conformance.secrets ?? []) expect((error as Error).message).not.toContain(secret);
    });
  });
}

function textsOf(parts: readonly LlmPart[]): string[] {
  return parts.flatMap((part) => (part.type === 'text' ? [part.text] : []));
}

function callsOf(parts: readonly LlmPart[]) {
  return parts.flatMap((part) => (part.type === 'tool-call' ? [part.call] : []));
}
