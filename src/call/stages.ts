// Which providers serve each stage, in what order, and who is left out and why.
import { createHash } from 'node:crypto';
import { checkBaseUrls } from '../config/base-urls.ts';
import type { Environment } from '../config/environment.ts';
import type { ProviderClient, ProviderDefinition, ProviderSettings, ProviderTraits } from '../config/provider.ts';
import { type Config, PIPELINE } from '../config/schema.ts';
import { UserError } from '../config/user-error.ts';
import type { FailoverLink } from '../failover/failover.ts';
import type { LlmLink, LlmProvider } from '../llm/contract.ts';
import type { RealtimeLink, RealtimeProvider } from '../realtime/contract.ts';
import { llmProviders, realtimeProviders, sttProviders, ttsProviders } from '../registry.ts';
import type { SttLink, SttProvider } from '../stt/contract.ts';
import type { TtsLink, TtsProvider } from '../tts/contract.ts';

export const PIPELINE_STAGES = ['stt', 'llm', 'tts'] as const;
export const STAGES = [...PIPELINE_STAGES, 'realtime'] as const;
export type Stage = (typeof STAGES)[number];

export interface StageLink {
  readonly id: string;
  readonly state: 'active' | 'available' | 'left-out';
  /** Why it is left out. */
  readonly reason?: string;
}

export interface PlannedProvider<Provider> {
  readonly provider: Provider;
  /** Its place in the chain; equals have the same. */
  readonly priority: number;
}

export interface StagePlan<Provider> {
  readonly stage: Stage;
  /** Who may serve, best first; empty for speech to speech alone, where nobody but the pipeline may. */
  readonly providers: readonly PlannedProvider<Provider>[];
  /** Everybody that the chain names. */
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

type AnyStageProvider = SttProvider | LlmProvider | TtsProvider | RealtimeProvider;
type AnyProvider = ProviderDefinition<string, ProviderTraits, ProviderClient>;

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
      // Of several ways to one vendor, the first that has what it needs.
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

export interface Links {
  readonly stt: readonly SttLink[];
  readonly llm: readonly LlmLink[];
  readonly tts: readonly TtsLink[];
  /** Without the pipeline, which each call makes of the others. */
  readonly realtime: readonly RealtimeLink[];
}

export type AnyLink = FailoverLink & { readonly client: ProviderClient };

/** What the links of every stage have in common. */
export function linksOfStage(links: Links, stage: Stage): readonly AnyLink[] {
  return links[stage];
}

/** What each client was made from, so that it is kept where a new configuration asks for the same. */
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

/** Ends the clients that only the former links had. */
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

interface Key {
  readonly ofKey: Environment;
  readonly keyFingerprint?: string;
}

/** One entry for each of the keys that a provider's variable holds, comma separated; one without where it needs none. */
export function keysOf(provider: Pick<AnyProvider, 'keyEnv' | 'needsOneOf'>, env: Environment): Key[] {
  const names = [provider.keyEnv, ...(provider.needsOneOf ?? [])].filter((name) => name?.endsWith('_KEY'));
  const name = names.find((candidate) => candidate && env[candidate]);
  const keys = (name && env[name]?.split(',').flatMap((key) => key.trim() || [])) || [];
  if (!name || keys.length === 0) return [{ ofKey: {} }];
  return keys.map((key) => ({
    ofKey: { [name]: key },
    // A changed key is another one: what was known of the old one does not hold for it.
    keyFingerprint: createHash('sha256').update(key).digest('hex').slice(0, 8),
  }));
}

/** A provider sees the variables that it names and no others. */
export function settingsOf(
  provider: { readonly id: string; readonly stage: string; readonly env: Readonly<Record<string, unknown>> },
  config: Config,
  env: Environment,
): ProviderSettings {
  return {
    env: Object.fromEntries(Object.keys(provider.env).map((name) => [name, env[name]])),
    model: config.models[provider.stage as Stage][provider.id],
  };
}
