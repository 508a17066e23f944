// What providers of every stage have in common: a plain value that says what it needs and makes a client.

/** Where an environment variable stands: without a `required` one the provider is left out of its chain. */
export type EnvNeed = 'required' | 'optional';

/** What a client is made from. Nothing else is read, least of all `process.env`. */
export interface ProviderSettings {
  /** Only the variables that the provider's `env` names. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** From the configuration; the provider's own default where absent. */
  readonly model?: string | undefined;
}

/**
 * Milliseconds from the start of an attempt (connect), from the work given or the open connection (first), between results
 * (stall). `…HelpMs`: it is late, and another link is started beside it, while it may still answer. `…Ms`: no healthy vendor is
 * so late; it has failed. Infinity: no such wait.
 */
export interface Deadlines {
  readonly connectHelpMs: number;
  readonly connectMs: number;
  readonly firstHelpMs: number;
  readonly firstMs: number;
  readonly stallHelpMs: number;
  readonly stallMs: number;
}

/** What orders the links of a chain and bounds its waits; data, never code. */
export interface ProviderTraits {
  /** BCP 47 tags, or 'any'. */
  readonly languages: readonly string[] | 'any';
  /** US dollars for a minute of conversation, roughly: 0 for what runs on this machine. */
  readonly usdPerMinute?: number;
  /** 0 to 1, by ear and by published word error rates; only their order matters. */
  readonly quality?: number;
  /** Where it is served from, as 'us', 'eu'; 'local' is this machine. */
  readonly regions?: readonly string[];
  /** Waits that fit this provider where the stage's own don't, (src/failover/deadline.ts). */
  readonly deadlines?: Partial<Deadlines>;
  /** A last resort: it serves when all others have failed, never beside one that is merely late. */
  readonly isReserve?: boolean;
  /** Usual time to the first result before anything was measured; when twice that has passed, a hedge may start. */
  readonly typicalFirstMs?: number;
}

/** A client is made once per process and reused by every call of it. */
export interface ProviderClient {
  /** Loads models or opens connections ahead of the first use; may be called again. */
  warm?(): Promise<void>;
  /** Costs nothing and rejects with a ProviderError when the provider can't serve. */
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
  /** What people call it: "PocketSphinx on this machine". */
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
