// Calls over both official plugins, on servers that speak their protocols: what was heard, said, failed and switched.

import type { Behavior } from '@google/genai';
import { realtime as google } from '@livekit/agents-plugin-google';
import { realtime as openai } from '@livekit/agents-plugin-openai';
import { withToldHistory } from '../../../fixtures/told-history.ts';
import {
  type GeminiLiveFixture,
  type GeminiLiveOptions,
  startGeminiLive,
} from '../../../fixtures/vendors/gemini-live.ts';
import type { GeminiContent } from '../../../fixtures/vendors/gemini-protocol.ts';
import {
  type OpenAiRealtimeFixture,
  type OpenAiRealtimeOptions,
  startOpenAiRealtime,
} from '../../../fixtures/vendors/openai-realtime.ts';
import type { ScriptedReply } from '../../../fixtures/vendors/scripted-reply.ts';
import type { Hedge, Switch } from '../../../src/failover/failover.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { RealtimeChain } from '../../../src/realtime/livekit/realtime-chain.ts';
import { RealtimeCaller } from './caller.ts';

export const VENDORS = ['OpenAI Realtime', 'Gemini Live'] as const;
export type VendorName = (typeof VENDORS)[number];

/** What a model says to the caller's last words and the results of tools so far. */
export type Script = (heard: string, results: readonly string[]) => ScriptedReply;

/** The caller's words between words of the agent's own. */
export const repeat: Script = (heard) => ({ text: `w20 ${heard} w21 w22 w23 w24`.split(/(?<=\s)/) });

export interface RealtimeCallsOptions {
  readonly openai?: Partial<Omit<OpenAiRealtimeOptions, 'reply'>>;
  readonly gemini?: Pick<GeminiLiveOptions, 'speed' | 'habits' | 'oddities'> & {
    /** Of the plugin's model; its own default where absent. */
    readonly model?: string;
    readonly toolBehavior?: Behavior;
  };
}

export class RealtimeCalls {
  readonly openai: OpenAiRealtimeFixture;
  readonly gemini: GeminiLiveFixture;
  readonly switches: Switch[] = [];
  readonly failures: string[] = [];
  readonly hedges: Hedge['outcome'][] = [];
  /** First results of providers that were well, in milliseconds. */
  readonly measured: [provider: string, firstMs: number][] = [];
  readonly exhausted: string[] = [];
  readonly #options: RealtimeCallsOptions;
  readonly #setScript: (script: Script) => void;
  #caller: RealtimeCaller | undefined;
  #chain: RealtimeChain | undefined;

  private constructor(
    openaiVendor: OpenAiRealtimeFixture,
    geminiVendor: GeminiLiveFixture,
    setScript: (script: Script) => void,
    options: RealtimeCallsOptions,
  ) {
    this.#options = options;
    this.openai = openaiVendor;
    this.gemini = geminiVendor;
    this.#setScript = setScript;
  }

  static async start(options: RealtimeCallsOptions = {}): Promise<RealtimeCalls> {
    let script = repeat;
    const [openaiVendor, geminiVendor] = await Promise.all([
      startOpenAiRealtime({
        ...options.openai,
        reply: ({ lastUserText, items }) => {
          const results = items.filter(({ type }) => type === 'function_call_output');
          return script(
            lastUserText,
            results.map(({ output }) => output ?? ''),
          );
        },
      }),
      startGeminiLive({
        ...options.gemini,
        reply: ({ turns, instructions }) => script(...understood(turns, instructions)),
      }),
    ]);
    return new RealtimeCalls(
      openaiVendor,
      geminiVendor,
      (next) => {
        script = next;
      },
      options,
    );
  }

  set script(script: Script) {
    this.#setScript(script);
  }

  vendor(name: VendorName): OpenAiRealtimeFixture | GeminiLiveFixture {
    return name === 'Gemini Live' ? this.gemini : this.openai;
  }

  /** A call whose chain has these vendors, in order. */
  async call(...names: readonly VendorName[]): Promise<RealtimeCaller> {
    const models = names.map((name) => (name === 'Gemini Live' ? this.#geminiModel() : this.#openaiModel()));
    this.#chain = new RealtimeChain(models, {
      board: new MemoryHealthBoard(),
      onSwitch: (event) => this.switches.push(event),
      onFailure: (_stage, _provider, { kind }) => this.failures.push(kind),
      onHedge: ({ outcome }) => this.hedges.push(outcome),
      onAttempt: (_stage, provider, outcome, firstMs) => {
        if (outcome === 'success' && firstMs !== undefined) this.measured.push([provider, firstMs]);
      },
      onExhausted: (_stage, { kind }) => this.exhausted.push(kind),
    });
    return this.callAgain();
  }

  /** Another call of the same chain. */
  async callAgain(): Promise<RealtimeCaller> {
    const session = (this.#chain as RealtimeChain).session();
    await session._updateSession('Be brief.');
    this.#caller = new RealtimeCaller(session);
    return this.#caller;
  }

  /** As `call`, with this vendor first and the other one behind it. */
  callOver(name: VendorName): Promise<RealtimeCaller> {
    return this.call(name, ...VENDORS.filter((other) => other !== name));
  }

  async close(): Promise<void> {
    await this.#caller?.end();
    await this.#chain?.close();
    await Promise.all([this.openai.close(), this.gemini.close()]);
  }

  #openaiModel(): openai.RealtimeModel {
    return new openai.RealtimeModel({
      apiKey: 'sk-test',
      baseURL: this.openai.url,
      turnDetection: { type: 'server_vad', silence_duration_ms: 400 },
    });
  }

  #geminiModel(): google.RealtimeModel {
    const { model, toolBehavior } = this.#options.gemini ?? {};
    return new google.RealtimeModel({
      apiKey: 'AIza-test',
      httpOptions: { baseUrl: this.gemini.url },
      ...(model && { model }),
      ...(toolBehavior && { toolBehavior }),
    });
  }
}

/** Results of tools come to Gemini as such, or in words where another session called them. */
function understood(turns: readonly GeminiContent[], instructions: string): [heard: string, results: string[]] {
  const all = withToldHistory(instructions, turns);
  const parts = all.flatMap(({ role, parts: pieces = [] }) => pieces.map((part) => ({ role, ...part })));
  const results = parts.flatMap(({ functionResponse, text }) => {
    const output =
      (functionResponse?.response as { output?: unknown } | undefined)?.output ??
      / result: (w\d+)\)/.exec(text ?? '')?.[1];
    return output === undefined ? [] : [String(output)];
  });
  const said = parts.filter(({ role, text }) => role === 'user' && /^\s*w\d/.test(text ?? ''));
  return [said.at(-1)?.text?.trim() ?? '', results];
}

/** A word broken in its middle may be said once more, whole. */
export function withoutSeam(words: readonly number[], expected: readonly number[]): readonly number[] {
  if (words.length !== expected.length + 1) return words;
  const at = words.findIndex((word, i) => i > 0 && word === words[i - 1]);
  return at < 0 ? words : words.filter((_, i) => i !== at);
}
