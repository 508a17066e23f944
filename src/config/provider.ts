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

/** A client is made once per process and reused by every call of it. */
export interface ProviderClient {
  /** Loads models or opens connections ahead of the first use; may be called again. */
  warm?(): Promise<void>;
  /** Costs nothing and rejects with a ProviderError when the provider can't serve. */
  check?(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface ProviderDefinition<Stage extends string, Traits, Client extends ProviderClient> {
  readonly stage: Stage;
  readonly id: string;
  /** What people call it: "PocketSphinx on this machine". */
  readonly title: string;
  readonly env: Readonly<Record<string, EnvNeed>>;
  readonly traits: Traits;
  create(settings: ProviderSettings): Client;
}
