// Which provider serves each stage, who stands behind it, and who is left out and why.
import type { Environment } from '../config/environment.ts';
import type { ProviderClient, ProviderDefinition, ProviderSettings, ProviderTraits } from '../config/provider.ts';
import type { Config } from '../config/schema.ts';
import { UserError } from '../config/user-error.ts';
import type { LlmLink } from '../llm/chain.ts';
import type { LlmProvider } from '../llm/contract.ts';
import { llmProviders, sttProviders, ttsProviders } from '../registry.ts';
import type { SttLink } from '../stt/chain.ts';
import type { SttProvider } from '../stt/contract.ts';
import type { TtsLink } from '../tts/chain.ts';
import type { TtsProvider } from '../tts/contract.ts';

export type Stage = 'stt' | 'llm' | 'tts';

export interface StageLink {
  readonly id: string;
  readonly state: 'active' | 'available' | 'left-out';
  /** Why it is left out. */
  readonly reason?: string;
}

export interface StagePlan<Provider> {
  readonly stage: Stage;
  readonly active: Provider;
  readonly links: readonly StageLink[];
}

export interface Plan {
  readonly stt: StagePlan<SttProvider>;
  readonly llm: StagePlan<LlmProvider>;
  readonly tts: StagePlan<TtsProvider>;
}

/** @throws UserError when a chain names an unknown provider or no provider of a stage is available */
export function planStages(config: Config, env: Environment): Plan {
  return {
    stt: planStage<SttProvider>('stt', config.chains.stt, sttProviders, env),
    llm: planStage<LlmProvider>('llm', config.chains.llm, llmProviders, env),
    tts: planStage<TtsProvider>('tts', config.chains.tts, ttsProviders, env),
  };
}

function planStage<
  Provider extends { id: string; env: ProviderDefinition<string, ProviderTraits, ProviderClient>['env'] },
>(stage: Stage, order: readonly string[], providers: readonly Provider[], env: Environment): StagePlan<Provider> {
  let active: Provider | undefined;
  const links = order.map((id): StageLink => {
    const provider = providers.find((candidate) => candidate.id === id);
    if (!provider) {
      throw new UserError(
        `agents/providers.yaml: chains.${stage} names "${id}", which is none of: ${providers.map((p) => p.id).join(', ')}`,
        'correct the name',
      );
    }
    const missing = Object.keys(provider.env).filter((name) => provider.env[name] === 'required' && !env[name]);
    if (missing.length > 0) return { id, state: 'left-out', reason: `${missing.join(' and ')} not set` };
    if (active) return { id, state: 'available' };
    active = provider;
    return { id, state: 'active' };
  });
  if (!active) {
    const reasons = links.map((link) => `${link.id}: ${link.reason}`).join('; ');
    throw new UserError(
      `no provider can serve ${stage} (${reasons})`,
      `set what is missing, or add free-${stage} to chains.${stage}`,
    );
  }
  return { stage, active, links };
}

export interface Links {
  readonly stt: SttLink;
  readonly llm: LlmLink;
  readonly tts: TtsLink;
}

/** Makes the clients of the active providers; `warmLinks` loads what they need. */
export function createLinks(plan: Plan, config: Config, env: Environment): Links {
  const { stt, llm, tts } = { stt: plan.stt.active, llm: plan.llm.active, tts: plan.tts.active };
  return {
    stt: { id: stt.id, title: stt.title, traits: stt.traits, client: stt.create(settingsOf(stt, config, env)) },
    llm: { id: llm.id, title: llm.title, traits: llm.traits, client: llm.create(settingsOf(llm, config, env)) },
    tts: {
      id: tts.id,
      title: tts.title,
      traits: tts.traits,
      client: tts.create(settingsOf(tts, config, env)),
      voices: config.voices[tts.id] ?? {},
    },
  };
}

export async function warmLinks(links: Links): Promise<void> {
  await Promise.all([links.stt, links.llm, links.tts].map((link) => link.client.warm?.()));
}

/** A provider sees the variables that it names and no others. */
export function settingsOf(
  provider: { readonly id: string; readonly env: Readonly<Record<string, unknown>> },
  config: Config,
  env: Environment,
): ProviderSettings {
  return {
    env: Object.fromEntries(Object.keys(provider.env).map((name) => [name, env[name]])),
    model: config.models[provider.id],
  };
}
