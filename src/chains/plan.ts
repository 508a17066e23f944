// Which providers serve each stage, in what order, and who is left out and why.
import { checkBaseUrls } from '../config/base-urls.ts';
import type { Environment } from '../config/environment.ts';
import { type Config, PIPELINE } from '../config/schema.ts';
import { UserError } from '../config/user-error.ts';
import type { LlmProvider } from '../llm/contract.ts';
import type { RealtimeProvider } from '../realtime/contract.ts';
import type { SttProvider } from '../stt/contract.ts';
import type { TtsProvider } from '../tts/contract.ts';
import { llmProviders, realtimeProviders, sttProviders, ttsProviders } from './registry.ts';
import type { AnyProvider, Stage } from './stages.ts';

export interface StageLink {
  readonly id: string;
  readonly state: 'active' | 'available' | 'left-out';
  /** Why the provider is left out. */
  readonly reason?: string;
}

export interface PlannedProvider<Provider> {
  readonly provider: Provider;
  /** The provider's place in the chain; equals share one. */
  readonly priority: number;
}

export interface StagePlan<Provider> {
  readonly stage: Stage;
  /** Providers that may serve, best first; empty only for speech to speech, where the pipeline alone may serve. */
  readonly providers: readonly PlannedProvider<Provider>[];
  /** All providers that the chain names. */
  readonly links: readonly StageLink[];
}

export interface Plan {
  readonly stt: StagePlan<SttProvider>;
  readonly llm: StagePlan<LlmProvider>;
  readonly tts: StagePlan<TtsProvider>;
  readonly realtime: StagePlan<RealtimeProvider>;
}

/** @throws UserError when a chain names an unknown provider or no provider of a stage is available */
export function planStages(config: Config, env: Environment): Plan {
  checkBaseUrls(env);
  return {
    stt: planStage<SttProvider>('stt', config.chains.stt, sttProviders, env),
    llm: planStage<LlmProvider>('llm', config.chains.llm, llmProviders, env),
    tts: planStage<TtsProvider>('tts', config.chains.tts, ttsProviders, env),
    realtime: planStage<RealtimeProvider>('realtime', config.chains.realtime, realtimeProviders, env),
  };
}

function planStage<Provider extends Pick<AnyProvider, 'id' | 'env' | 'needsOneOf'>>(
  stage: Stage,
  chain: Config['chains'][Stage],
  known: readonly Provider[],
  env: Environment,
): StagePlan<Provider> {
  const providers: PlannedProvider<Provider>[] = [];
  const links: StageLink[] = [];
  for (const [priority, entry] of chain.entries()) {
    for (const id of [entry].flat()) {
      if (stage === 'realtime' && id === PIPELINE) {
        links.push({ id, state: providers.length === 0 ? 'active' : 'available' });
        continue;
      }
      const sameId = known.filter((candidate) => candidate.id === id);
      // Of several ways to one vendor, takes the first one that has the variables it needs.
      const provider = sameId.find((candidate) => whatIsMissing(candidate, env) === undefined) ?? sameId.at(-1);
      if (!provider) {
        throw new UserError(
          `agents/providers.yaml: chains.${stage} names "${id}", which is none of: ${[...new Set(known.map((p) => p.id))].join(', ')}`,
          'correct the name',
        );
      }
      const missing = whatIsMissing(provider, env);
      if (missing === undefined) providers.push({ provider, priority });
      if (missing !== undefined) links.push({ id, state: 'left-out', reason: `${missing} not set` });
      else links.push({ id, state: providers.length === 1 ? 'active' : 'available' });
    }
  }
  if (providers.length === 0 && stage !== 'realtime') {
    const reasons = links.map((link) => `${link.id}: ${link.reason}`).join('; ');
    throw new UserError(
      `no provider can serve ${stage} (${reasons})`,
      `set what is missing, or add free-${stage} to chains.${stage}`,
    );
  }
  return { stage, providers, links };
}

/** The variables without which a provider can't serve, in words; undefined where nothing is missing. */
export function whatIsMissing(provider: Pick<AnyProvider, 'env' | 'needsOneOf'>, env: Environment): string | undefined {
  const missing = Object.keys(provider.env).filter((name) => provider.env[name] === 'required' && !env[name]);
  if (missing.length > 0) return missing.join(' and ');
  const oneOf = provider.needsOneOf ?? [];
  return oneOf.length > 0 && !oneOf.some((name) => env[name]) ? oneOf.join(' or ') : undefined;
}
