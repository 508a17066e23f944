// The chain of speech-to-speech models as LiveKit's RealtimeModel.
import { llm } from '@livekit/agents';
import { distinct, Failover, type FailoverOptions } from '../../failover/failover.ts';
import type { HealthBoard } from '../../failover/health-board.ts';
import { boardOf } from '../../health/memory-board.ts';
import { CAPABILITIES } from '../capabilities.ts';
import { ChainSession } from '../chain/chain-session.ts';
import type { RealtimeLink } from '../contract.ts';
import { adapterFor } from '../plugins/adapter.ts';

export interface RealtimeChainOptions extends FailoverOptions {
  /** Whether the chain returns to a better link at a turn boundary once that link is well; false where absent. */
  readonly returnToBetter?: boolean;
}

/** A LiveKit RealtimeModel over an array of links: LiveKit's plugins or our own providers. */
export class RealtimeChain extends llm.RealtimeModel {
  readonly #links: readonly RealtimeLink[];
  readonly #options: RealtimeChainOptions & { readonly board: HealthBoard };
  readonly #failover: Failover<RealtimeLink>;
  readonly #sessions = new Set<ChainSession>();

  /** @throws RangeError when `links` is empty */
  constructor(links: readonly (RealtimeLink | llm.RealtimeModel)[], options: RealtimeChainOptions = {}) {
    super({ ...CAPABILITIES, perResponseToolChoice: false });
    const normalised = links.map((link) => (link instanceof llm.RealtimeModel ? realtimeLinkFromPlugin(link) : link));
    this.#links = distinct(normalised);
    this.#options = { ...options, board: boardOf(options) };
    this.#failover = new Failover('realtime', this.#links, this.#options);
  }

  override label(): string {
    return 'bulletproof.RealtimeChain';
  }

  override get model(): string {
    return this.#failover.active.id;
  }

  /** Id of the link that would serve now. */
  override get provider(): string {
    return this.#failover.active.id;
  }

  override session(): llm.RealtimeSession {
    const failover = new Failover('realtime', this.#links, this.#options);
    const session = new ChainSession(this, failover, { returnToBetter: this.#options.returnToBetter ?? false });
    this.#sessions.add(session);
    return session;
  }

  override async close(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.close()));
    this.#sessions.clear();
    await Promise.all(this.#links.map(({ client }) => client.close()));
  }
}

/** Any LiveKit RealtimeModel as a link of a chain. */
export function realtimeLinkFromPlugin(plugin: llm.RealtimeModel): RealtimeLink {
  return {
    id: plugin.label(),
    traits: { languages: 'any', deadlines: adapterFor(plugin).deadlines ?? {} },
    client: { model: async () => plugin, close: () => plugin.close() },
  };
}
