// What providers of every stage have in common: a plain value that says what it needs and makes a client.

/** How much a provider needs an environment variable: without a `required` one it is left out of its chain. */
export type EnvNeed = 'required' | 'optional';

/** What a client is made from. It reads nothing else, and never `process.env`. */
export interface ProviderSettings {
  /** Only the variables that the provider's `env` names. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** From the configuration; the provider's own default where absent. */
  readonly model?: string | undefined;
}

/**
 * Milliseconds from the start of an attempt (connect), from the work given or the open connection (first), between results
 * (stall). After `…HelpMs` the link is late: another link is started beside it, while it may still answer. After `…Ms` it has
 * failed: no healthy vendor takes so long. Infinity: no limit.
 */
export interface Deadlines {
  readonly connectHelpMs: number;
  readonly connectMs: number;
  readonly firstHelpMs: number;
  readonly firstMs: number;
  readonly stallHelpMs: number;
  readonly stallMs: number;
}

/** Data that orders the links of a chain and limits their waits; never code. */
export interface ProviderTraits {
  /** BCP 47 tags, or 'any'. */
  readonly languages: readonly string[] | 'any';
  /** Rough US dollars per minute of conversation; 0 for a provider that runs on this machine. */
  readonly usdPerMinute?: number;
  /** 0 to 1, from listening and from published word error rates; only the order of the values matters. */
  readonly quality?: number;
  /** Regions that it is served from, such as 'us' or 'eu'; 'local' is this machine. */
  readonly regions?: readonly string[];
  /** Deadlines of this provider where those of its stage (src/failover/deadline.ts) don't fit. */
  readonly deadlines?: Partial<Deadlines>;
  /** A last resort: it serves when all others have failed, never beside one that is merely late. */
  readonly isReserve?: boolean;
  /** Usual time to the first result, used until enough was measured; a hedge may start after twice this time. */
  readonly typicalFirstMs?: number;
}

/** A client is made once per process and reused by every call of it. */
export interface ProviderClient {
  /** Loads models or opens connections ahead of the first use; may be called again. */
  warm?(): Promise<void>;
  /** A check without cost; rejects with a ProviderError when the provider can't serve. */
  check?(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface ProviderDefinition<
  Stage extends string,
  Traits extends ProviderTraits,
  Client extends ProviderClient,
> {
  readonly stage: Stage;
  readonly id: string;
  /** Name for people: "PocketSphinx on this machine". */
  readonly title: string;
  readonly env: Readonly<Record<string, EnvNeed>>;
  /**
   * The variable of `env` that holds the key. It may hold several, comma separated: `create` is called once for each,
   * with that one alone.
   */
  readonly keyEnv?: string;
  /** Optional variables of `env` of which one at least must be set; without any the provider is left out. */
  readonly needsOneOf?: readonly string[];
  readonly traits: Traits;
  create(settings: ProviderSettings): Client;
}
