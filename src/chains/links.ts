// The links of each stage: one for each key of each provider that may serve, with its client.
import type { Environment } from '../config/environment.ts';
import type { ProviderClient } from '../config/provider.ts';
import type { Config } from '../config/schema.ts';
import type { FailoverLink } from '../failover/failover.ts';
import type { LlmLink, LlmProvider } from '../llm/contract.ts';
import type { RealtimeLink, RealtimeProvider } from '../realtime/contract.ts';
import type { SttLink, SttProvider } from '../stt/contract.ts';
import type { TtsLink, TtsProvider } from '../tts/contract.ts';
import { keysOf, settingsOf } from './keys.ts';
import type { Plan, StagePlan } from './plan.ts';
import { STAGES, type Stage } from './stages.ts';

type AnyStageProvider = SttProvider | LlmProvider | TtsProvider | RealtimeProvider;

export interface Links {
  readonly stt: readonly SttLink[];
  readonly llm: readonly LlmLink[];
  readonly tts: readonly TtsLink[];
  /** Without the pipeline, which each call builds from the other three stages. */
  readonly realtime: readonly RealtimeLink[];
}

export type AnyLink = FailoverLink & { readonly client: ProviderClient };

/** The links of one stage, typed by what the links of every stage have in common. */
export function linksOfStage(links: Links, stage: Stage): readonly AnyLink[] {
  return links[stage];
}

/** What each client was made from, so that the client is kept where a new configuration asks for the same. */
const madeFrom = new WeakMap<ProviderClient, string>();

/**
 * Makes the clients of all providers that may serve, one for each key.
 * @param former of which clients are taken over where nothing changed for them
 */
export function createLinks(plan: Plan, config: Config, env: Environment, former?: Links): Links {
  const create = <Provider extends AnyStageProvider>(provider: Provider, given: Environment) => {
    const settings = settingsOf(provider, config, given);
    const made = JSON.stringify([provider.stage, provider.id, settings]);
    const kept = former && clientsOf(former).find((client) => madeFrom.get(client) === made);
    const client = kept ?? provider.create(settings);
    madeFrom.set(client, made);
    return client as ReturnType<Provider['create']>;
  };
  const withVoices = <Link extends { id: string }>(link: Link) => ({ ...link, voices: config.voices[link.id] ?? {} });
  return {
    stt: linksOf<SttProvider>(plan.stt, config, env, create),
    llm: linksOf<LlmProvider>(plan.llm, config, env, create),
    tts: linksOf<TtsProvider>(plan.tts, config, env, create).map(withVoices),
    realtime: linksOf<RealtimeProvider>(plan.realtime, config, env, create).map(withVoices),
  };
}

/** The clients of all stages. */
export function clientsOf(links: Links): ProviderClient[] {
  return STAGES.flatMap((stage) => linksOfStage(links, stage).map(({ client }) => client));
}

/** Closes the clients that only the former links had. */
export async function closeLeft(former: Links, links: Links): Promise<void> {
  const kept = new Set(clientsOf(links));
  const left = clientsOf(former).filter((client) => !kept.has(client));
  await Promise.allSettled(left.map((client) => client.close()));
}

function linksOf<Provider extends AnyStageProvider>(
  { providers }: StagePlan<Provider>,
  config: Config,
  env: Environment,
  create: (provider: Provider, env: Environment) => ReturnType<Provider['create']>,
) {
  return providers.flatMap(({ provider, priority }) =>
    keysOf(provider, env).map(({ ofKey, keyFingerprint }) => ({
      id: provider.id,
      title: provider.title,
      traits: (config.failover.reserve.includes(provider.id)
        ? { ...provider.traits, isReserve: true }
        : provider.traits) as Provider['traits'],
      client: create(provider, { ...env, ...ofKey }),
      priority,
      ...(config.failover.fallbackTo[provider.id] && { fallbackTo: config.failover.fallbackTo[provider.id] as string }),
      ...(keyFingerprint && { keyFingerprint }),
    })),
  );
}

/**
 * Loads what runs on this machine, so that it can take over at once: free engines, and the plugins of speech to speech. Vendors'
 * connections are opened by the call.
 */
export async function warmLocalLinks(links: Links): Promise<void> {
  const free = [...links.stt, ...links.llm, ...links.tts].filter((link) => link.id.startsWith('free-'));
  const local: readonly AnyLink[] = [...free, ...links.realtime];
  await Promise.all(local.map((link) => link.client.warm?.()));
}
